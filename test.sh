#!/usr/bin/env bash
# Builds postern and runs its tests; the last line is the sum over all of them.
set -uo pipefail
cd "$(dirname "$0")" || exit 1
. .ci/packages.sh

usage() {
    cat <<'EOF'
usage: ./test.sh [--quick] [--only STAGE]...

Installs what is missing (apt, as root or through sudo; npm in tests/), builds, and runs:
  plain   the suites lint, unit, fuzz-corpus, reference, e2e and browser
  asan    unit, fuzz-corpus, reference and e2e again under AddressSanitizer and UndefinedBehaviorSanitizer
  tsan    unit and the e2e stories with many threads again under ThreadSanitizer
  release the product with link-time optimisation: its armour, its counts, and the fast part of e2e

  --quick       one build; lint, unit, and a fast part of e2e (under two minutes)
  --only STAGE  only this stage (plain, asan, tsan, release)

Ends with "N passed, N failed, N skipped" and 1 when anything failed.
Build directories are build/, build-asan/ and build-tsan/; the product, with link-time
optimisation, is in build-release/, which ./demo.sh uses too.
EOF
}

quick= stages=()
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=yes ;;
    --only) stages+=("${2:?--only needs a stage}"); shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done
[ ${#stages[@]} -gt 0 ] || stages=(plain asan tsan release)
[ -z "$quick" ] || stages=(plain)

# shellcheck disable=SC2086
need_packages $test_packages || exit 1

logs=() broken=0 started=$SECONDS

# TSan of older compilers does not find its place in a randomised address space.
noaslr=()
setarch "$(uname -m)" -R true 2>/dev/null && noaslr=(setarch "$(uname -m)" -R)

# build NAME DIR OPTION...: one line, and the compiler's words when it fails.
build() {
    local name=$1 dir=$2 begin=$SECONDS log
    shift 2
    log=$(mktemp)
    printf '%-28s' "$name: build"
    if build_in "$dir" -Dwerror=true -Dtests=enabled "$@" >"$log" 2>&1; then
        printf 'ok, %d s\n' $((SECONDS - begin))
        rm -f "$log"
        return 0
    fi
    printf 'FAILED, %d s\n' $((SECONDS - begin))
    awk '/^FAILED|ERROR:/ { found = 1 } found' "$log" | head -n 80 | grep . || tail -n 40 "$log"
    rm -f "$log"
    broken=$((broken + 1))
    return 1
}

# stage NAME DIR LIMIT_S ARG...: runs meson test with ARGs, in at most LIMIT_S seconds.
stage() {
    local name=$1 dir=$2 limit=$3 begin=$SECONDS base log rc
    shift 3
    base=${name//[: ]/-}
    log=$dir/meson-logs/$base.json
    rm -f "$log" "$dir/meson-logs/$base"-*.json
    printf '%-28s' "$name"
    timeout --kill-after=10 "$limit" meson test --no-rebuild -C "$dir" --logbase "$base" "$@" \
        >"$dir/$base.out" 2>&1
    rc=$?
    # With a wrapper meson adds its name to the log's.
    for log in "$dir/meson-logs/$base.json" "$dir/meson-logs/$base"-*.json; do [ -f "$log" ] && break; done
    logs+=("$log")
    printf '%s, %d s\n' "$(python .ci/count.py --short "$log")" $((SECONDS - begin))
    if [ $rc = 124 ] || [ $rc = 137 ]; then
        echo "  $name did not end within $limit s"
        broken=$((broken + 1))
    elif [ ! -f "$log" ] && ! grep -q 'No tests defined\|No suitable tests' "$dir/$base.out"; then
        tail -n 20 "$dir/$base.out"
        broken=$((broken + 1))
    fi
}

plain() {
    build plain build || return
    stage "plain: lint" build 120 --suite lint
    stage "plain: unit" build 300 --suite unit
    if [ -n "$quick" ]; then
        stage "plain: e2e (quick)" build 120 --suite quick
        return
    fi
    stage "plain: fuzz-corpus" build 300 --suite fuzz-corpus
    stage "plain: reference" build 900 --suite reference
    need_node_modules tests/provider || broken=$((broken + 1))
    stage "plain: e2e" build 1500 --suite e2e
    need_node_modules tests/browser || broken=$((broken + 1))
    stage "plain: browser" build 900 --suite browser
}

asan() {
    build asan build-asan -Db_sanitize=address,undefined -Db_lundef=false || return
    stage "asan: unit" build-asan 900 --suite unit -t 5
    stage "asan: fuzz-corpus" build-asan 900 --suite fuzz-corpus -t 5
    stage "asan: reference" build-asan 900 --suite reference -t 2
    need_node_modules tests/provider || broken=$((broken + 1))
    POSTERN_TEST_SLOWNESS=4 stage "asan: e2e" build-asan 2400 --suite e2e -t 4
}

tsan() {
    build tsan build-tsan -Db_sanitize=thread -Db_lundef=false || return
    stage "tsan: unit" build-tsan 900 --suite unit -t 5 --wrapper "${noaslr[*]:-env}"
    POSTERN_TEST_SLOWNESS=6 stage "tsan: e2e (threads)" build-tsan 1800 --suite threads -t 6 \
        --wrapper "${noaslr[*]:-env}"
}

release() {
    # shellcheck disable=SC2086
    targets="postern tests/bench/libcount_alloc.so tests/e2e/mail_probe" build release build-release $product_options || return
    stage "release: armour, counts" build-release 300 --suite product
    stage "release: e2e (quick)" build-release 300 --suite quick
}

for s in "${stages[@]}"; do
    case $s in
    plain | asan | tsan | release) "$s" ;;
    *) echo "no such stage: $s" >&2; exit 2 ;;
    esac
done

echo "took $((SECONDS - started)) s"
summary=$(python .ci/count.py ${logs[@]+"${logs[@]}"})
status=$?
if [ $broken -gt 0 ]; then
    # A build that failed or a stage that did not end is a failure too.
    echo "$summary" | sed '$d'
    echo "$summary" | tail -n 1 | awk -v n=$broken '{ $3 += n; print }'
    exit 1
fi
echo "$summary"
exit $status
