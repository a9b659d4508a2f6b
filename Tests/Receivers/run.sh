#!/usr/bin/env bash
# Tests examples/receivers: real processes, which the library delivers to through the Python binding.
#
#   Tests/Receivers/run.sh [ARGUMENTS OF PYTEST]
#
# Takes the library of MARTLET_PREFIX where that is set; otherwise the installation of the binding builds it. Everything it
# makes goes to .build-test/receivers.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/.build-test/receivers
python=$work/venv/bin/python
mkdir -p "$work"
# shellcheck source=../lib/tools.sh
. "$root/Tests/lib/tools.sh"
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

cat "$root/examples/receivers/requirements.txt" "$root/examples/receivers/express/requirements.txt" \
    "$here/requirements.txt" >"$work/requirements.txt"
install_venv "$work/venv" "$work/requirements.txt"
"$python" -m pip install --quiet --force-reinstall --no-deps "$root/bindings/python"
# Fonts are looked up once and not in each test.
export MPLCONFIGDIR=$work/matplotlib
cd "$here"
exec "$python" -m pytest "$@"
