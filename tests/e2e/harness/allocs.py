"""What each thread of a postern asks of the allocator: the reader's side of tests/bench/count_alloc.c."""

import mmap
import os
import struct
import subprocess

SLOTS, WORDS = 64, 16
LIBRARY = os.environ.get("COUNT_ALLOC_LIBRARY", "")


class Allocs:
    def __init__(self, path):
        self.path = str(path)
        with open(self.path, "wb") as f:
            f.truncate(SLOTS * WORDS * 8)
        with open(self.path, "rb") as f:
            self.map = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        self.env = {"LD_PRELOAD": LIBRARY, "COUNT_ALLOC": self.path}

    def threads(self, pid):
        """{thread name: calls}; threads of one name are added."""
        out = {}
        for tid, calls, _ in self._slots():
            name = self._name(pid, tid)
            out[name] = out.get(name, 0) + calls
        return out

    def callers(self, pid, name, binary):
        """Where a thread asked last, as lines of source if the binary knows them."""
        found = {at for tid, _, callers in self._slots() if self._name(pid, tid) == name for at in callers}
        start = self._start(pid, binary)
        spots = ["%#x" % (at - start) for at in found if at >= start]
        argv = ["addr2line", "-s", "-f", "-p", "-e", binary, *spots]
        return subprocess.run(argv, stdout=subprocess.PIPE, text=True).stdout

    def _slots(self):
        for n in range(SLOTS):
            tid, a, b, c, d, *callers = struct.unpack_from("<%dQ" % WORDS, self.map, n * WORDS * 8)
            if tid:
                yield tid, a + b + c + d, [at for at in callers if at]

    @staticmethod
    def _name(pid, tid):
        try:
            with open("/proc/%d/task/%d/comm" % (pid, tid)) as f:
                return "main" if tid == pid else f.read().strip()
        except OSError:
            return "ended"

    @staticmethod
    def _start(pid, binary):
        with open("/proc/%d/maps" % pid) as f:
            return min(int(line.split("-")[0], 16) for line in f if line.rstrip().endswith(binary))
