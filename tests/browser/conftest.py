import importlib.util
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.join(os.path.dirname(HERE), "e2e")
sys.path[:0] = [HERE, E2E]

import browser as chromium  # noqa: E402
import shop as shops  # noqa: E402

# The fixtures that start a postern are those of the stories.
_spec = importlib.util.spec_from_file_location("stories", os.path.join(E2E, "conftest.py"))
_stories = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_stories)
issuer, origin, start, start_shared = _stories.issuer, _stories.origin, _stories.start, _stories.start_shared


@pytest.fixture(scope="session")
def browser():
    reason = chromium.missing()
    if reason:
        pytest.skip(reason)
    with chromium.Browser() as b:
        yield b


@pytest.fixture(scope="session")
def shop():
    s = shops.Shop()
    yield s
    s.close()


@pytest.fixture
def tab(browser):
    """A desktop's tab in a profile of its own."""
    t = browser.tab(**chromium.DESKTOP)
    yield t
    t.close()
