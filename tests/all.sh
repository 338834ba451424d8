#!/usr/bin/env bash
# Runs all tests and sums up what the runners said: the last line is `N passed, N failed`.
# `make test` sets up what this needs: SGBIND_TEST_CONTROLPLANE (or SGBIND_TEST_KUBECONFIG),
# SGBIND_TEST_HCL_CHECK, SGBIND_TEST_PYTHON.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
: "${SGBIND_TEST_PYTHON:?run make test, or name the Python of the virtual environment that tests/moto/setup.sh makes}"

# Most tests wait for other processes: more of them at once than there are cores.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-5}
# The same generated cases each time. Others, and more of them: PROPTEST_RNG_SEED=$RANDOM PROPTEST_CASES=20000.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-1}

passed=0 failed=0 simulation=''
folder=$(mktemp -d "${TMPDIR:-/tmp}/sgbind-tests.XXXXXX") || exit 1
output=$folder/output
# Whoever stops this stops what runs beside it.
trap '[ -z "$simulation" ] || kill -- -"$simulation" 2>/dev/null; rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

# count NAME STATUS PASSED FAILED: a runner that failed without naming a test, or that ran none, counts as a failure.
count() {
    local name=$1 status=$2 ok=$3 bad=$4
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        echo "$name ended with status $status and names no failed test" >&2
        bad=1
    elif [ $((ok + bad)) -eq 0 ]; then
        echo "$name ran no test" >&2
        bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
}

# Sum of the numbers that stand before a word in the result lines of the runner.
rust_sum() {
    awk -v word="$1" '/^test result: / { for (i = 2; i <= NF; i++) if ($i ~ "^" word ";?$") sum += $(i - 1) } END { print sum + 0 }' "$output"
}

# Number behind a word in the result line of unittest, such as failures=2.
python_number() {
    sed -nE "s/^(OK|FAILED) \((.*, )?$1=([0-9]+).*/\3/p" "$output" | tail -n 1 | grep . || echo 0
}

# The simulation knows no clock of the wall, and would keep all cores busy; the other tests wait for most of the time, and go
# by that clock. So the simulation gets what they leave over. Built before, so that nothing is built at that priority.
cargo test --workspace --locked --no-run </dev/null && cargo test --locked --test it --no-run </dev/null
# In a process group of its own, which can be stopped as a whole.
set -m
RUST_TEST_THREADS=$(nproc) nice -n 19 cargo test --locked --no-fail-fast --test it simulation:: -- --nocapture \
    </dev/null >"$folder/simulation" 2>&1 &
simulation=$!
set +m

cargo test --workspace --locked --no-fail-fast "$@" -- --skip simulation:: </dev/null | tee "$output"
count "cargo test" "${PIPESTATUS[0]}" "$(rust_sum passed)" "$(rust_sum failed)"

echo "the simulation's tests go on"
wait "$simulation"
status=$? simulation=''
# Its figures are worth seeing.
grep -vE "has been running for over" "$folder/simulation" | tee "$output"
count "the simulation's tests" "$status" "$(rust_sum passed)" "$(rust_sum failed)"

(cd tests/moto && "$SGBIND_TEST_PYTHON" -m unittest test_mends) </dev/null 2>&1 | tee "$output"
status=${PIPESTATUS[0]}
ran=$(sed -nE 's/^Ran ([0-9]+) tests? in .*/\1/p' "$output" | tail -n 1)
bad=$(($(python_number failures) + $(python_number errors) + $(python_number 'unexpected successes')))
left_out=$(($(python_number skipped) + $(python_number 'expected failures')))
count "the stand-in's tests" "$status" "$((${ran:-0} > bad + left_out ? ${ran:-0} - bad - left_out : 0))" "$bad"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
