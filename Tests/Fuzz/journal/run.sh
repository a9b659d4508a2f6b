#!/bin/sh
# Fuzzes the opening of journals with libFuzzer and AddressSanitizer.
#
#   Tests/Fuzz/journal/run.sh [seconds] [corpus directory]
#
# Ten minutes where no time is given, on seeds made from real journals. A finding ends it with a stack, exit code 1 and a
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

# The rooms below the journal, each a module of its own. No path in the package has a space.
compile="swiftc -O -g -parse-as-library -swift-version 6 -package-name martlet
    -I $build/CHardware -I $build/CPlatform -I $build -Xcc -Wno-incomplete-umbrella"
for room in JSONText Model Threading; do
    # shellcheck disable=SC2046,SC2086
    $compile -sanitize=address -wmo -module-name "$room" -emit-module -emit-module-path "$build/$room.swiftmodule" \
        -c $(find "$root/Sources/$room" -name '*.swift') -o "$build/$room.o"
done

# shellcheck disable=SC2046,SC2086
$compile -sanitize=fuzzer,address -module-name JournalFuzz $(find "$root/Sources/Journal" -name '*.swift') \
    "$here/Fuzz.swift" "$build"/*.o "$build"/CHardware/*.o "$build"/CPlatform/*.o -o "$build/fuzz"

corpus=${2:-$build/corpus}
if [ ! -e "$corpus" ]; then
    mkdir -p "$corpus"
    MARTLET_FUZZ_SEEDS=$corpus "$build/fuzz"
    # Records of several lengths, then a changed byte, then a cut.
    printf '\001\010a\100b\020c\377d\001e\000\220\000x' >"$corpus/changed"
    printf '\001\010a\100b\020c\377d\001e\000\300\361x' >"$corpus/cut"
    printf '\001\100a\100a\100a\100a\000\030\001\377\200\000\000' >"$corpus/two"
fi
# Threads of a journal that was just closed may still be ending when a leak is looked for, so leaks are not.
ASAN_OPTIONS=detect_leaks=0 "$build/fuzz" -max_total_time="$seconds" -max_len=16500 -timeout=20 \
    -print_final_stats=1 "$corpus"
