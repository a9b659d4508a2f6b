#!/usr/bin/env bash
# Tests the C interface: the header, the shared library as installed, and C programs that use and misuse it.
#
#   Tests/CABI/run.sh                 run everything
#   Tests/CABI/run.sh --update-abi    accept the present interface as the new baseline in Tests/CABI/abi
#
# HeaderGenerator is built in MARTLET_SCRATCH, or taken from MARTLET_BUILT where that names a folder with programs that
# were just built.
#
# Prints one line a test, `ok ...` or `not ok ...`, and a last line `N passed, N failed`.
set -uo pipefail

# Without -P: a package reached through a link stays where the caller sees it.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/.build-c/tests
prefix=$work/prefix
header=$root/include/martlet.h
library=$prefix/lib/libmartlet.so
passed=0
failed=0

ok() {
    echo "ok $*"
    passed=$((passed + 1))
}

not_ok() {
    echo "not ok $*"
    failed=$((failed + 1))
}

# check NAME COMMAND...: the command's output is shown when it fails.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then ok "$name"; else
        not_ok "$name"
        sed 's/^/    /' <<<"$output" | tail -n 40
    fi
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}

# Tools of the tests, not of the library.
need() {
    local missing=()
    local pair
    for pair in "$@"; do command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}"); done
    [ ${#missing[@]} = 0 ] && return
    echo "# installing ${missing[*]}"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get install -y --no-install-recommends "${missing[@]}" || {
            apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"
        }; } >/dev/null 2>&1
    fi
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || not_ok "${pair%%:*} is missing: install ${pair##*:}"
    done
}

# The header as the preprocessor leaves it, one declaration a line.
declarations() {
    gcc -E -P -x c "$header" | tr '\n' ' ' | sed 's/; */;\n/g'
}

prototypes() {
    declarations | grep -E '\bmartlet_[a-z0-9_]+\(' | sed 's/^ *//'
}

# MARK: The header

header_compiles() {
    local compiler=$1 standard=$2 language=c
    case $standard in c++*) language=c++ ;; esac
    printf '#include <martlet.h>\n#include <martlet.h>\nextern int nothing;\n' |
        "$compiler" -x $language "-std=$standard" -Wall -Wextra -pedantic -Werror -fsyntax-only -I"$root/include" -
}

header_generator() {
    if [ -n "${MARTLET_BUILT:-}" ]; then
        "$MARTLET_BUILT/HeaderGenerator" "$@"
    else
        swift run --package-path "$root" --scratch-path "${MARTLET_SCRATCH:-$root/.build}" HeaderGenerator "$@"
    fi
}

test_header() {
    check "header: and exports list are what HeaderGenerator writes" header_generator --check --package "$root"
    local compiler standard
    for standard in c99 c11 c17 c++17; do
        for compiler in gcc clang; do
            check "header: $compiler -std=$standard" header_compiles $compiler $standard
        done
    done
    check "header: each status code has its name" status_names
}

# Compares each MARTLET_ERROR_... macro with the name that the library has for its number, and counts them.
status_names() {
    {
        echo '#include <martlet.h>'
        echo '#include <string.h>'
        echo 'int main(void) { int known = 1;'
        sed -n 's/^#define MARTLET_ERROR_\([A-Z_]*\) (-[0-9]*)$/\1/p' "$header" | while read -r name; do
            echo "if (strcmp(martlet_status_name(MARTLET_ERROR_$name), \"$name\") != 0) return 1; known++;"
        done
        echo 'return martlet_status_at(known, 0) == 0 && martlet_status_at(known - 1, 0) != 0 ? 0 : 2; }'
    } >"$work/names.c"
    gcc "$work/names.c" -o "$work/names" -I"$root/include" "$library" "-Wl,-rpath,$prefix/lib" && "$work/names"
}

# MARK: The library

exports_equal_header() {
    prototypes | grep -oE '\bmartlet_[a-z0-9_]+\(' | tr -d '(' | sort >"$work/declared"
    nm -D --defined-only --format=posix "$library" | awk '$2 != "A" { sub(/@.*/, "", $1); print $1 }' |
        sort >"$work/exported"
    [ "$(wc -l <"$work/declared")" -ge 20 ] && diff "$work/declared" "$work/exported"
}

needs_only() {
    readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$work/needed"
    grep -q '^libcurl\.so\.4$' "$work/needed" &&
        ! grep -vE '^(libcurl\.so\.4|lib(stdc\+\+|c|m|gcc_s|pthread|dl|rt)\.so\.[0-9]+|ld-linux.*)$' "$work/needed"
}

size_is_bounded() {
    [ "$(stat -L -c %s "$library")" -le 15000000 ]
}

soname_and_links() {
    local version
    version=$(sed -n 's/^#define MARTLET_VERSION "\(.*\)"$/\1/p' "$header")
    readelf -d "$library" | grep -q 'SONAME.*\[libmartlet.so.0\]' &&
        [ "$(readlink "$library")" = libmartlet.so.0 ] &&
        [ "$(readlink "$prefix/lib/libmartlet.so.0")" = "libmartlet.so.$version" ] &&
        cmp "$header" "$prefix/include/martlet.h"
}

# The process belongs to the host: no stack that can run code, no code that can be written.
hardened() {
    ! readelf -lW "$library" | grep -E 'GNU_STACK.*RWE|LOAD.*RWE' && readelf -lW "$library" | grep -q GNU_RELRO
}

test_library() {
    check "library: exports are the header's functions" exports_equal_header
    check "library: needs nothing but libcurl and the C and C++ runtimes" needs_only
    check "library: at most 15 MB" size_is_bounded
    check "library: soname and links" soname_and_links
    check "library: no executable stack, no writable code" hardened
}

# MARK: The ABI

# A library whose functions do nothing: abidiff sees C types through its debug information, and none of Swift's.
abi_stub() {
    {
        echo '#include <martlet.h>'
        prototypes | sed 's/;$/ { __builtin_trap(); }/'
    } >"$work/stub.c"
    # A relative name and a mapped folder, so that the baseline holds no path of the machine that made it.
    (cd "$work" && gcc -std=c11 -g -O0 -w -shared -fPIC -I"$root/include" "-ffile-prefix-map=$work=." \
        "-ffile-prefix-map=$root=." -Wl,-soname,libmartlet.so.0 stub.c -o stub.so)
}

constants() {
    gcc -E -dM -x c "$header" | sed -n 's/^#define \(MARTLET_.*\)/\1/p' | grep -vE '^MARTLET_(H$|VERSION)' |
        LC_ALL=C sort
}

abi_is_unchanged() {
    abi_stub && abidiff --no-show-locs "$here/abi/martlet.abi" "$work/stub.so" ||
        { echo "an addition is accepted with Tests/CABI/run.sh --update-abi; anything else breaks programs"; false; }
}

constants_are_unchanged() {
    diff "$here/abi/constants.txt" <(constants) ||
        { echo "an addition is accepted with Tests/CABI/run.sh --update-abi; anything else breaks programs"; false; }
}

update_abi() {
    mkdir -p "$work" "$here/abi"
    abi_stub && abidw --no-show-locs --no-comp-dir-path --no-corpus-path --out-file "$here/abi/martlet.abi" \
        "$work/stub.so" && constants >"$here/abi/constants.txt" && echo "wrote Tests/CABI/abi"
}

test_abi() {
    check "abi: functions and types are those of the baseline" abi_is_unchanged
    check "abi: constants are those of the baseline" constants_are_unchanged
}

# MARK: Consumers

# The installed folder is moved first: nothing in it may hold the place it was built for.
without_swift() {
    ! ldd "$1" | grep -E 'swift|not found' && env -i PATH=/usr/bin:/bin LD_LIBRARY_PATH="$2" "$1"
}

pkg_config_consumer() {
    local moved=$work/moved
    export PKG_CONFIG_PATH=$moved/lib/pkgconfig
    # shellcheck disable=SC2046
    gcc -Wall -Wextra -Werror "$here/consumer/main.c" -o "$work/consumer" $(pkg-config --cflags --libs martlet) &&
        pkg-config --exact-version "$(sed -n 's/^#define MARTLET_VERSION "\(.*\)"$/\1/p' "$header")" martlet &&
        LD_LIBRARY_PATH=$moved/lib without_swift "$work/consumer" "$moved/lib"
}

cmake_consumer() {
    local moved=$work/moved
    rm -rf "$work/cmake"
    cmake -S "$here/consumer" -B "$work/cmake" "-DCMAKE_PREFIX_PATH=$moved" && cmake --build "$work/cmake" &&
        without_swift "$work/cmake/consumer" "$moved/lib"
}

test_consumers() {
    rm -rf "$work/moved"
    cp -a "$prefix" "$work/moved"
    check "consumer: built with pkg-config, runs without Swift" pkg_config_consumer
    check "consumer: built with CMake, runs without Swift" cmake_consumer
}

# MARK: Conformance programs

build_program() {
    local name=$1 output=$2 folder=$3
    shift 3
    gcc -std=c11 -g -O1 -Wall -Wextra -Werror "$@" "$here/programs/$name.c" "$here/programs/receiver.c" -o "$output" \
        -I"$root/include" -I"$here/programs" "$folder/libmartlet.so" "-Wl,-rpath,$folder" -pthread
}

# program LABEL COMMAND...: passes the program's own lines on and counts them.
program() {
    local label=$1 code
    shift
    timeout -k 5 120 "$@" >"$work/output" 2>"$work/errors" </dev/null
    code=$?
    sed -n "s/^\(ok\|not ok\) \(.*\)$/\1 $label \2/p" "$work/output"
    passed=$((passed + $(grep -c '^ok ' "$work/output")))
    failed=$((failed + $(grep -c '^not ok ' "$work/output")))
    if [ $code != 0 ] && ! grep -q '^not ok ' "$work/output"; then
        not_ok "$label ${*: -1}: ended with $code"
        head -n 60 "$work/errors" | cut -c1-200 | sed 's/^/    /'
    fi
}

test_programs() {
    local symbols=$work/symbols/lib name
    # The same library with its names, so that reports can be read and suppressions match.
    mkdir -p "$symbols"
    strip -g -o "$symbols/libmartlet.so.0" "$root/.build-c/release/libmartlet.so"
    ln -sfn libmartlet.so.0 "$symbols/libmartlet.so"
    for name in ordinary misuse threads forked leave; do
        build_program $name "$work/$name" "$symbols" -fsanitize=address,undefined -fno-omit-frame-pointer &&
            build_program $name "$work/$name-plain" "$symbols" ||
            { not_ok "$name: does not compile"; continue; }
        # AddressSanitizer's own allocator may be locked in the child of a process with threads (gcc 12): a child hangs.
        [ $name = forked ] ||
            LSAN_OPTIONS=suppressions=$here/sanitizer.supp:print_suppressions=0 program asan "$work/$name"
    done
    program plain "$work/forked-plain"
    # The library itself has no AddressSanitizer inside: valgrind sees what it reads and writes. Values are not traced
    # (Swift never reads one that was not set, and its enum tags look so to valgrind).
    for name in ordinary misuse threads; do
        program valgrind valgrind -q --fair-sched=yes --error-exitcode=99 --undef-value-errors=no --leak-check=full \
            --show-leak-kinds=definite --errors-for-leak-kinds=definite "--suppressions=$here/valgrind.supp" \
            "$work/$name-plain"
    done
    # A forked child has lost the stacks of its parent's threads, and with them what only they pointed at.
    program valgrind valgrind -q --fair-sched=yes --error-exitcode=99 --undef-value-errors=no --leak-check=no \
        "$work/forked-plain"
    gcc -std=c11 -g -Wall -Wextra -Werror "$here/programs/loaded.c" -o "$work/loaded" -I"$root/include" &&
        program plain "$work/loaded" "$prefix/lib/libmartlet.so.0" || not_ok "loaded: does not compile"
}

if [ "${1:-}" = --update-abi ]; then
    update_abi
    exit
fi

mkdir -p "$work"
need gcc:gcc g++:g++ make:make clang:clang nm:binutils readelf:binutils cmake:cmake pkg-config:pkg-config abidiff:abigail-tools \
    valgrind:valgrind
check "install: bindings/c/install.sh" "$root/bindings/c/install.sh" --prefix "$prefix"
if [ ! -e "$library" ]; then finish; fi
test_header
test_library
test_abi
test_consumers
test_programs
finish
