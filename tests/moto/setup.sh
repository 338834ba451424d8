#!/bin/sh
# Make the virtual environment of the AWS stand-in: setup.sh VENV_DIR. Does nothing if it is up to date.
# PYTHON names another interpreter than python3.
set -eu

[ $# -eq 1 ] || { echo "usage: setup.sh VENV_DIR" >&2; exit 2; }
venv=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${PYTHON:-python3}
stamp=$venv/requirements.stamp

if cmp -s "$here/requirements.txt" "$stamp" && [ -x "$venv/bin/python" ]; then
    exit 0
fi

if ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    found=$("$python" --version 2>/dev/null || echo none)
    echo "setup.sh: needs python3 3.10 or newer with venv (found: $found): apt-get install python3-venv, dnf install python3, or https://www.python.org/downloads/" >&2
    exit 1
fi

"$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt"
cp "$here/requirements.txt" "$stamp"
