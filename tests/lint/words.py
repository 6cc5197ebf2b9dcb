#!/usr/bin/env python3
"""Words that must not be in the checkout, and tests that nobody runs.

- a path of the machine that a line was written on, or the host of a package registry;
- a note to finish something later: what is not done is not there, or it is in the tracker;
- a test file that no meson.build lists.
"""

import os
import re
import sys

import tree

# Written in pieces, so that this file passes its own test.
RULES = [
    (re.compile(r"(?<![\w.}~)])/(?:wo" r"rk|fa" r"rm)/"), "a path of a machine"),
    (re.compile(r"https?://[^ \"']*(?:regi" r"stry|/deb" r"ian)[^ \"']*"), "the host of a registry"),
    (re.compile(r"\b(?:py" r"pi\.org|npm" r"js\.org|crates" r"\.io|proxy\.go" r"lang\.org)\b"),
     "the host of a registry"),
    (re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b"), "an unfinished thought"),
]
SKIP = ("LICENSE",)
SKIP_FOLDERS = ("tests/fuzz/corpus/",)
TEST_FILE = re.compile(r"^tests/(?:unit/.*test_[^/]*\.c|e2e/test_[^/]*\.py|browser/test_[^/]*\.py|lint/test_[^/]*\.py"
                       r"|fuzz/fuzz_[^/]*\.c|reference/test_[^/]*\.py)$")


def bad_words(root, name):
    text = tree.read(root, name)
    if "\0" in text[:4096]:
        return
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, what in RULES:
            m = pattern.search(line)
            if m:
                yield "%s:%d: %s: %s" % (name, number, what, m.group())


def unlisted(root, names):
    """Test files whose name no meson.build between them and tests/ mentions."""
    for name in names:
        if not TEST_FILE.match(name):
            continue
        stem = os.path.splitext(os.path.basename(name))[0]
        short = re.sub(r"^(?:test|fuzz)_", "", stem)
        folder, found = os.path.dirname(name), False
        while folder.startswith("tests") and not found:
            build = os.path.join(folder, "meson.build")
            if build in names:
                found = bool(re.search(r"['/](?:test_|fuzz_)?%s(?:\.c|\.py)?'" % re.escape(short),
                                       tree.read(root, build)))
            folder = os.path.dirname(folder)
        if not found:
            yield "%s: no meson.build lists this test" % name


def check(root):
    names = [n for n in tree.files(root) if not n.startswith(SKIP_FOLDERS) and n not in SKIP]
    findings = [f for n in names for f in bad_words(root, n)]
    findings += unlisted(root, names)
    return ["%d files read" % len(names)], findings


if __name__ == "__main__":
    sys.exit(tree.main(check))
