#!/usr/bin/env bash
# Tests the C++ header: its own tests under AddressSanitizer and UBSan, the shared cases, the examples, and a program built
# outside of the clone.
#
#   Tests/Bindings/cpp/run.sh
#
# Takes the library that MARTLET_PREFIX names; without it, it is built. Prints one line a test, `ok ...` or `not ok ...`, and
# a last line `N passed, N failed`.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/.build-test/cpp
outside=$(mktemp -d)
receiver=
passed=0
failed=0

finish() {
    [ -z "$receiver" ] || kill "$receiver" 2>/dev/null
    rm -rf "$outside"
}
trap finish EXIT

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

end() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}

# program LABEL COMMAND...: passes the lines of a program of many tests on and counts them.
program() {
    local label=$1 code
    shift
    if [ ! -x "$1" ]; then return; fi # its build has failed already
    timeout -k 5 120 "$@" >"$work/output" 2>"$work/errors" </dev/null
    code=$?
    sed -n "s/^ok /ok $label: /p; s/^not ok /not ok $label: /p" "$work/output"
    passed=$((passed + $(grep -c '^ok ' "$work/output")))
    failed=$((failed + $(grep -c '^not ok ' "$work/output")))
    if [ "$code" != 0 ]; then
        grep -q '^not ok ' "$work/output" || not_ok "$label: ended with $code"
        head -n 60 "$work/errors" | cut -c1-200 | sed 's/^/    /'
    fi
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

# Tools of the tests, not of the header.
need_packages() {
    local missing=()
    command -v g++ >/dev/null || missing+=(g++)
    command -v cmake >/dev/null || missing+=(cmake make)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    echo '#include <nlohmann/json.hpp>' | g++ -fsyntax-only -x c++ - 2>/dev/null || missing+=(nlohmann-json3-dev)
    [ ${#missing[@]} = 0 ] && return
    { as_root apt-get install -y --no-install-recommends "${missing[@]}" || {
        as_root apt-get update && as_root apt-get install -y --no-install-recommends "${missing[@]}"
    }; } >"$work/apt.txt" 2>&1 || { not_ok "install: ${missing[*]}"; tail -n 5 "$work/apt.txt"; }
}

warnings=(-Wall -Wextra -pedantic -Wshadow -Wconversion -Wsign-conversion -Werror)

header_compiles() {
    "$1" "-std=$2" "${warnings[@]}" "${@:3}" -I"$MARTLET_PREFIX/include" -fsyntax-only "$here/header.cpp"
}

# build NAME SOURCE OPTION...: against what is installed, as pkg-config tells it.
build() {
    local name=$1 source=$2
    shift 2
    rm -f "$work/$name"
    # shellcheck disable=SC2046
    "${CXX:-g++}" -std=c++17 -g "${warnings[@]}" "$@" "$source" -o "$work/$name" $(pkg-config --cflags --libs martlet) \
        "-Wl,-rpath,$MARTLET_PREFIX/lib" -pthread
}

# As build(), beside others; built() tells how it went.
start_build() {
    { build "$@" >"$work/$1.log" 2>&1; echo $? >"$work/$1.code"; } &
    builders+=($!)
}

built() {
    cat "$work/$1.log"
    [ "$(cat "$work/$1.code")" = 0 ]
}

headers_are_installed() {
    cmp "$root/include/martlet.hpp" "$MARTLET_PREFIX/include/martlet.hpp" &&
        diff -r "$root/include/martlet" "$MARTLET_PREFIX/include/martlet"
}

says_what_it_sent() {
    local printed
    printed=$("$@") && echo "$printed" && grep -qE '^pushed evt_[0-9a-z]{26}$' <<<"$printed" &&
        grep -qx 'succeeded: attempts 1, HTTP 200' <<<"$printed"
}

# All calls arrive through a queue of eight, what is no JSON is refused, and at SIGTERM it ends in good order.
switchboard_example() {
    local printed ended
    printed=$({ for call in $(seq 100); do echo "{\"callId\":\"call_$call\"}"; done; echo '{"call'; printf '{"last":1}'; } |
        timeout 60 "$work/switchboard" "$MARTLET_RECEIVER/503,200/cpp-switchboard" 8) || return 1
    echo "$printed"
    grep -qx '101 told, 0 missed, 1 refused' <<<"$printed" && grep -q '^call 101: .*INVALID_JSON' <<<"$printed" || return 1

    mkfifo "$outside/calls"
    "$work/switchboard" "$MARTLET_RECEIVER/400/cpp-switchboard" <"$outside/calls" >"$work/switchboard.txt" &
    local pid=$!
    exec 9>"$outside/calls"
    echo '{}' >&9
    for _ in $(seq 200); do
        grep -q '^call 1: failed after 1 attempts, httpStatus, HTTP 400$' "$work/switchboard.txt" && break
        sleep 0.05
    done
    kill -TERM "$pid"
    wait "$pid"
    ended=$?
    exec 9>&-
    cat "$work/switchboard.txt"
    [ "$ended" = 0 ] && grep -qx '0 told, 1 missed, 0 refused' "$work/switchboard.txt"
}

# The installed folder is moved first: nothing in it may hold the place it was built for.
cmake_consumer() {
    cp -a "$MARTLET_PREFIX" "$outside/moved" && cp "$here/consumer/CMakeLists.txt" "$root/examples/cpp/start.cpp" "$outside" &&
        cmake -S "$outside" -B "$outside/build" "-DCMAKE_PREFIX_PATH=$outside/moved" -DSTART=start.cpp &&
        cmake --build "$outside/build" || return 1
    says_what_it_sent env -i "LD_LIBRARY_PATH=$outside/moved/lib" "$outside/build/start" "$MARTLET_RECEIVER/200/cpp-cmake"
}

mkdir -p "$work"
if [ -z "${MARTLET_PREFIX:-}" ]; then
    export MARTLET_PREFIX=$work/prefix
    check "library: bindings/c/install.sh" bash "$root/bindings/c/install.sh" --prefix "$MARTLET_PREFIX"
fi
export PKG_CONFIG_PATH=$MARTLET_PREFIX/lib/pkgconfig LSAN_OPTIONS=suppressions=$here/leaks.supp:print_suppressions=0
need_packages
check "install: the headers are those of the clone" headers_are_installed

builders=()
sanitizers=(-O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
start_build json_tests "$here/json_tests.cpp" "${sanitizers[@]}"
start_build engine_tests "$here/engine_tests.cpp" "${sanitizers[@]}"
# Without optimization: gcc takes four times as long with it.
start_build runner "$here/runner.cpp" "${sanitizers[@]}" -O0

for compiler in g++ clang++; do
    for standard in c++17 c++20; do
        check "header: $compiler -std=$standard" header_compiles $compiler $standard
        check "header: $compiler -std=$standard -fno-exceptions" header_compiles $compiler $standard -fno-exceptions -fno-rtti
    done
done

start_build nothrow_tests "$here/nothrow_tests.cpp" -fno-exceptions
CXX=clang++ start_build start "$root/examples/cpp/start.cpp" -O2
start_build switchboard "$root/examples/cpp/switchboard.cpp" "${sanitizers[@]}"
wait "${builders[@]}"
for name in json_tests engine_tests runner nothrow_tests start switchboard; do
    check "build: $name" built $name
done

program json "$work/json_tests"
program engine "$work/engine_tests"
program nothrow "$work/nothrow_tests"

python3 "$here/../receiver.py" >"$work/receiver.txt" &
receiver=$!
for _ in $(seq 200); do
    grep -q '^port ' "$work/receiver.txt" && break
    sleep 0.05
done
MARTLET_RECEIVER=http://127.0.0.1:$(sed -n 's/^port //p' "$work/receiver.txt")
export MARTLET_RECEIVER

program cases "$work/runner" "$here/../cases.json"
check "example: start" says_what_it_sent "$work/start" "$MARTLET_RECEIVER/200/cpp-start"
check "example: switchboard" switchboard_example
check "outside: start with CMake, in a folder that was moved" cmake_consumer
end
