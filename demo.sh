#!/usr/bin/env bash
# Builds postern and runs it in front of two small dashboards; see ./demo.sh --help.
set -euo pipefail
cd "$(dirname "$0")"
. .ci/packages.sh

case " $* " in *" --help "* | *" -h "*) POSTERN=none ;; esac
if [ -z "${POSTERN:-}" ]; then
    # shellcheck disable=SC2086
    need_packages $demo_packages
    echo "building ..."
    log=$(mktemp)
    # shellcheck disable=SC2086
    targets=postern build_in build-release $product_options 2>&1 | tell_progress "$log" || { cat "$log"; rm -f "$log"; exit 1; }
    rm -f "$log"
    export POSTERN=$PWD/$product
fi
export PYTHONDONTWRITEBYTECODE=1
if [ -x /usr/bin/python3 ]; then exec /usr/bin/python3 tests/demo/demo.py "$@"; fi
exec python3 tests/demo/demo.py "$@"
