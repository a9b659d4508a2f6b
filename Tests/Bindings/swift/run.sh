#!/usr/bin/env bash
# Uses Martlet as a Swift program does, by a package outside of the clone that depends on it by path, and tests it: the
# module's own tests for Swift hosts, the shared cases, the examples.
#
# The sources are compiled with the host's, so MARTLET_PREFIX is of no use here. Everything it makes goes to
# .build-test/bindings-swift; the module's tests are built in MARTLET_SCRATCH where that is set, with MARTLET_SANITIZER.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/.build-test/bindings-swift
mkdir -p "$work"

passed=0
failed=0
outside=$(mktemp -d)
receiver=
trap '[ -z "$receiver" ] || kill "$receiver"; rm -rf "$outside"' EXIT

# check NAME COMMAND...: one line, and the output of a command that fails.
check() {
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1 </dev/null; then
        echo "ok $name"
        passed=$((passed + 1))
    else
        cat "$work/output"
        echo "not ok $name"
        failed=$((failed + 1))
    fi
}

# lines COMMAND...: prints its `ok` and `not ok` lines, and the rest where one failed or there is none.
lines() {
    "$@" >"$work/output" 2>&1 </dev/null
    local code=$? good bad
    good=$(grep -c '^ok ' "$work/output")
    bad=$(grep -c '^not ok ' "$work/output")
    if [ "$code" != 0 ] || [ "$good" = 0 ]; then
        cat "$work/output"
        [ "$bad" != 0 ] || { echo "not ok $* (exit code $code)"; bad=1; }
    else
        grep '^ok ' "$work/output"
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
}

start_receiver() {
    coproc RECEIVER { exec python3 "$root/Tests/Bindings/receiver.py"; }
    receiver=$RECEIVER_PID
    local port
    read -r _ port <&"${RECEIVER[0]}" && [ -n "$port" ] && export MARTLET_RECEIVER=http://127.0.0.1:$port
}

stop_receiver() {
    kill "$receiver" && wait "$receiver" 2>/dev/null
    receiver=
}

# One package of all programs, elsewhere, so that Martlet is compiled once.
build_outside() {
    mkdir -p "$outside/host/Sources" &&
        cp -r "$root"/examples/swift/Sources/* "$here"/Sources/* "$outside/host/Sources" &&
        cp -r "$root/Tests/Benchmarks/bindings/swift/Sources/Host" "$outside/host/Sources/BenchmarkHost" || return 1
    {
        printf '// swift-tools-version: 6.0\nimport PackageDescription\n\n'
        printf 'let martlet = Target.Dependency.product(name: "Martlet", package: "martlet")\n'
        printf 'let package = Package(name: "host", dependencies: [.package(name: "martlet", path: "%s")], targets: [\n' "$root"
        local target
        for target in "$outside"/host/Sources/*; do
            printf '    .executableTarget(name: "%s", dependencies: [martlet]),\n' "$(basename "$target")"
        done
        printf '], swiftLanguageModes: [.v6])\n'
    } >"$outside/host/Package.swift"
    swift build --package-path "$outside/host" --scratch-path "$work/build" -Xswiftc -warnings-as-errors
}

# The manual, from what was compiled and the pages: every symbol that a page names is there, and every link leads somewhere.
documentation() {
    local map maps=() triple modules
    modules=$(find "$work/build/" -type d -name Modules -path '*/debug/*' | head -n 1)
    while IFS= read -r map; do
        maps+=(-Xcc "-fmodule-map-file=$map")
    done < <(find "$(dirname "$modules")" "$root/Sources" -name module.modulemap)
    triple=$(swift -print-target-info | python3 -c 'import json, sys; print(json.load(sys.stdin)["target"]["triple"])')
    rm -rf "$work/symbols" "$work/manual" && mkdir -p "$work/symbols" &&
        swift symbolgraph-extract -module-name Martlet -I "$modules" "${maps[@]}" -target "$triple" \
            -minimum-access-level public -output-dir "$work/symbols" &&
        "$(dirname "$(readlink -f "$(command -v swift)")")/docc" convert "$root/Sources/Martlet/Martlet.docc" \
            --additional-symbol-graph-dir "$work/symbols" --fallback-display-name Martlet \
            --fallback-bundle-identifier martlet --output-path "$work/manual" --warnings-as-errors
}

# A manifest that cannot be read, or a target without sources, fails here.
manifest() { swift package --package-path "$1" --scratch-path "$work/manifest" describe; }

unit_tests() {
    swift test --disable-xctest --package-path "$root" --scratch-path "${MARTLET_SCRATCH:-$root/.build-test/debug}" \
        ${MARTLET_SANITIZER:+--sanitize="$MARTLET_SANITIZER"} --filter 'MartletTests.Swift' 2>&1 |
        sed -E 's/^✔ Test "(.*)" passed .*/ok \1/; s/^✘ Test "(.*)" failed .*/not ok \1/'
}

shared_cases() {
    start_receiver || return
    "$bin/Cases" "$root/Tests/Bindings/cases.json"
    local code=$?
    stop_receiver
    return $code
}

start_example() {
    start_receiver || return
    "$bin/Start" "$MARTLET_RECEIVER/503,200/start" | tee "$work/start.txt"
    stop_receiver
    grep -q '^pushed evt_' "$work/start.txt" && grep -q '^succeeded: attempts 2, HTTP 200$' "$work/start.txt"
}

# Orders of two customers, one of whom fails at first; each order told of twice.
host_example() {
    start_receiver || return
    "$bin/Host" >"$work/host.txt" <<TEXT
subscribe acme $MARTLET_RECEIVER/503,200/acme
subscribe byte $MARTLET_RECEIVER/400,200/byte
paid acme 17 99.50
shipped acme 17 99.50
paid acme 17 99.50
paid byte 18 5
settle
resend byte
settle
history acme
history byte
nonsense
TEXT
    local code=$?
    python3 - "$MARTLET_RECEIVER" "$work/host.txt" <<'PYTHON'
import json, sys, urllib.request
base, printed = sys.argv[1], open(sys.argv[2]).read()
print(printed)
def got(path):
    return json.load(urllib.request.urlopen(f"{base}/requests{path}"))
acme = got("/503,200/acme")
assert [r["headers"]["webhook-id"] for r in acme] == ["order-paid-17", "order-paid-17", "order-shipped-17"], acme
assert acme[0]["json"]["data"]["total"] == 99.5 and acme[0]["json"]["data"]["at"].endswith("Z"), acme[0]
assert len(got("/400,200/byte")) == 2
for line in ("order-paid-17 succeeded [503 200]", "order-paid-18 failed [400]", "order-paid-18 succeeded [200]",
             "sent again: 1", "order 18: order-paid-18 failed, http_status, HTTP 400",
             "order 17: order-shipped-17 delivered", "not understood: nonsense"):
    assert line in printed, line
PYTHON
    [ $? = 0 ] && [ $code = 0 ]
    code=$?
    stop_receiver
    return $code
}

forgotten() { [ "$(timeout 20 "$bin/Forgotten")" = forgotten ]; }

check "the packages of the examples and of the cases are whole" eval "manifest $root/examples/swift && manifest $here"
check "a package outside of the clone builds, without warnings" build_outside
bin=$work/build/debug
check "the manual is made without warnings" documentation
lines unit_tests
lines shared_cases
check "examples/swift Start" start_example
check "examples/swift Host" host_example
check "a program may end with everything left open" forgotten

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
