#!/usr/bin/env bash
# Installs the locked packages, torch and this project into a virtual environment.
# Usage: requirements/install.sh runtime|ray|dev VENV [STAMP]     (PYTHON=... picks the interpreter)
# STAMP, a file inside VENV, is made last, when everything is in place.
set -euo pipefail
lock=$1 venv=$2 stamp=${3:-}
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

usable() { # a Python 3.11+ that can make virtual environments
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || return 1
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
    lacks_venv=$1
    return 1
}

find_python() {
    local one
    lacks_venv=
    for one in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
        if usable "$one"; then
            python=$one
            return
        fi
    done
    if [ -n "$lacks_venv" ]; then
        say "$lacks_venv can't make virtual environments. On Debian and Ubuntu: apt install python3-venv"
    else
        say "Found no Python 3.11 or newer (tried: ${PYTHON:-python3.11 to python3.14, python3})." \
            "Install one, or name it: make setup PYTHON=/path/to/python3"
    fi
    exit 1
}

# An environment that moved with its folder has scripts that still name the old place.
if ! { grep -qF "$PWD/$venv/bin/" "$venv/bin/pip" && "$venv/bin/python" -m pip --version; } >/dev/null 2>&1; then
    find_python
    say "Making $venv with $("$python" --version)."
    "$python" -m venv --clear "$venv"
fi

pip() { PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/python" -m pip install --no-input "$@"; }
quiet=(-qq)

say "Installing the locked packages (requirements/$lock.txt)."
pip -qq --no-deps --require-hashes -r "requirements/$lock.txt"
say "Installing $(cat requirements/torch.txt); its CUDA builds are a download of about 3 GB."
[ -t 1 ] && quiet=() # a progress bar for who looks on
pip "${quiet[@]}" -r requirements/torch.txt
# The build's warnings are for who writes pyproject.toml; its errors still show.
PYTHONWARNINGS=ignore pip -qq --no-deps --no-build-isolation -e .
"$venv/bin/python" -m pip --disable-pip-version-check check >&2
if [ -n "$stamp" ]; then
    rm -f "$venv"/setup-*
    touch "$stamp"
fi
