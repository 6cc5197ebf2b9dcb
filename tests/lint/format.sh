#!/bin/sh
# clang-format has nothing to change. Another version of it would write other lines, so only the one
# that the project uses is asked; without it the test is skipped (77), never passed.
set -eu
want=14
root=${1:-$(cd "$(dirname "$0")/../.." && pwd)}
tool=
for name in "clang-format-$want" clang-format; do
    if command -v "$name" >/dev/null && "$name" --version | grep -q "version $want\."; then
        tool=$name
        break
    fi
done
if [ -z "$tool" ]; then
    echo "skipped: clang-format $want is not installed"
    exit 77
fi
cd "$root"
if [ -e .git ]; then
    list="git -c safe.directory=* ls-files -z --cached --others --exclude-standard -- *.c *.h"
else
    list="find . -name build* -prune -o ( -name *.c -o -name *.h ) -print0"
fi
set -f
# shellcheck disable=SC2086
$list | xargs -0 -r sh -c 'for f do [ ! -f "$f" ] || printf "%s\0" "$f"; done' sh |
    xargs -0 -r "$tool" --dry-run -Werror
