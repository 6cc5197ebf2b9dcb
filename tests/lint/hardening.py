#!/usr/bin/env python3
"""The built program has its armour on: hardening.py BINARY.

A flag in meson.build proves nothing: a compiler that does not know it, or one object without the mark,
takes it away without a word. So the ELF file itself is asked.
"""

import os
import re
import subprocess
import sys


def tool(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise SystemExit("error: %s: %s" % (argv[0], done.stderr.strip()))
    return done.stdout


def segments(text):
    """(type, flags) of each program header."""
    return re.findall(r"^  ([A-Z_]+)\s+(?:0x[0-9a-f]+ +){5}([RWE ]{3})", text, re.M)


def is_pie(text, binary):
    return bool(re.search(r"Type:\s+DYN ", text)) and bool(re.search(r"\(FLAGS_1\).*\bPIE\b", text))


def has_full_relro(text, binary):
    return "GNU_RELRO" in dict(segments(text)) and bool(re.search(r"\(FLAGS(?:_1)?\).*\b(?:BIND_)?NOW\b", text))


def has_plain_stack(text, binary):
    flags = dict(segments(text)).get("GNU_STACK")
    return flags is not None and "E" not in flags


def has_no_writable_code(text, binary):
    return not any("W" in flags and "E" in flags for _, flags in segments(text)) and "(TEXTREL)" not in text


def has_stack_protector(text, binary):
    return bool(re.search(r"\bUND __stack_chk_fail\b", text))


def is_fortified(text, binary):
    return bool(re.search(r"\bUND __(?!stack_chk)\w+_chk\b", text))


def has_no_search_path(text, binary):
    return "(RPATH)" not in text and "(RUNPATH)" not in text


def has_shadow_stack(text, binary):
    return "X86-64" not in text or bool(re.search(r"x86 feature:.*\bSHSTK\b", text))


def has_branch_tracking(text, binary):
    """Marked, or where the C library's start files take the mark away, at least built with it."""
    if "X86-64" not in text or re.search(r"x86 feature:.*\bIBT\b", text):
        return True
    code = re.search(r"<main>:\n[^\n]*", tool("objdump", "-d", "--disassemble=main", binary))
    return bool(code) and "endbr64" in code.group()


CHECKS = [
    (is_pie, "it is not position independent (PIE)"),
    (has_full_relro, "its relocations stay writable (full RELRO)"),
    (has_plain_stack, "its stack is executable"),
    (has_no_writable_code, "it has code that can be written"),
    (has_stack_protector, "no function has a stack guard"),
    (is_fortified, "no call into libc is fortified (FORTIFY_SOURCE)"),
    (has_no_search_path, "it looks for libraries in a path of its own (RPATH)"),
    (has_shadow_stack, "it is not marked for the shadow stack (CET SHSTK)"),
    (has_branch_tracking, "it has no landing pads for indirect branches (CET IBT)"),
]


def check(binary):
    text = tool("readelf", "-W", "-h", "-l", "-d", "-n", "--dyn-syms", binary)
    return [what for holds, what in CHECKS if not holds(text, binary)]


def main(argv):
    if len(argv) != 2:
        print(__doc__)
        return 2
    findings = check(argv[1])
    for what in findings:
        print("error: %s: %s" % (argv[1], what))
    print("%d checks, %d finding%s" % (len(CHECKS), len(findings), "" if len(findings) == 1 else "s"))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
