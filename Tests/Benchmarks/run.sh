#!/usr/bin/env bash
# Measures Martlet beside a bare libcurl loop, Go, Node and aiohttp, its journal beside SQLite, and prints one table.
#
#   Tests/Benchmarks/run.sh [--quick] [--rows IDS] [--rounds N] [--json FILE] [--prefix DIR] [--directory DIR] [--list]
#
# --quick      a short run for the tests: same table, figures not to be quoted
# --rows       ids or groups of rows.py, comma separated; the default is the groups main, fairness, index, journal,
#              recovery and memory
# --json       writes the rows with all their samples to FILE too
# --prefix     measures the Martlet that bindings/c/install.sh installed in DIR; without it, it is built and installed
#              below .build-bench
# --directory  where journals and databases are written, each in a fresh directory that is removed afterwards; it should
#              lie on a real disk. Without it they are written below .build-bench
#
# Installs what is missing (apt, and aiohttp from PyPI into .build-bench/venv). What cannot be built becomes an error in
# its row, and the exit code is 1. All traffic is to loopback.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$root/.build-bench
export PYTHONDONTWRITEBYTECODE=1
prefix=
arguments=("$@")
for ((i = 0; i < ${#arguments[@]}; i++)); do
    case ${arguments[i]} in
    --prefix) prefix=${arguments[i + 1]:-} ;;
    --prefix=*) prefix=${arguments[i]#--prefix=} ;;
    esac
done

progress() { printf '%s\n' "$*" >&2; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# install_packages PACKAGE…: quiet unless it fails.
install_packages() {
    progress "installing $*"
    as_root apt-get update -qq >"$build/apt.log" 2>&1 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$build/apt.log" 2>&1
}

command -v python3 >/dev/null || { mkdir -p "$build" && install_packages python3 python3-venv; }
case " $* " in
*" --help "* | *" -h "* | *" --list "*) exec python3 "$here/benchmark.py" "$@" ;;
esac
clients=$(python3 "$here/benchmark.py" --print-clients "$@")
mkdir -p "$build/errors"

wants() { [[ " $clients " == *" $1 "* ]]; }

missing=()
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
command -v pkg-config >/dev/null || missing+=(pkg-config)
pkg-config --exists libcurl 2>/dev/null || missing+=(libcurl4-openssl-dev)
if wants sqlite && ! pkg-config --exists sqlite3 2>/dev/null; then missing+=(libsqlite3-dev); fi
if wants go && ! command -v go >/dev/null; then missing+=(golang-go); fi
if wants node && ! command -v node >/dev/null; then missing+=(nodejs); fi
if wants aiohttp && ! python3 -c 'import ensurepip' 2>/dev/null; then missing+=(python3-venv); fi
if [ ${#missing[@]} -gt 0 ]; then
    install_packages "${missing[@]}" || progress "apt could not install ${missing[*]}, see $build/apt.log"
fi

# cause LOG: the line of a failed build that says most: the first that names an error, or else the last.
cause() { grep -m 1 -E 'error:|undefined reference|cannot find' "$1" || grep -v '^ *$' "$1" | tail -n 1; }

# build CLIENT COMMAND…: runs a function that builds a client; when it fails, the rows of that client say so.
build() {
    local client=$1 log=$build/$1.log
    shift
    rm -f "$build/errors/$client"
    if ! "$@" >"$log" 2>&1; then
        echo "not built ($log): $(cause "$log" | cut -c 1-160)" | sed "s|$root/||g" >"$build/errors/$client"
    fi
}

compile() {
    local output=$1
    shift
    gcc -std=c11 -O2 -D_GNU_SOURCE -Wall -Wextra -pedantic -Werror -I "$here" -o "$build/$output" "$@"
}

# Flags are for libcurl, martlet or SQLite; without their package, pkg-config's own message is the error.
build_bare() {
    local flags
    flags=$(pkg-config --cflags --libs libcurl) || return 1
    # shellcheck disable=SC2086
    compile bare_libcurl "$here"/{bare_libcurl,options,measure}.c $flags
}

build_go() { GO111MODULE=off GOCACHE="$build/go-cache" go build -o "$build/go_client" "$here/go_client.go"; }

build_node() { node --check "$here/node_client.js"; }

build_aiohttp() {
    if ! cmp -s "$here/requirements.txt" "$build/venv/requirements.txt"; then
        python3 -m venv --clear "$build/venv" || return 1
        "$build/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" \
            || return 1
        cp "$here/requirements.txt" "$build/venv/requirements.txt"
    fi
}

build_martlet() {
    local installed=$prefix flags
    if [ -z "$installed" ]; then
        installed=$build/prefix
        bash "$root/bindings/c/install.sh" --prefix "$installed" || return 1
    fi
    installed=$(cd "$installed" && pwd) || return 1
    flags=$(PKG_CONFIG_PATH="$installed/lib/pkgconfig" pkg-config --cflags --libs martlet) || return 1
    # shellcheck disable=SC2086
    compile martlet_bench -pthread "$here"/martlet_{bench,push,fairness,index,recovery,memory,compaction,host,api}.c \
        "$here"/{options,measure}.c $flags "-Wl,-rpath,$installed/lib"
}

build_sqlite() {
    local flags
    flags=$(pkg-config --cflags --libs sqlite3) || return 1
    # shellcheck disable=SC2086
    compile sqlite_bench "$here"/{sqlite_bench,options,measure}.c $flags
}

progress "building the sink and the clients: $clients"
compile sink "$here/sink.c"
for client in $clients; do
    build "$client" "build_$client"
done

# From here on there is one process: it ends its children by their handles, and the sink ends with it.
exec python3 "$here/benchmark.py" --build "$build" "$@"
