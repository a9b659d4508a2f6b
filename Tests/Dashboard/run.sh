#!/usr/bin/env bash
# Tests the dashboard in a real browser. Installs its packages and the Python binding into .build-test/dashboard, with the
# library of MARTLET_PREFIX.
#
#   Tests/Dashboard/run.sh [PYTEST ARGUMENTS]
#   Tests/Dashboard/run.sh --python FILE [ARGUMENTS]    runs a program there, such as screenshots.py
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/.build-test/dashboard
venv=$work/venv
mkdir -p "$work"
# shellcheck source=../lib/tools.sh
. "$root/Tests/lib/tools.sh"
export PYTHONDONTWRITEBYTECODE=1 MARTLET_PREFIX=${MARTLET_PREFIX:-$root/.build-test/prefix}

# pip reads the dashboard's requirements through a path relative to the file that names them.
cat "$root/examples/dashboard/requirements.txt" "$here/requirements.txt" >"$work/wanted.txt"
install_venv "$venv" "$work/wanted.txt"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$root/bindings/python"

if [ "${1:-}" = --python ]; then
    shift
    exec "$venv/bin/python" "$@"
fi
cd "$here"
exec "$venv/bin/python" -m pytest "$@"
