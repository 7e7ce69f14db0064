# Sourced by quickstart.sh and test.sh: makes .venv and installs into it. Not meant to be run by itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n==> %s\n' "$*"; }

fail() {
    printf '\nFAILED: %s\nWay out: %s\n' "$1" "$2" >&2
    exit 1
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# make_venv EXTRAS: .venv with this checkout installed in it, with versions from configs/constraints.txt.
make_venv() {
    local python
    if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(find_python) || fail "no Python 3.11 or newer was found" \
            "install one, or name it: PYTHON=/path/to/python3.11 $0"
        say "Making .venv with $("$python" --version)"
        "$python" -m venv --clear .venv || fail "python -m venv did not work" \
            "install the venv module (Debian and Ubuntu: apt-get install python3-venv) and run $0 again"
    fi
    if [[ $1 == *sb3* ]]; then
        say "Installing torch into .venv"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 ||
            fail "pip could not install torch 2.13.0" \
                "check the network and the space left (df -h .), and run $0 again"
    fi
    say "Installing crm-gym$1 into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --constraint configs/constraints.txt --editable ".$1" ||
        fail "pip could not install the packages" \
            "check the network, or remove .venv (rm -rf .venv) and run $0 again"
    .venv/bin/python -m compileall -q crm_gym agents  # pip compiles what it copies, not what it links to
}

took() { say "$1 (${SECONDS}s in all)"; }
