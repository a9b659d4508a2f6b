#!/usr/bin/env bash
# Opens the Martlet dashboard on this machine: webhooks, deliveries and live charts in the browser.
#
#   examples/dashboard/run.sh [--port 8089] [--data DIR] [--environment production] ...   see --help
#
# The first run makes a virtual environment in .build-dashboard, installs Flask and Martlet's Python binding there, and
# builds the library unless MARTLET_PREFIX names one that is installed. Webhooks and deliveries are kept between runs in
# ${XDG_DATA_HOME:-~/.local/share}/martlet-dashboard. Run it as often as you like; Ctrl-C ends it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(cd "$here/../.." && pwd)
work=${DASHBOARD_WORK:-$package/.build-dashboard}
venv=$work/venv
log=$work/install.log
charts=${CHART_JS:-/usr/share/javascript/chart.js/chart.min.js}
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "dashboard: $*"
    exit 1
}

quietly() { "$@" >>"$log" 2>&1 || { tail -n 15 "$log" >&2; fail "that failed; the whole log is $log"; }; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

install_packages() {
    say "Installing $*"
    command -v apt-get >/dev/null || fail "please install these with your system's package manager"
    quietly as_root apt-get update
    quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

mkdir -p "$work"
: >"$log"

missing=()
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3 python3-venv)
[ -e "$charts" ] || missing+=(libjs-chart.js)
[ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"

# What the environment was made from: made anew when the requirements, the binding or the library have changed.
prefix=${MARTLET_PREFIX:-$work/prefix}
if [ -z "${MARTLET_PREFIX:-}" ] && { [ ! -e "$prefix/lib/libmartlet.so.0" ] ||
    [ -n "$(find "$package/Sources" "$package/Package.swift" -newer "$prefix/lib/libmartlet.so.0" -name '*.swift' -print -quit)" ]; }; then
    say "Building the library (the first time this takes a few minutes)"
    command -v swift >/dev/null || fail "the Swift toolchain is missing; see https://www.swift.org/install/linux/"
    quietly bash "$package/bindings/c/install.sh" --prefix "$prefix"
    # Also where nothing of it was new to install.
    touch "$prefix/lib/libmartlet.so.0"
fi
sources=$(cd "$package" && cat examples/dashboard/requirements.txt bindings/python/setup.py bindings/python/pyproject.toml \
    bindings/python/src/martlet/*.py "$prefix/lib/libmartlet.so.0" | cksum)
if [ "$(cat "$venv/made-from" 2>/dev/null)" != "$sources" ]; then
    say "Installing Flask and the binding into $venv"
    quietly python3 -m venv --clear "$venv"
    quietly "$venv/bin/python" -m pip install -r "$here/requirements.txt"
    MARTLET_PREFIX=$prefix quietly "$venv/bin/python" -m pip install "$package/bindings/python"
    printf '%s' "$sources" >"$venv/made-from"
fi

cd "$here"
exec "$venv/bin/python" -m dashboard "$@"
