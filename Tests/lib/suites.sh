# shellcheck shell=bash disable=SC2154
# Runs suites and counts. Sourced by Tests/run.sh, which defines `suites`.
#
# A suite is a command. How many tests passed is read from its output and exit code, by its kind:
#   one     the command is one test
#   lines   its last line is `N passed, N failed`
#   swift   the summary of Swift Testing
#   pytest  the summary of pytest
# A command that fails without a failed test counts as one, so that a crash is never taken for a success.

only=()
list=false
# The folder of what the suites leave for the end, which may run at the same time: `counts` has a line `PASSED FAILED` for
# each, `failures` what failed, repeated at the end, where it is seen.
results=

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "$tests/run.sh"
}

run_suites() {
    while [ $# -gt 0 ]; do
        case $1 in
            --list) list=true ;;
            --only) only+=("${2:?--only needs a name}"); shift ;;
            --help | -h) usage; exit 0 ;;
            *) echo "run.sh: unknown option $1; see --help" >&2; exit 2 ;;
        esac
        shift
    done
    local name known
    known=" $(list=true only=() && suites | awk '{ printf "%s ", $1 }')"
    for name in "${only[@]}"; do
        [[ $known == *" $name "* ]] || { echo "run.sh: no suite $name; there are:$known" >&2; exit 2; }
    done
    if $list; then
        suites
        exit 0
    fi
    results=$(mktemp -d "$work/results.XXXXXX") || exit 1
    : >"$results/counts"
    : >"$results/failures"
    suites
    if [ -s "$results/failures" ]; then
        echo "==> What failed"
        sed 's/^/    /' "$results/failures"
    fi
    local passed failed
    read -r passed failed < <(awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }' "$results/counts")
    rm -rf "$results"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
    exit
}

# side_by_side LINE...: runs functions that call `suite` at the same time, each line's suites one after the other. What two
# lines must not do at once, as to build in the same folder or to install packages, belongs into one of them.
side_by_side() {
    local line
    if $list; then
        for line; do "$line"; done
        return
    fi
    local groups=()
    # Each in a process group of its own, so that it can be stopped with all that it started.
    set -m
    for line; do
        "$line" </dev/null &
        groups+=("-$!")
    done
    set +m
    trap 'kill -TERM -- "${groups[@]}" 2>/dev/null; rm -rf "$results"; exit 130' INT TERM HUP
    for line; do
        # A line that was killed must not look like one whose suites passed.
        wait "${groups[0]#-}" || { echo "0 1" >>"$results/counts"; echo "$line was stopped" >>"$results/failures"; }
        groups=("${groups[@]:1}")
    done
    trap - INT TERM HUP
}

is_wanted() {
    [ ${#only[@]} != 0 ] || return 0
    case " ${only[*]} " in *" $1 "*) return 0 ;; esac
    # What others stand on is quick when it is there already.
    case $1 in tools | python | library) return 0 ;; esac
    return 1
}

suite() {
    local name=$1 kind=$2 title=$3 log=$work/logs/$1.log started=$SECONDS code
    shift 3
    if $list; then
        printf '%-12s %s\n' "$name" "$title"
        return
    fi
    is_wanted "$name" || return 0
    printf '==> %s (%s)\n' "$title" "$name"
    local suite_passed suite_failed
    "$@" >"$log" 2>&1 </dev/null
    code=$?
    suite_passed=0
    suite_failed=0
    "count_$kind" "$log" "$code"
    if [ "$code" != 0 ] && [ "$suite_failed" = 0 ]; then suite_failed=1; fi
    if [ "$code" = 0 ] && [ $((suite_passed + suite_failed)) = 0 ]; then
        echo "no tests were counted" >>"$log"
        suite_failed=1
    fi
    echo "$suite_passed $suite_failed" >>"$results/counts"
    if [ "$suite_failed" != 0 ]; then
        show_failure "$log"
        name_failures "$name" "$log" >>"$results/failures"
    fi
    printf '    %s: %s passed, %s failed (%s s)\n' "$name" "$suite_passed" "$suite_failed" "$((SECONDS - started))"
}

marks='^not ok |error: |recorded an issue|^FAILED |^ERROR |(Thread|Address|Leak)Sanitizer: '

name_failures() {
    echo "$1, see ${2#"$root/"}"
    grep -E "$marks" "$2" | head -n 5 | cut -c1-300 | sed 's/^/    /'
}

# What failed, as far as it can be told from the log, and its end.
show_failure() {
    local log=$1
    grep -nE "$marks" "$log" | head -n 40 | cut -c1-300 | sed 's/^/    /'
    # A sanitizer's whole first report: it may not be seen again for a hundred runs.
    sed -nE '/(WARNING|ERROR): (Thread|Address|Leak)Sanitizer/,/^SUMMARY: /{p;/^SUMMARY: /q}' "$log" |
        grep -v '^[^ ]* Test ' | head -n 100 | cut -c1-240 | sed 's/^/    /'
    printf '    ... the end of %s:\n' "${log#"$root/"}"
    tail -n 40 "$log" | cut -c1-300 | sed 's/^/    /'
}

# ---- Kinds: LOG CODE, set suite_passed and suite_failed of `suite` ----

count_one() {
    if [ "$2" = 0 ]; then suite_passed=1; else suite_failed=1; fi
}

count_lines() {
    local line
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$1" | tail -n 1)
    [ -n "$line" ] || return 0
    suite_passed=${line%% passed*}
    line=${line#*, }
    suite_failed=${line%% failed*}
}

count_swift() {
    local total summary='Test run with ([0-9]+) tests?( in [0-9]+ suites?)? (passed|failed) after'
    total=$(sed -nE "s/.*$summary.*/\1/p" "$1" | tail -n 1)
    suite_failed=$(grep -E ' Test .* failed after ' "$1" | grep -cv 'Test run with ')
    suite_passed=$((${total:-0} > suite_failed ? ${total:-0} - suite_failed : 0))
    # Under CI=true a test that was skipped is one that failed; one that another test runs in a child process was not.
    if [ "${CI:-}" = true ]; then
        suite_failed=$((suite_failed + $(grep -E ' Test .* skipped' "$1" | grep -cv 'skipped: "run by ')))
    fi
}

count_pytest() {
    local summary
    summary=$(grep -E '^(=+ )?[0-9]+ (passed|failed|error|skipped).* in [0-9.]+s' "$1" | tail -n 1)
    suite_passed=$(pytest_number passed "$summary")
    suite_failed=$(($(pytest_number failed "$summary") + $(pytest_number 'errors?' "$summary")))
    [ "${CI:-}" != true ] || suite_failed=$((suite_failed + $(pytest_number skipped "$summary")))
}

pytest_number() {
    local number
    number=$(sed -nE "s/.*\b([0-9]+) $1\b.*/\1/p" <<<"$2")
    echo "${number:-0}"
}
