#!/usr/bin/env bash
# tools/debian.sh PACKAGE...: install Debian packages, where that can be done without asking anybody.
#
# Elsewhere (no apt-get, not root, no network) it says in one line what is missing, and the tests that need it skip
# visibly. With CI=true a missing part is a failure: a run that skipped half its tests must not look green.
set -euo pipefail

# The program that shows that a package is there already, however it came.
present() {
    case $1 in
        nginx) PATH=$PATH:/usr/sbin:/sbin command -v nginx >/dev/null ;;
        chromium) command -v chromium >/dev/null ;;
        python3-venv) "${PYTHON:-python3}" -c 'import venv, ensurepip' 2>/dev/null ;;
        *) dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed ;;
    esac
}

# A server that a test starts on its own port must not also be started as a service of this machine.
start_nothing() {
    local policy=/usr/sbin/policy-rc.d
    [ ! -e "$policy" ] || return 0
    trap "rm -f $policy" EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
}

install() {
    DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends "$@" >/dev/null
}

missing=()
for package in "$@"; do
    present "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ]; then
    echo "==> Debian packages (installed, not started): ${missing[*]}"
    start_nothing
    # The first attempt fails on a machine whose package lists are old or absent.
    if install "${missing[@]}" 2>/dev/null || { apt-get update -qq && install "${missing[@]}"; }; then
        exit 0
    fi
fi

echo "tools/debian.sh: not installed: ${missing[*]}. Install it by hand; until then, what needs it is skipped." >&2
[ "${CI:-}" != true ]
