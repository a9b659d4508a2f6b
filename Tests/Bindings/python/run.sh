#!/usr/bin/env bash
# Installs the Python binding as its users do and tests it: its own tests, the shared cases, types, examples, and the wheel
# outside of the clone in every Python from 3.9 on that is there.
#
# Takes the library of MARTLET_PREFIX where that is set; otherwise the installation builds it. Everything it makes goes to
# .build-test/bindings-python, pip's own files to bindings/python/.build-python.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/.build-test/bindings-python
venv=$work/venv
python=$venv/bin/python
mkdir -p "$work"
# shellcheck source=../../lib/tools.sh
. "$root/Tests/lib/tools.sh"
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

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

pip_install() { "$python" -m pip install --quiet --force-reinstall --no-deps "$root/bindings/python"; }

unit_tests() {
    set -o pipefail
    (cd "$here" && "$python" -m pytest -rA --tb=short) |
        sed -E 's/^PASSED (.*)/ok \1/; s/^(FAILED|ERROR) (.*)/not ok \2/; s/^XPASS/not ok/'
}

shared_cases() {
    start_receiver || return
    "$@" "$here/run_cases.py"
    local code=$?
    stop_receiver
    return $code
}

types() { (cd "$here" && "$python" -m mypy --strict --cache-dir "$work/mypy" "$@"); }

make_wheel() {
    rm -rf "$work/wheels"
    "$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/wheels" "$root/bindings/python"
    wheel=("$work"/wheels/*.whl)
    [ ${#wheel[@]} = 1 ] && [[ ${wheel[0]} == */martlet-*-py3-none-linux_*.whl ]] &&
        "$python" - "${wheel[0]}" <<'PYTHON'
import sys, zipfile
names = set(zipfile.ZipFile(sys.argv[1]).namelist())
wanted = {"martlet/libmartlet.so.0", "martlet/py.typed", "martlet/__init__.py"}
assert wanted <= names, wanted - names
assert all(name.startswith("martlet") for name in names), names
PYTHON
}

# The example from the wheel in a new environment, elsewhere and with nothing of the clone around it.
wheel_outside() {
    cp "$root/examples/python/start.py" "$outside" && python3 -m venv "$outside/venv" &&
        "$outside/venv/bin/pip" install --quiet --no-index "${wheel[0]}" && start_receiver || return 1
    (cd "$outside" && env -i PATH=/usr/bin:/bin "$outside/venv/bin/python" start.py "$MARTLET_RECEIVER/200/wheel")
    local code=$?
    stop_receiver
    return $code
}

cases_of() {
    PYTHONPATH=$outside/unpacked shared_cases "$1" -W error
}

check "tools" install_venv "$venv" "$here/requirements.txt"
check "pip install ./bindings/python" pip_install
lines unit_tests
lines shared_cases "$python"
for version in 3.9 3.13; do
    check "mypy --strict for Python $version" types --python-version "$version" \
        "$root/bindings/python/src/martlet" "$here" "$root/examples/python"
done
check "the wheel is for every Python on this platform and holds the library" make_wheel
check "the wheel works outside of the clone" wheel_outside
"$python" -m zipfile -e "${wheel[0]}" "$outside/unpacked"
for version in 3.9 3.10 3.11 3.12 3.13 3.14; do
    "python$version" -c '' 2>/dev/null || continue
    check "the shared cases in Python $version" cases_of "python$version"
done

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
