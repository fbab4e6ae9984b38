#!/usr/bin/env bash
# Writes the documents that the program prints from its own tables; with --check it compares instead, and ends with 1
# when one differs from what is kept.
#
#   tools/generate_docs.sh [--check] [PROGRAM]       without PROGRAM: build/test/jackdaw, built first
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

check=
if [ "${1:-}" = --check ]; then
  check=yes
  shift
fi
[ $# -gt 0 ] || tools/build.sh test jackdaw
program=${1:-build/test/jackdaw}
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
differ=0

document() {  # document FILE WORDS...: FILE is what `jackdaw WORDS...` prints
  local file=$1
  shift
  "$program" "$@" </dev/null >"$made/document"
  [ -s "$made/document" ] || { echo "$program $* printed nothing" >&2; exit 1; }
  if [ -z "$check" ]; then
    mkdir -p "$(dirname "$file")"
    cp "$made/document" "$file"
  elif ! diff -u --label "$file (kept)" --label "$file ($program $*)" "$file" "$made/document"; then
    differ=1
  fi
}

[ -x "$program" ] || { echo "$program is not built" >&2; exit 1; }
document docs/settings.md settings --markdown
document docs/modules.md modules --markdown
document docs/operations.md operations --markdown
document docs/metrics.md metrics --markdown
document jackdaw.doap doap
document packaging/jackdaw.1 man
document packaging/jackdaw.bash completion
if [ $differ = 1 ]; then
  echo "Generated documents differ from the program's tables. This makes them: tools/generate_docs.sh" >&2
fi
exit $differ
