"""The demo does what it prints."""

import os
import re
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
