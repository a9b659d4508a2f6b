#!/usr/bin/env bash
# Everything about the Node binding: installs it with npm, offline, from the clone and as a tarball outside of it, and
# runs its tests, the shared cases and the examples.
#
#   Tests/Bindings/node/run.sh
#
# MARTLET_PREFIX names an installed library; without it the library is built. Works in .build-test/bindings-node and in
# a folder of the system's temporary folder. Prints a line for each check and at the end `N passed, N failed`.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
binding=$root/bindings/node
work=$root/.build-test/bindings-node
rm -rf "$work"
mkdir -p "$work/app" "$work/tarball"
outside=$(mktemp -d)
receiver=
passed=0
failed=0

clean_up() {
    if [ -n "$receiver" ]; then kill "$receiver" 2>/dev/null && wait "$receiver" 2>/dev/null; fi
    rm -rf "$outside"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

export npm_config_cache=$work/npm-cache npm_config_offline=true npm_config_audit=false npm_config_fund=false
export npm_config_update_notifier=false
unset NODE_OPTIONS NODE_PATH

ok() {
    passed=$((passed + 1))
    echo "ok $1"
}

not_ok() {
    failed=$((failed + 1))
    echo "not ok $1"
}

# check NAME COMMAND...: one line; what the command printed is shown when it failed.
check() {
    local name=$1
    shift
    if "$@" >"$work/output" 2>&1; then ok "$name"; else
        not_ok "$name"
        sed 's/^/    /' "$work/output"
    fi
}

# Takes over the lines of a program that prints `ok NAME` and `not ok NAME` itself. One that ends early has failed.
lines() {
    local status line
    "$@" >"$work/output" 2>"$work/complaints"
    status=$?
    local before=$failed
    while IFS= read -r line; do
        case $line in
            "ok "*) ok "${line#ok }" ;;
            "not ok "*) not_ok "${line#not ok }" ;;
        esac
    done < <(sed -E 's/^ *((not )?ok) [0-9]+ - /\1 /' "$work/output")
    if [ $status != 0 ]; then
        [ "$failed" != "$before" ] || not_ok "$* ended with $status"
        sed 's/^/    /' "$work/output" "$work/complaints"
    fi
}

# A tool of the tests, with its Debian package.
need() {
    [ -e "$1" ] || command -v "$1" >/dev/null || as_root apt-get install -y --no-install-recommends "$2" ||
        { as_root apt-get update && as_root apt-get install -y --no-install-recommends "$2"; }
}
as_root() { if [ "$(id -u)" = 0 ]; then DEBIAN_FRONTEND=noninteractive "$@"; else sudo -n "$@"; fi; }

# In a shell of its own, as those below: they go elsewhere.
install_into() (
    cd "$1" && echo '{"private":true}' >package.json && npm install --foreground-scripts "$2"
)

# Neither Swift nor the installed library: what the tarball brings has to do.
install_tarball() (
    mkdir -p "$outside/app"
    unset MARTLET_PREFIX
    PATH=/usr/local/bin:/usr/bin:/bin install_into "$outside/app" "$work"/tarball/martlet-*.tgz &&
        [ ! -e "$outside/app/node_modules/martlet/build" ]
)

# The same tarball without its addon.
install_source() (
    mkdir -p "$outside/source" "$outside/unpacked"
    tar -xzf "$work"/tarball/martlet-*.tgz -C "$outside/unpacked" && rm -r "$outside/unpacked/package/prebuilds" &&
        tar -czf "$outside/source.tgz" -C "$outside/unpacked" package &&
        export MARTLET_PREFIX=${MARTLET_PREFIX:-$binding/build/prefix} &&
        install_into "$outside/source" "$outside/source.tgz" &&
        cd "$outside/source" && node -e 'new (require("martlet").Engine)().push("call.placed", 1)'
)

start_receiver() {
    # Emptied here: the child might do it only after the port of the one before was read.
    : >"$work/receiver"
    python3 "$root/Tests/Bindings/receiver.py" >"$work/receiver" 2>"$work/receiver.log" &
    receiver=$!
    for _ in $(seq 200); do
        read -r _ port <"$work/receiver" && break
        sleep 0.05
    done
    export MARTLET_RECEIVER=http://127.0.0.1:$port
}

stop_receiver() {
    kill "$receiver"
    wait "$receiver" 2>/dev/null
    receiver=
}

cases() (
    cd "$1" && node "$here/cases.js"
)

# In a folder in which the package is installed.
unit_tests() (
    cd "$1" && node --test --test-reporter=tap "$here"/*.test.js
)

check "tools of the tests: tsc" need tsc node-typescript
check "tools of the tests: Express" need /usr/share/nodejs/express node-express
check "npm install ./bindings/node, offline" install_into "$work/app" "$binding"
check "npm pack" npm pack "$binding" --pack-destination "$work/tarball"
check "the tarball installs outside of the clone, without Swift and compilers" install_tarball
check "without an addon in the package it is built from source" install_source
start_receiver
lines cases "$work/app"
stop_receiver
start_receiver
check "the shared cases outside of the clone" cases "$outside/app"
stop_receiver
lines unit_tests "$outside/app"

echo "$passed passed, $failed failed"
[ $failed = 0 ]
