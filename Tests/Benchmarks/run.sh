#!/usr/bin/env bash
# Measures Martlet beside a bare libcurl loop, Go, Node and aiohttp, its journal beside SQLite, and prints one table
# with the targets at its end.
#
#   Tests/Benchmarks/run.sh [--quick] [--rows IDS] [--rounds N] [--json FILE] [--markdown FILE] [--libcurl FILE]
#                           [--prefix DIR] [--directory DIR] [--list]
#
# --quick      a short run for the tests: nearly the same table, figures not to be quoted
# --rows       ids or groups, comma separated; --list names them, --help says which are the default
# --json       writes the rows with all their samples to FILE too
# --markdown   writes the table to FILE as Markdown: between the marks of the page Performance, or to a file of its own
# --libcurl    runs the bare loop and Martlet with this libcurl.so.4 instead of the system's
# --prefix     measures the Martlet that bindings/c/install.sh installed in DIR; without it, it is built and installed
#              below .build-bench
# --directory  where journals and databases are written, each in a fresh directory that is removed afterwards; it should
#              lie on a real disk. Without it they are written below .build-bench
#
# Installs what is missing (apt, and aiohttp and Celery from PyPI into .build-bench). What cannot be built becomes an
# error in its row, and the exit code is 1. All traffic is to loopback.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$root/.build-bench
export PYTHONDONTWRITEBYTECODE=1
read -r load_before _ </proc/loadavg
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
if { wants go || wants host_go; } && ! command -v go >/dev/null; then missing+=(golang-go); fi
if wants node && ! command -v node >/dev/null; then missing+=(nodejs); fi
if wants host_node && ! command -v npm >/dev/null; then missing+=(nodejs npm); fi
if wants host_cpp && ! command -v g++ >/dev/null; then missing+=(g++); fi
if wants celery && ! command -v redis-server >/dev/null; then missing+=(redis-server); fi
if wants nginx; then
    command -v nginx >/dev/null || missing+=(nginx-light)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v setpriv >/dev/null || missing+=(util-linux)
fi
if wants valgrind && ! command -v valgrind >/dev/null; then missing+=(valgrind libc6-dbg); fi
if wants aiohttp || wants celery || wants newer; then
    python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
fi
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

# environment NAME FILE: a virtual environment of Python with the packages that the file names.
environment() {
    if ! cmp -s "$2" "$build/$1/requirements.txt"; then
        python3 -m venv --clear "$build/$1" || return 1
        "$build/$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2" || return 1
        cp "$2" "$build/$1/requirements.txt"
    fi
}

build_aiohttp() { environment venv "$here/requirements.txt"; }

build_newer() { environment newer "$here/newer_requirements.txt"; }

build_nginx() { nginx -v && openssl version && setpriv --version; }

# Valgrind reads the names of functions, but not the compiler's kind of debug information: it gets a library without.
build_valgrind() {
    valgrind --version && find_library && mkdir -p "$build/counted" || return 1
    local library
    for library in "$installed"/lib/libmartlet.so.?; do
        strip --strip-debug -o "$build/counted/${library##*/}" "$library" || return 1
    done
}

build_celery() { environment celery "$here/bindings/celery_requirements.txt"; }

# Sets `installed` to where the library is. The first that needs it builds it; when that fails, all others fail too.
installed=
find_library() {
    if [ -z "$installed" ]; then
        installed=none
        local where=${prefix:-$build/prefix}
        if [ -z "$prefix" ]; then bash "$root/bindings/c/install.sh" --keep-symbols --prefix "$where" || return 1; fi
        where=$(cd "$where" && pwd) || return 1
        export PKG_CONFIG_PATH=$where/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
        installed=$where
    fi
    if [ "$installed" = none ]; then
        echo "error: the library was not built"
        return 1
    fi
}

build_martlet() {
    local flags
    find_library || return 1
    flags=$(pkg-config --cflags --libs martlet) || return 1
    # shellcheck disable=SC2086
    compile martlet_bench -pthread "$here"/martlet_{bench,push,fairness,index,recovery,memory,compaction,host,api}.c \
        "$here"/{options,measure}.c $flags "-Wl,-rpath,$installed/lib"
}

# Only the header: the program must not be linked with what it loads.
build_load() {
    find_library || return 1
    ln -sfn "$installed/lib/libmartlet.so" "$build/libmartlet.so" &&
        compile martlet_load "$here"/{martlet_load,measure}.c -I "$installed/include" -ldl
}

# Martlet's rooms are the package's own, so this program is one of its targets.
build_parts() {
    swift build -c release --product BenchmarkParts --package-path "$root" --scratch-path "$build/parts"
}

build_host_c() {
    local flags
    find_library && flags=$(pkg-config --cflags --libs martlet) || return 1
    # shellcheck disable=SC2086
    compile host_c "$here/bindings/host.c" "$here"/{options,measure}.c $flags "-Wl,-rpath,$installed/lib"
}

build_host_cpp() {
    local flags
    find_library && flags=$(pkg-config --cflags --libs martlet) || return 1
    gcc -std=c11 -O2 -D_GNU_SOURCE -c -o "$build/options.o" "$here/options.c" || return 1
    gcc -std=c11 -O2 -D_GNU_SOURCE -c -o "$build/measure.o" "$here/measure.c" || return 1
    # shellcheck disable=SC2086
    g++ -std=c++17 -O2 -Wall -Wextra -pedantic -Werror -o "$build/host_cpp" "$here/bindings/host.cpp" \
        "$build"/{options,measure}.o $flags "-Wl,-rpath,$installed/lib"
}

# The bindings are copied, so that nothing is built in their folders.
build_host_python() {
    find_library && mkdir -p "$build/host_python" && cp -R "$root/bindings/python/src/martlet" "$build/host_python" &&
        cp "$installed"/lib/libmartlet.so.? "$build/host_python/martlet/"
    export PYTHONPATH=$build/host_python
}

build_host_node() {
    local package=$build/host_node/martlet
    find_library && mkdir -p "$package" || return 1
    cp -R "$root"/bindings/node/{package.json,binding.gyp,index.js,lib,scripts,src} "$package" || return 1
    MARTLET_PREFIX=$installed npm_config_update_notifier=false npm --prefix "$package" run --silent prepare
}

build_host_go() {
    find_library || return 1
    (
        cd "$here/bindings/go" && CGO_LDFLAGS="-Wl,-rpath,$installed/lib" GOCACHE="$build/go-cache" GOFLAGS=-mod=mod \
            GOPROXY=off go build -o "$build/host_go" .
    )
}

build_host_swift() {
    swift build -c release --package-path "$here/bindings/swift" --scratch-path "$build/swift"
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
exec python3 "$here/benchmark.py" --build "$build" --load-before "$load_before" "$@"
