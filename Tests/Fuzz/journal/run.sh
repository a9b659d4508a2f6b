#!/bin/sh
# Fuzzes the opening of journals with libFuzzer and AddressSanitizer.
#
#   Tests/Fuzz/journal/run.sh [seconds] [corpus directory]
#
# Without arguments it runs for ten minutes on seeds made from the documented example. A finding stops it with a stack and a
# file crash-… in the working directory; give that file as the corpus to run it again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
seconds=${1:-600}
build=$(mktemp -d)
trap 'rm -rf "$build" /dev/shm/martlet-fuzz-*' EXIT

for room in CHardware CPlatform; do
    mkdir "$build/$room"
    printf 'module %s { umbrella "%s/Sources/%s/include" export * }\n' "$room" "$root" "$room" >"$build/$room/module.modulemap"
    for file in "$root/Sources/$room"/*.c; do
        clang -O1 -g -fsanitize=address -I "$root/Sources/$room/include" -c "$file" \
            -o "$build/$room/$(basename "$file" .c).o"
    done
done

find "$root/Sources/Journal" -name '*.swift' >"$build/sources"
# shellcheck disable=SC2046 # No path in the package has a space.
swiftc -O -g -parse-as-library -swift-version 6 -sanitize=fuzzer,address -package-name martlet -module-name JournalFuzz \
    -I "$build/CHardware" -I "$build/CPlatform" $(cat "$build/sources") "$here/Fuzz.swift" \
    "$build"/CHardware/*.o "$build"/CPlatform/*.o -o "$build/fuzz"

corpus=${2:-$build/corpus}
if [ ! -e "$corpus" ]; then
    mkdir -p "$corpus"
    # Records of several lengths, then a changed byte, then a cut.
    printf '\001\010a\100b\020c\377d\001e\000\220\000x' >"$corpus/changed"
    printf '\001\010a\100b\020c\377d\001e\000\300\361x' >"$corpus/cut"
    printf '\001\100a\100a\100a\100a\100a\000\030\001\377\200\000\000' >"$corpus/two"
    printf '\000MRTLTJNL' >"$corpus/header"
fi
ASAN_OPTIONS=detect_leaks=0 "$build/fuzz" -max_total_time="$seconds" -max_len=8193 -timeout=20 "$corpus"
