#!/usr/bin/env bash
# Installs the Debian packages named in the given lists, those that are missing and no others.
# Without root it names them and the one command that installs them, and ends with 1. Services among them are for tests:
# they are neither started nor enabled.
#
#   tools/install_packages.sh tools/packages-build.txt [LIST...]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

wanted() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@" | sort -u; }

installed() {
  # dpkg-query ends with 1 when it does not know one of the names; what it knows it still prints.
  # shellcheck disable=SC2016  # the braces are dpkg-query's
  wanted "$@" | xargs dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p' | sort -u
}

[ $# -gt 0 ] || { echo "usage: $0 LIST..." >&2; exit 2; }
for list; do
  [ -r "$list" ] || { echo "$0: no list $list" >&2; exit 2; }
done
if ! command -v dpkg-query >/dev/null; then
  echo "This is not a Debian system. Install what these name in your system's words, then try again:" >&2
  wanted "$@" | sed 's/^/  /' >&2
  exit 1
fi

mapfile -t missing < <(comm -23 <(wanted "$@") <(installed "$@" || true))
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
  printf 'These Debian packages are missing:\n' >&2
  printf '  %s\n' "${missing[@]}" >&2
  printf 'This installs them:\n  sudo apt-get install --no-install-recommends %s\n' "${missing[*]}" >&2
  exit 1
fi

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=
finish() {
  rm -f "$log"
  [ -z "$made_policy" ] || rm -f "$policy"
}
trap finish EXIT
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  made_policy=yes
fi
export DEBIAN_FRONTEND=noninteractive
# An update may fail for a source that has none of these; whether they can be had is what the installation says.
apt-get update </dev/null >"$log" 2>&1 || true
if ! apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}" </dev/null >>"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "apt-get could not install them." >&2
  exit 1
fi
for package in "${missing[@]}"; do
  # Not all of its services have its name.
  for service in $(dpkg -L "$package" | sed -nE 's,^(/usr)?/lib/systemd/system/([^/@]+\.service)$,\2,p'); do
    systemctl disable "$service" >/dev/null 2>&1 || true
  done
done
