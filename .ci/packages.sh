# Sourced by test.sh and demo.sh: which distribution packages are needed, and how to get those that are not there.
# A name with a bar is a choice: the first one that the distribution has.

build_packages="gcc libc6-dev meson ninja-build pkg-config|pkgconf libssl-dev libuv1-dev libcurl4-openssl-dev
    libyaml-dev libidn2-dev libjansson-dev libsqlite3-dev libjwt-dev zlib1g-dev libpcre2-dev libllhttp-dev|node-llhttp tzdata"
demo_packages="$build_packages python3-cryptography curl"
test_packages="$build_packages libcmocka-dev git clang-format-14|clang-format python3-pytest python3-yaml python3-jwt
    python3-cryptography python3-jsonschema util-linux curl strace systemd wrk chromium"
# Some builds of Node bring npm along and conflict with the package of that name.
command -v npm >/dev/null || test_packages="$test_packages nodejs npm"

is_installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# Prints the choices of which none is installed.
missing_packages() {
    local choice name found
    for choice in "$@"; do
        found=
        for name in ${choice//|/ }; do
            is_installed "$name" && found=yes && break
        done
        [ -n "$found" ] || echo "$choice"
    done
}

# Installs what is missing, says so first, and stays away from apt when nothing is.
need_packages() {
    local missing choice name names=() root=()
    command -v dpkg-query >/dev/null || { echo "no dpkg here: install by hand: $*"; return 0; }
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "not root and no sudo; please install:" $missing >&2; return 1; }
        root=(sudo)
    fi
    echo "installing with apt:" $missing
    "${root[@]}" apt-get update -qq || echo "apt-get update failed, going on with the lists that are here"
    for choice in $missing; do
        for name in ${choice//|/ }; do
            if apt-cache show "$name" >/dev/null 2>&1; then
                names+=("$name")
                break
            fi
        done
    done
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${names[@]}" >/dev/null
}

# Installs what a folder's package-lock.json names, once for each version of it.
need_node_modules() {
    local dir=$1 sum
    sum=$(sha256sum <"$dir/package-lock.json")
    [ "$(cat "$dir/node_modules/.lock-sum" 2>/dev/null)" != "$sum" ] || return 0
    echo "installing with npm: $dir"
    (cd "$dir" && npm ci --loglevel=error) || return 1
    echo "$sum" >"$dir/node_modules/.lock-sum"
}

# Debian's own Python has the modules installed above; another python3 first on PATH has not.
python() {
    if [ -x /usr/bin/python3 ]; then /usr/bin/python3 "$@"; else python3 "$@"; fi
}

# Sets up a build directory once; later runs only make sure of the options, and read the list of
# options again when it has grown. Builds $targets, or all.
build_in() {
    local dir=$1
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        meson setup "$dir" "$@" || return 1
    elif [ $# -gt 0 ]; then
        meson configure "$dir" "$@" || meson setup --reconfigure "$dir" "$@" || return 1
    fi
    # shellcheck disable=SC2086
    ninja -C "$dir" ${targets:-}
}

# tell_progress LOG [SECONDS]: keeps what a build says in LOG and shows how far it is: in place on a
# terminal, elsewhere a line now and then.
tell_progress() {
    local log=$1 every=${2:-10} line
    local next=$((SECONDS + every))
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$log"
        [[ $line =~ ^\[[0-9]+/[0-9]+\] ]] || continue
        if [ -t 1 ]; then
            printf '\rbuilding ... %s\033[K' "${BASH_REMATCH[0]}"
        elif [ "$SECONDS" -ge "$next" ]; then
            printf 'building ... %s\n' "${BASH_REMATCH[0]}"
            next=$((SECONDS + every))
        fi
    done
    [ ! -t 1 ] || printf '\r\033[K'
}

# The program that people run: link-time optimisation takes a tenth off a request.
product_options="-Db_lto=true"
product=build-release/postern
