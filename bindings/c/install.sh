#!/usr/bin/env bash
# Builds libmartlet.so with the Swift runtime inside and installs it with its header, pkg-config and CMake files.
set -euo pipefail

usage() {
    cat <<'TEXT'
bindings/c/install.sh [--prefix DIR] [--scratch-path DIR] [--jobs N] [--keep-symbols]

  --prefix DIR        where to install (default: /usr/local); the folder may be moved afterwards
  --scratch-path DIR  where to build (default: .build-c in the package)
  --jobs N            compile with N jobs at a time
  --keep-symbols      do not strip the library, for debuggers and profilers

Needs the Swift toolchain to build; what it installs needs none. Installs libcurl's headers with apt-get when they are
missing and it may. Installs:

  lib/libmartlet.so.VERSION, lib/libmartlet.so.MAJOR, lib/libmartlet.so
  include/martlet.h, and for C++17 include/martlet.hpp with include/martlet/
  lib/pkgconfig/martlet.pc          cc main.c $(pkg-config --cflags --libs martlet)
  lib/cmake/martlet/                find_package(martlet) and target_link_libraries(... martlet::martlet)
TEXT
}

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# Without -P: a package reached through a link stays where the caller sees it.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(cd "$here/../.." && pwd)
prefix=/usr/local
scratch=$package/.build-c
keep_symbols=false
build_options=()

while [ $# -gt 0 ]; do
    case $1 in
        --prefix | --scratch-path | --jobs) [ $# -ge 2 ] || fail "$1 needs a value" ;;&
        --prefix) prefix=$2; shift ;;
        --scratch-path) scratch=$2; shift ;;
        --jobs) build_options+=(--jobs "$2"); shift ;;
        --keep-symbols) keep_symbols=true ;;
        --help | -h) usage; exit 0 ;;
        *) fail "unknown option $1; see --help" ;;
    esac
    shift
done

[ "$(uname -s)" = Linux ] || fail "only Linux is supported so far"
command -v swift >/dev/null || fail "the Swift toolchain is missing; see https://www.swift.org/install/linux/"

have_curl() {
    pkg-config --exists libcurl 2>/dev/null ||
        compgen -G '/usr/include/curl/curl.h' >/dev/null || compgen -G '/usr/include/*/curl/curl.h' >/dev/null
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

if ! have_curl; then
    echo "==> Installing libcurl4-openssl-dev"
    command -v apt-get >/dev/null || fail "libcurl's headers are missing; install your system's libcurl package"
    # A list of packages that is too old is the usual reason for a first failure.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libcurl4-openssl-dev ||
        { as_root apt-get update &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
                libcurl4-openssl-dev; } ||
        fail "could not install libcurl4-openssl-dev; install it as root and run this again"
fi

header=$package/include/martlet.h
version=$(sed -n 's/^#define MARTLET_VERSION "\(.*\)"$/\1/p' "$header")
major=${version%%.*}
[ -n "$version" ] || fail "no MARTLET_VERSION in $header"

echo "==> Building libmartlet $version (a first build takes a minute or two)"
# SwiftPM does not watch the list of exports: link again when it changed.
if [ "$here/martlet.map" -nt "$scratch/release/libmartlet.so" ]; then
    rm -f "$scratch/release/libmartlet.so"
fi
# The API for Swift hosts is left out: it would be a megabyte that nobody can call.
export MARTLET_C_LIBRARY=1
# lld keeps local names out of the symbol table. nodelete: a Swift runtime cannot be unloaded. The version script hides
# everything but the C interface.
swift build --package-path "$package" --scratch-path "$scratch" -c release --product martlet \
    "${build_options[@]}" -Xswiftc -static-stdlib -Xswiftc -use-ld=lld \
    -Xlinker "--version-script=$here/martlet.map" -Xlinker -soname -Xlinker "libmartlet.so.$major" \
    -Xlinker --gc-sections -Xlinker -z -Xlinker nodelete -Xlinker -z -Xlinker defs

echo "==> Installing to $prefix"
mkdir -p "$prefix/lib/pkgconfig" "$prefix/lib/cmake/martlet" "$prefix/include/martlet"
prefix=$(cd "$prefix" && pwd)
library=$prefix/lib/libmartlet.so.$version

# Written beside and renamed, so that a running program never meets half a library.
cp "$scratch/release/libmartlet.so" "$library.new"
if ! $keep_symbols; then
    strip "$library.new"
fi
chmod 755 "$library.new"
mv -f "$library.new" "$library"
ln -sfn "libmartlet.so.$version" "$prefix/lib/libmartlet.so.$major"
ln -sfn "libmartlet.so.$major" "$prefix/lib/libmartlet.so"

install -m 644 "$header" "$package/include/martlet.hpp" "$prefix/include/"
install -m 644 "$package"/include/martlet/*.hpp "$prefix/include/martlet/"

fill() {
    sed -e "s/@VERSION@/$version/g" -e "s/@MAJOR@/$major/g" "$here/$1.in" >"$2/$1"
    chmod 644 "$2/$1"
}
fill martlet.pc "$prefix/lib/pkgconfig"
fill martletConfig.cmake "$prefix/lib/cmake/martlet"
fill martletConfigVersion.cmake "$prefix/lib/cmake/martlet"

size=$(stat -c %s "$library")
echo "==> Installed $library ($((size / 1000)) kB)"
case :$(ldconfig -N -X -v 2>/dev/null | sed -n 's/^\(\/[^:]*\):.*/\1/p' | tr '\n' ':') in
    *":$prefix/lib:"*) [ "$(id -u)" != 0 ] || ldconfig ;;
    *)
        echo "    Build with it:  PKG_CONFIG_PATH=$prefix/lib/pkgconfig"
        echo "    Run with it:    LD_LIBRARY_PATH=$prefix/lib"
        ;;
esac
