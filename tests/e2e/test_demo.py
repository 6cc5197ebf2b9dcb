"""The demo does what it prints."""

import os
import pty
import re
import shutil
import signal
import subprocess
import time

from harness.proxy import BINARY, ROOT, SLOWNESS

ENV = {**os.environ, "POSTERN": BINARY, "PYTHONDONTWRITEBYTECODE": "1"}


def test_every_printed_line_is_true():
    done = subprocess.run([os.path.join(ROOT, "demo.sh"), "--check"], env=ENV, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=90 * SLOWNESS)
    assert done.returncode == 0, done.stdout


def run_until(port, text):
    p = subprocess.Popen([os.path.join(ROOT, "demo.sh"), "--port", str(port)], env={**ENV, "PYTHONUNBUFFERED": "1"},
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    lines, end = [], time.monotonic() + 30 * SLOWNESS
    for line in p.stdout:
        lines.append(line)
        if text in line or time.monotonic() > end:
            break
    return p, "".join(lines)


def test_ends_cleanly_and_starts_again():
    from harness.ports import free_port
    port = free_port()
    for _ in range(2):
        p, shown = run_until(port, "Ctrl-C")
        assert "curl -i" in shown, shown
        folder = re.search(r"@(\S*postern-demo-[^/]*)/", shown).group(1)
        assert os.path.isdir(folder)
        os.killpg(p.pid, signal.SIGINT)    # as a terminal does: to the whole group
        rest = p.stdout.read()
        assert p.wait(20 * SLOWNESS) == 0
        assert "Traceback" not in rest and rest.endswith("\nended.\n"), rest
        p.stdout.close()
        assert not os.path.exists(folder)


STEPS = r"""printf '[1/3] Compiling a\n[2/3] Compiling b\na.c:1: warning\n[3/3] Linking postern\n'"""


def own_checkout(folder, ninja):
    """demo.sh with a build of three steps, and a demo that says that it was come to."""
    for name in ("demo.sh", ".ci/packages.sh"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(os.path.join(ROOT, name), folder / name)
    (folder / "tests" / "demo").mkdir(parents=True)
    (folder / "tests" / "demo" / "demo.py").write_text("print('the demo')\n")
    (folder / "bin").mkdir()
    for name, text in (("dpkg-query", "echo installed"), ("meson", "exit 0"), ("ninja", ninja)):
        (folder / "bin" / name).write_text("#!/bin/sh\n" + text + "\n")
        (folder / "bin" / name).chmod(0o755)
    env = {k: v for k, v in ENV.items() if k != "POSTERN"}
    return {"args": [str(folder / "demo.sh")], "env": {**env, "PATH": "%s:%s" % (folder / "bin", ENV["PATH"])}}


def test_a_build_shows_how_far_it_is(tmp_path):
    ours, theirs = pty.openpty()
    child = subprocess.Popen(**own_checkout(tmp_path, STEPS), stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:                            # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert child.wait(20 * SLOWNESS) == 0
    assert seen.decode().replace("\x1b[K", "").split("\r") == [
        "building ...", "\n", "building ... [1/3]", "building ... [2/3]", "building ... [3/3]", "the demo", "\n"], seen


def test_a_build_without_a_terminal_says_a_line_now_and_then(tmp_path):
    for every, wanted in (("0", ["building ... [%d/3]" % i for i in (1, 2, 3)]), ("1000", [])):
        log = tmp_path / ("log" + every)
        done = subprocess.run(["bash", "-ec", '. .ci/packages.sh; %s | tell_progress "$0" %s' % (STEPS, every), str(log)],
                              cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout.splitlines() == wanted
        assert "a.c:1: warning" in log.read_text()


def test_a_build_that_fails_is_shown_whole(tmp_path):
    done = subprocess.run(**own_checkout(tmp_path, STEPS + "; exit 1"), stdout=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "a.c:1: warning" in done.stdout and "the demo" not in done.stdout, done
