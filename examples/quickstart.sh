#!/usr/bin/env bash
# Builds Martlet and runs its main job on this machine: a C program registers a webhook and pushes events, a Flask
# endpoint receives them, and a table shows how each delivery went, a retried one among them.
#
#   examples/quickstart.sh
#
# Needs Debian or Ubuntu and the Swift toolchain. Installs what else is missing with apt-get; everything it builds goes
# to .build-c and .build-quickstart in the package. All traffic stays on this machine. Run it as often as you like.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(cd "$here/.." && pwd)
work=$package/.build-quickstart
prefix=$work/prefix
log=$work/install.log
receiver=

step() { printf '\n[%s/6] %s\n' "$1" "$2"; }

fail() {
    printf 'quickstart: %s\n' "$*" >&2
    exit 1
}

clean_up() {
    if [ -n "$receiver" ]; then
        kill "$receiver" 2>/dev/null || true
        wait "$receiver" 2>/dev/null || true
    fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() {
    printf '  installing: %s\n' "$*"
    command -v apt-get >/dev/null || fail "please install these with your system's package manager"
    {
        as_root apt-get update &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
    } >"$log" 2>&1 || { tail -n 15 "$log" >&2; fail "apt-get failed; the whole log is $log"; }
}

mkdir -p "$work"

step 1 "Looking for what is needed"
command -v swift >/dev/null || fail "the Swift toolchain is missing; see https://www.swift.org/install/linux/"
missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v pkg-config >/dev/null || missing+=(pkg-config)
pkg-config --exists libcurl 2>/dev/null || missing+=(libcurl4-openssl-dev)
pkg-config --exists jansson 2>/dev/null || missing+=(libjansson-dev)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3 python3-venv)
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
printf '  all there\n'

step 2 "Building the library (the first time this takes a minute or two)"
bash "$package/bindings/c/install.sh" --prefix "$prefix"

step 3 "Building the C program"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
# shellcheck disable=SC2046
cc -std=c11 -O2 -Wall -Wextra "$here/c/quickstart.c" -o "$work/quickstart" \
    $(pkg-config --cflags --libs martlet jansson) "-Wl,-rpath,$prefix/lib"
printf '  %s\n' "$work/quickstart"

step 4 "Preparing the receiver, the Flask endpoint"
requirements=$here/receivers/flask/requirements.txt
if ! cmp -s "$requirements" "$work/venv/requirements.txt"; then
    printf '  installing Flask into %s\n' "$work/venv"
    { python3 -m venv --clear "$work/venv" &&
        "$work/venv/bin/python" -m pip install --disable-pip-version-check -r "$requirements"; } >"$log" 2>&1 ||
        { tail -n 15 "$log" >&2; fail "pip failed; the whole log is $log"; }
    cp "$requirements" "$work/venv/requirements.txt"
fi
python=$work/venv/bin/python
WEBHOOK_SECRET=whsec_$("$python" -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')
export WEBHOOK_SECRET
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
PORT=$port BUSY_ONCE_FOR=workflow.in_queue PYTHONDONTWRITEBYTECODE=1 \
    "$python" "$here/receivers/flask/app.py" 2>"$work/receiver.log" &
receiver=$!
# Up when its port answers; given up after 20 seconds, or at once when the process is gone.
"$python" "$here/receivers/wait_for_port.py" "$port" "$receiver" 20 ||
    { cat "$work/receiver.log" >&2; fail "the receiver did not start"; }
printf '  listening on port %s\n' "$port"

step 5 "Delivering events; the receiver is busy once, so one of them is tried again after a second"
"$work/quickstart" "http://127.0.0.1:$port/subverse/webhook" "$here"/events/*.json

step 6 "Done"
printf '  The program: examples/c/quickstart.c. The receiver: examples/receivers/flask/app.py.\n'
