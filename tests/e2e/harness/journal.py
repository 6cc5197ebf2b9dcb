"""Follows the access log: a record is waited for, with a deadline, and never slept for."""

import ctypes
import json
import os
import select
import time

from .raw import PATIENCE_S

IN_MODIFY, IN_CREATE, IN_MOVED_TO = 0x2, 0x100, 0x80
_libc = ctypes.CDLL(None, use_errno=True)


class Journal:
    """The records of one journal file, in order, across its rotation."""

    def __init__(self, path):
        self.path, self.records, self.torn = path, [], b""
        self.file, self.notice = None, None
        self.odd = []

    def _watch(self):
        if self.notice is None:
            self.notice = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            folder = os.path.dirname(self.path).encode()
            _libc.inotify_add_watch(self.notice, folder, IN_MODIFY | IN_CREATE | IN_MOVED_TO)

    def close(self):
        if self.notice is not None:
            os.close(self.notice)
        if self.file:
            self.file.close()
        self.notice = self.file = None

    def refresh(self):
        """Takes in whole lines that are new; a line that is no JSON is kept in `odd`."""
        if self.file is None:
            if not os.path.exists(self.path):
                return
            self.file = open(self.path, "rb")
        while True:
            data = self.file.read()
            *lines, self.torn = (self.torn + data).split(b"\n")
            for line in lines:
                try:
                    self.records.append(json.loads(line))
                except ValueError:
                    self.odd.append(line)
            if data or not self._rotated():
                return

    def _rotated(self):
        try:
            here, there = os.fstat(self.file.fileno()), os.stat(self.path)
        except FileNotFoundError:
            return False
        if (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino):
            return False
        self.file.close()
        self.file = open(self.path, "rb")
        return True

    def find(self, test=None, **fields):
        """Records whose fields (dotted with __: decision__effect) are equal and which pass `test`."""
        self.refresh()
        return [r for r in self.records if matches(r, fields) and (test is None or test(r))]

    def wait(self, count=1, seconds=PATIENCE_S, test=None, **fields):
        """The last record that fits, once `count` of them are there."""
        self._watch()
        end = time.monotonic() + seconds
        while True:
            found = self.find(test, **fields)
            if len(found) >= count:
                return found[-1]
            left = end - time.monotonic()
            if left <= 0:
                last = "\n".join(json.dumps(r) for r in self.records[-5:])
                raise AssertionError("%d of %d records %r within %g s; the last ones are:\n%s"
                                     % (len(found), count, fields, seconds, last))
            # The tenth of a second is for a folder that was replaced under the watch.
            if select.select([self.notice], [], [], min(left, 0.1))[0]:
                os.read(self.notice, 65536)


def dig(record, path):
    for name in path.split("__"):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def matches(record, fields):
    return all(dig(record, name) == value for name, value in fields.items())
