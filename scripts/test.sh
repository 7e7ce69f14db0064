#!/usr/bin/env bash
# From a fresh clone to a verdict: .venv, install, style, types, tests. `--slow` runs the long tests instead, `--browser`
# those that open the report in a headless Chromium; further arguments go to pytest.
# shellcheck source=scripts/setup.sh
. "$(dirname "$0")/setup.sh"
make_venv "[dev,postgres,sb3,llm]"

select=()
if [ "${1:-}" = "--slow" ]; then
    shift
    select=(-m slow)
elif [ "${1:-}" = "--browser" ]; then
    shift
    select=(-m browser)
    if ! command -v chromium >/dev/null; then
        say "Installing Chromium from the distribution's packages"
        { apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null ||
            fail "Chromium could not be installed" "install the package chromium as root, and run $0 --browser again"
    fi
fi

say "Style (ruff) and types (mypy)"
.venv/bin/ruff check . || fail "ruff found faults" ".venv/bin/ruff check --fix . mends most of them"
.venv/bin/ruff format --check . || fail "files are not formatted" "run .venv/bin/ruff format ."
.venv/bin/mypy || fail "mypy found faults" "see the lines above"

say "Tests"
# Plug-ins that happen to be installed must not change what the tests do.
PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 .venv/bin/python -m pytest "${select[@]}" "$@" ||
    fail "tests failed" "run one alone with: .venv/bin/python -m pytest tests/test_env.py -k NAME"
took "All tests passed"
