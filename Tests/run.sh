#!/usr/bin/env bash
# Runs every test of every language, two suites at a time.
#
#   Tests/run.sh [--list] [--only NAME]...
#
#   --list   names the suites
#   --only   runs this suite only; may be given several times
#
# Installs what is missing: tools with apt-get, Python packages into .build-test/venv. Everything it makes goes to
# .build-* folders; the whole output of each suite is kept in .build-test/logs. All traffic stays on this machine.
#
# Prints the result of each suite, shows the output of those that fail, and ends with `N passed, N failed`. Under
# CI=true nothing is skipped: a missing tool is a failure.
set -uo pipefail

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$tests/.." && pwd)
cd "$root" || exit 1
work=$root/.build-test
mkdir -p "$work/logs"
# shellcheck source=lib/suites.sh
. "$tests/lib/suites.sh"
# shellcheck source=lib/tools.sh
. "$tests/lib/tools.sh"

export PYTHONDONTWRITEBYTECODE=1
export MARTLET_PREFIX=$work/prefix
# One build folder for each way of building, shared by the suites.
debug=$work/debug
export MARTLET_SCRATCH=$debug

# ---- The suites: a function each, where one command is not enough ----

python_tools() {
    install_venv "$work/venv" "$tests/Integration/requirements.txt"
}

# The same build serves the tests under ThreadSanitizer: a warning is an error in it.
build_without_warnings() {
    swift build --build-tests --scratch-path "$work/thread" --sanitize=thread -Xswiftc -warnings-as-errors -Xcc -Werror &&
        touch "$results/built"
}

# package_program NAME OPTION...: one of the package's own programs, as that build made it, where it was made in this run.
package_program() {
    if [ -e "$results/built" ]; then
        "$work/thread/debug/$1" "${@:2}"
    else
        swift run --scratch-path "$debug" "$@"
    fi
}

c_interface() {
    local built=
    [ ! -e "$results/built" ] || built=$work/thread/debug
    MARTLET_BUILT=$built bash Tests/CABI/run.sh
}

library() {
    bash bindings/c/install.sh --prefix "$MARTLET_PREFIX"
}

# The second run finds everything installed and built. Both deliver all events, one of them at the second attempt.
quickstart_twice() {
    local run printed=$work/quickstart.txt
    for run in 1 2; do
        echo "--- run $run"
        bash examples/quickstart.sh >"$printed" || { cat "$printed"; return 1; }
        cat "$printed"
        grep -qE '^ +workflow\.in_queue +succeeded +2 +503 200 ' "$printed" && grep -q ' 11 of 11 delivered' "$printed" ||
            return 1
    done
}

# swift_tests SANITIZER [OPTION...]: each has a build folder of its own. All tests run in both; a third run without one
# would take minutes more.
swift_tests() {
    local sanitizer=$1
    shift
    sanitized swift test --disable-xctest --scratch-path "$work/$sanitizer" --sanitize="$sanitizer" "$@"
}

sanitized() {
    # XCTest's own runner leaks; there are no XCTest tests.
    ASAN_OPTIONS="suppressions=$tests/lib/address.supp" LSAN_OPTIONS="suppressions=$tests/lib/leaks.supp" \
        TSAN_OPTIONS="suppressions=$tests/lib/thread.supp" "$@"
}

# Its tests of the library's Swift interface are built already.
swift_binding() {
    MARTLET_SCRATCH=$work/address MARTLET_SANITIZER=address sanitized bash Tests/Bindings/swift/run.sh
}

# suite NAME KIND TITLE COMMAND...; the kinds, how results are counted, are in lib/suites.sh.
suites() {
    suite tools one "Tools that the tests need" install_tools
    suite python one "Python packages that the tests need" python_tools
    suite format one "Format of the Swift code" \
        swift format lint --strict --parallel -r Package.swift Sources Tests bindings examples
    side_by_side sanitized_suites library_suites
}

# What keeps the compiler busy, or the processors.
sanitized_suites() {
    suite warnings one "Build without warnings" build_without_warnings
    suite reference one "Configuration page is up to date" package_program ConfigurationReference --check
    suite thread swift "Swift tests under ThreadSanitizer" swift_tests thread --skip-build
    suite address swift "Swift tests under AddressSanitizer" swift_tests address
    suite bind-swift lines "Swift, from packages of their own" swift_binding
    suite fuzz one "Recovery of mutated journals, 20 seconds" bash Tests/Fuzz/journal/run.sh 20
}

# What mostly waits: for receivers, browsers and processes that are killed.
library_suites() {
    suite library one "Self-contained library" library
    suite simulation lines "Simulation of the delivery core, a million steps, and of the journal with crashes" \
        swift run -c release --scratch-path "$debug" Simulation --steps 1000000 --disk-steps 50000
    suite integration pytest "Whole system against real receivers" "$work/venv/bin/python" -m pytest -n 3 Tests/Integration
    suite receivers pytest "Receivers of the examples" bash Tests/Receivers/run.sh
    suite cabi lines "C interface" c_interface
    suite dashboard pytest "Dashboard in a real browser" bash Tests/Dashboard/run.sh
    suite bind-python lines "Python binding" bash Tests/Bindings/python/run.sh
    suite bind-node lines "Node binding" bash Tests/Bindings/node/run.sh
    suite bind-go lines "Go binding" bash Tests/Bindings/go/run.sh
    suite bind-cpp lines "C++ header" bash Tests/Bindings/cpp/run.sh
    suite crash lines "Killed 25 times, nothing lost" bash Tests/Crash/run.sh --cycles 25
    suite quickstart one "Quickstart, twice" quickstart_twice
    suite benchmarks one "Benchmarks run" bash Tests/Benchmarks/run.sh --quick
}

run_suites "$@"
