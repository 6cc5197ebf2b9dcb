#!/usr/bin/env python3
"""Every path that the documentation names exists: a tour that is out of date is worse than none.

A name counts as a path of ours when it is a link target, when it begins with a folder or script of the
checkout, or when it is written in code font and ends like a source file (then any folder will do, since
a page about a room says `fields.c`).
"""

import os
import re
import sys

import tree

TOPS = ("base/", "policy/", "authn/", "proxy/", "tests/", "docs/", ".ci/", "./demo.sh", "./test.sh")
SOURCE = re.compile(r"^[A-Za-z0-9_.+/-]+\.(c|h|py|sh|build)$")
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def named(text):
    """(offset, path, is_link) of what looks like a path, in code font and in links."""
    for m in LINK.finditer(text):
        if "://" not in m.group(1) and not m.group(1).startswith("mailto:"):
            yield m.start(1), m.group(1), True
    prose = FENCE.sub(lambda m: " " * len(m.group()), text)
    for m in CODE.finditer(prose):
        for word in m.group(1).split():
            if word.startswith(TOPS) or SOURCE.match(word):
                yield m.start(1), word.rstrip(".,:;"), False


def exists(root, page, name, is_link, known):
    if any(c in name for c in "*<>{}$"):
        return True
    base = os.path.join(root, os.path.dirname(page)) if is_link else root
    if os.path.exists(os.path.join(base, name)):
        return True
    return not is_link and any(k.endswith("/" + name) for k in known)


def check(root):
    report, findings = [], []
    known = tree.files(root)
    pages = [p for p in known if p.endswith(".md") and (p.startswith("docs/") or "/" not in p)]
    for page in pages:
        text = tree.read(root, page)
        for at, name, is_link in named(text):
            report.append("%s: %s" % (page, name))
            if not exists(root, page, name, is_link, known):
                line = text.count("\n", 0, at) + 1
                findings.append("%s:%d: %s does not exist" % (page, line, name))
    return report, findings


if __name__ == "__main__":
    sys.exit(tree.main(check))
