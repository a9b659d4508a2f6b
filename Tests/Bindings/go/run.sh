#!/usr/bin/env bash
# Tests the Go binding: its own tests, the shared cases, the examples, and a program built outside of the clone.
#
#   Tests/Bindings/go/run.sh
#
# Takes the library that MARTLET_PREFIX names; without it, it is built. Prints one line a test, `ok ...` or `not ok ...`, and
# a last line `N passed, N failed`.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
binding=$root/bindings/go
work=$root/.build-test/go
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

# Counts the lines that a program of many tests printed; one that ended badly without a failed test counts as such.
count() {
    local label=$1 code=$2 output=$3
    sed -n "s/^ok /ok $label: /p; s/^not ok /not ok $label: /p" <<<"$output"
    passed=$((passed + $(grep -c '^ok ' <<<"$output")))
    failed=$((failed + $(grep -c '^not ok ' <<<"$output")))
    if [ "$code" != 0 ] && ! grep -q '^not ok ' <<<"$output"; then
        not_ok "$label: ended with $code"
        tail -n 40 <<<"$output" | sed 's/^/    /'
    fi
}

# go_tests LABEL FOLDER: under the race detector, with the strictest checks of pointers that go to C.
go_tests() {
    local output code
    output=$(cd "$2" && GODEBUG=cgocheck=2 go test -race -count=1 -v ./... 2>&1)
    code=$?
    grep -qE '^--- FAIL|DATA RACE' <<<"$output" && sed 's/^/    /' <<<"$output" | grep -v -- '--- PASS' | tail -n 60
    count "$1" $code "$(sed -nE 's/^--- PASS: ([^ ]+).*/ok \1/p; s/^--- FAIL: ([^ ]+).*/not ok \1/p; /^(ok|not ok|PASS|===)/!p' \
        <<<"$output")"
}

is_formatted() {
    local wrong
    wrong=$(gofmt -l "$binding" "$here" "$root/examples/go") && [ -z "$wrong" ] || { echo "gofmt: $wrong"; false; }
}

shared_cases() {
    local output code
    output=$("$work/runner" "$here/../cases.json" 2>&1)
    code=$?
    count cases $code "$output"
}

start_example() {
    local printed
    printed=$("$work/start" "$MARTLET_RECEIVER/200/go-start") && echo "$printed" &&
        grep -qE '^evt_[0-9a-z]{26} succeeded: attempts 1, HTTP 200$' <<<"$printed"
}

# The program takes calls, tells the receiver, and ends in good order at SIGTERM.
service_example() {
    local url pid
    "$work/service" -listen 127.0.0.1:0 -environment development >"$work/service.txt" 2>&1 &
    pid=$!
    for _ in $(seq 200); do
        url=$(sed -n 's/^listening on /http:\/\//p' "$work/service.txt")
        [ -z "$url" ] || break
        sleep 0.05
    done
    python3 - "$url" "$MARTLET_RECEIVER" "$pid" <<'PYTHON'
import json, os, signal, sys, urllib.request
service, receiver, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
path = "/503,200/go-service"
def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    return json.load(urllib.request.urlopen(url, data, timeout=20))
try:
    print(ask(service + "/webhooks", {"url": receiver + path, "events": ["call.*"]})["id"])
    for number in range(1, 21):
        assert ask(service + "/calls", {"callId": f"call_{number}"}) == {"call": number}
finally:
    os.kill(pid, signal.SIGTERM)
PYTHON
    wait "$pid" || { cat "$work/service.txt"; return 1; }
    # All have arrived, one of them a second time.
    python3 -c 'import json, sys, urllib.request
got = json.load(urllib.request.urlopen(sys.argv[1]))
ids = {request["headers"]["webhook-id"] for request in got}
print(len(ids), len(got))
sys.exit((len(ids), len(got)) != (20, 21))' "$MARTLET_RECEIVER/requests/503,200/go-service"
}

# As a user would: a module of one's own that replaces the binding with a copy, and the library bundled.
outside_of_the_clone() {
    mkdir -p "$outside/martlet" "$outside/program" "$outside/moved" &&
        cp "$binding"/{*.go,*.sh,go.mod,glue.h} "$outside/martlet/" && rm -f "$outside"/martlet/*_test.go &&
        cp "$root/examples/go/start/main.go" "$outside/program/" && cd "$outside/program" || return 1
    (cd ../martlet && go generate ./...) &&
        go mod init example.com/program && go mod edit -require=martlet.example/martlet@v0.0.0 \
        -replace=martlet.example/martlet=../martlet && go build -tags martlet_bundled -o program . || return 1
    # Another machine: the program and the library beside it, and nothing that tells where it is.
    mv program "$outside/moved/" && cp -a ../martlet/bundled/lib "$outside/moved/" && rm -rf "$outside/martlet" || return 1
    env -i "$outside/moved/program" "$MARTLET_RECEIVER/200/go-outside"
}

mkdir -p "$work"
if [ -z "${MARTLET_PREFIX:-}" ]; then
    export MARTLET_PREFIX=$work/prefix
    check "library: bindings/c/install.sh" bash "$root/bindings/c/install.sh" --prefix "$MARTLET_PREFIX"
fi
export PKG_CONFIG_PATH=$MARTLET_PREFIX/lib/pkgconfig LD_LIBRARY_PATH=$MARTLET_PREFIX/lib
# Nothing is fetched: the binding and its tests depend on nothing.
export GOFLAGS=-mod=mod GOPROXY=off GOWORK=off
command -v go >/dev/null || { not_ok "go is missing: install golang-go"; end; }

check "build: binding, runner and examples" \
    bash -c 'cd "$1" && go build ./... && cd "$2" && go build -o "$3/runner" ./runner && cd "$4" && go build -o "$3/" ./...' \
    build "$binding" "$here" "$work" "$root/examples/go"
check "format: gofmt" is_formatted
for folder in "$binding" "$here" "$root/examples/go"; do
    check "vet: ${folder#"$root/"}" bash -c 'cd "$1" && go vet ./...' vet "$folder"
done
go_tests binding "$binding"
go_tests examples "$root/examples/go"

python3 "$here/../receiver.py" >"$work/receiver.txt" &
receiver=$!
for _ in $(seq 200); do
    grep -q '^port ' "$work/receiver.txt" && break
    sleep 0.05
done
MARTLET_RECEIVER=http://127.0.0.1:$(sed -n 's/^port //p' "$work/receiver.txt")
export MARTLET_RECEIVER

shared_cases
check "example: start" start_example
check "example: service" service_example
check "outside: a program with the bundled library, moved" outside_of_the_clone
end
