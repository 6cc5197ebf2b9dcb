#!/usr/bin/env python3
"""Turns the style sheet into a C header: embed.py STYLE.css OUT.h

Comments and needless space are left out; the hash is what the Content-Security-Policy names.
"""

import base64
import hashlib
import re
import sys


def shorten(css):
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,>]) ?", r"\1", css)
    css = re.sub(r": ", ":", css)
    return css.replace(";}", "}").strip()


def main(source, target):
    with open(source, encoding="ascii") as f:
        style = shorten(f.read())
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    quoted = style.replace("\\", "\\\\").replace('"', '\\"')
    lines = "\n".join('    "%s" \\' % part for part in re.findall(r"(?:\\.|[^\\]){1,88}", quoted))
    with open(target, "w", encoding="ascii") as f:
        f.write("/* Made from style.css by embed.py. */\n#define PAGE_STYLE \\\n%s\n\n" % lines)
        f.write('#define PAGE_STYLE_HASH "sha256-%s"\n' % digest)


if __name__ == "__main__":
    main(*sys.argv[1:])
