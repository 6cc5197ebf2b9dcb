import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]

import browser as chromium  # noqa: E402


@pytest.fixture(scope="session")
def browser():
    reason = chromium.missing()
    if reason:
        pytest.skip(reason)
    with chromium.Browser() as b:
        yield b


@pytest.fixture
def tab(browser):
    """A desktop's tab in a profile of its own."""
    t = browser.tab(**chromium.DESKTOP)
    yield t
    t.close()
