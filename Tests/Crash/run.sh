#!/usr/bin/env bash
# Kills a program that sends webhooks, again and again, and compares what it was promised with what arrived.
#
#   Tests/Crash/run.sh [--cycles N] [--seed S] [--mode MODE] [--each N]
#
#   --cycles  how many lives there are to be ended (default: 25; 1000 take about ten minutes)
#   --seed    repeats the choices of a run; when exactly a process dies is not repeatable
#   --mode    plain, open, compaction, webhooks, order, ids or policy; all in turn by default
#   --each    how many lives share a data directory before everything is counted
#
# Needs Python 3.9 alone. MARTLET_PREFIX is where the library is installed; without it, it is built. The last line is
# `N passed, N failed`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
if [ -z "${MARTLET_PREFIX:-}" ]; then
    export MARTLET_PREFIX=$root/.build-test/prefix
    bash "$root/bindings/c/install.sh" --prefix "$MARTLET_PREFIX" >&2
fi
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/crash.py" "$@"
