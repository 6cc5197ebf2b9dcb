"""Fixtures of the stories. A module shares one postern; a test that breaks its postern starts its own."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.certs import Authority  # noqa: E402
from harness.origin import Origin  # noqa: E402
from harness.proxy import BINARY, Postern  # noqa: E402
from harness.tokens import Issuer  # noqa: E402

_running = []


@pytest.fixture(scope="session")
def issuer():
    return Issuer()


@pytest.fixture(scope="session")
def origin():
    o = Origin()
    yield o
    o.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def _starter(factory, issuer, origin):
    mine = []
    if not os.access(BINARY, os.X_OK):
        pytest.fail("no postern at %s (build it, or set POSTERN)" % BINARY)

    def start(ready=True, **how):
        how.setdefault("issuer", issuer)
        how.setdefault("upstream", origin.url)
        p = Postern(how.pop("folder", None) or factory.mktemp("postern"), **how)
        mine.append(p)
        _running.append(p)
        return p.start() if ready else p

    yield start
    errors = []
    for p in reversed(mine):
        try:
            p.finish()
        except AssertionError as e:
            errors.append(str(e))
        _running.remove(p)
    assert not errors, "\n".join(errors)


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory, issuer, origin):
    """Starts a postern that lives until the end of the module."""
    yield from _starter(tmp_path_factory, issuer, origin)


@pytest.fixture
def start(tmp_path_factory, issuer, origin):
    """Starts a postern that lives until the end of the test."""
    yield from _starter(tmp_path_factory, issuer, origin)


@pytest.fixture(scope="module")
def gate(start_shared):
    """The usual postern of a module."""
    return start_shared()


@pytest.fixture(scope="session")
def staff(issuer):
    return issuer.person("eva", ["staff"])


@pytest.fixture(scope="session")
def contractor(issuer):
    return issuer.person("kim", ["contractors"])


@pytest.fixture(scope="session")
def suspended(issuer):
    return issuer.person("sam", ["staff", "suspended"])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for p in _running:
            report.sections.append(("stderr of " + p.folder, p.stderr()[-3000:]))
