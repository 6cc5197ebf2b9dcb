#!/usr/bin/python3
"""What the reference is must stay readable in one sitting, and lean on nothing of the C: the interpreter and what texts
mean have at most 600 lines together, none too wide for the page, and use Python's own modules and YAML.

  size.py"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FILES, MOST_LINES, MOST_CHARACTERS = ('reference.py', 'forms.py'), 600, 132
MODULES = {'datetime', 'functools', 'ipaddress', 're', 'urllib.parse', 'yaml', 'zoneinfo', 'forms'}


def faults(folder):
    total = 0
    for name in FILES:
        with open(os.path.join(folder, name), encoding='utf-8') as f:
            lines = f.read().splitlines()
        total += len(lines)
        for number, line in enumerate(lines, 1):
            used = re.match(r'\s*(?:import|from) ([\w.]+)', line)
            if used and used[1] not in MODULES:
                yield f'{name}:{number}: uses {used[1]}'
            if len(line) > MOST_CHARACTERS:
                yield f'{name}:{number}: {len(line)} characters, more than {MOST_CHARACTERS}'
    if total > MOST_LINES:
        yield f'{" and ".join(FILES)} have {total} lines, more than {MOST_LINES}'


if __name__ == '__main__':
    found = list(faults(HERE))
    sys.stdout.writelines(line + '\n' for line in found)
    sys.exit(1 if found else 0)
