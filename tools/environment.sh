#!/usr/bin/env bash
# tools/environment.sh DIR LOCK: make DIR a virtual environment that holds exactly what LOCK names, by hash.
#
# uv does the work (seconds instead of half a minute). It comes from its own hash lock, and where it cannot be had or
# fails, pip installs the same lock.
set -euo pipefail

dir=$1
lock=$2
python=${PYTHON:-python3}
bootstrap=$(dirname "$0")/../requirements/bootstrap.txt

say() { printf '==> %s\n' "$*"; }
die() { printf 'tools/environment.sh: %s\n' "$*" >&2; exit 1; }

make_venv() {
    command -v "$python" >/dev/null || die "there is no '$python'; name a Python 3.11 or newer with PYTHON=..."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || die "'$python' is older than Python 3.11; name a newer one with PYTHON=..."
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        "$(dirname "$0")/debian.sh" python3-venv
    fi
    say "$dir: a virtual environment of $("$python" --version)"
    "$python" -m venv "$dir"
}

# A virtual environment that was moved, or whose Python is gone, is of no use: its scripts name the old place.
usable() {
    [ -x "$dir/bin/python" ] && [ "$("$dir/bin/python" -c 'import sys; print(sys.prefix)' 2>/dev/null)" = "$(realpath "$dir")" ] \
        && "$dir/bin/python" -m pip --version >/dev/null 2>&1
}

with_uv() {
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$bootstrap" || return 1
    "$dir/bin/uv" pip sync --quiet --python "$dir/bin/python" --require-hashes "$lock"
}

with_pip() {
    say "$dir: uv could not do it; pip installs the same lock (about half a minute)"
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
}

if ! usable; then
    rm -rf "$dir"
    make_venv
fi
say "$dir: $(grep -cE '^[A-Za-z0-9]' "$lock") locked packages of $lock"
with_uv || with_pip
