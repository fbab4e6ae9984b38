#!/usr/bin/env bash
# Runs clang-tidy-19 on what was changed since the landed base: origin/main, or else, and when nothing was changed, all.
# At most 40 files, those with the most changed lines; it names the ones it leaves out.
#
#   tools/check_tidy.sh BUILD [BASE]       BUILD: a built directory with compile_commands.json; TIDY_FILES: instead of 40
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:?usage: tools/check_tidy.sh BUILD [BASE]}
base=${2:-origin/main}
most=${TIDY_FILES:-40}

code=('src/*.cc' 'src/*.h' 'tests/*.cc' 'tests/*.h' 'fuzz/*.cc' 'fuzz/*.h' 'bench/*.cc' 'bench/*.h')

# "LINES FILE" of each .cc and .h, most changed lines first.
changed() {
  local since
  if since=$(git merge-base "$base" HEAD 2>/dev/null) && [ -n "$(git diff --name-only --diff-filter=AM "$since" -- "${code[@]}")" ]; then
    echo "against $base ($(git rev-parse --short "$since"))" >&2
  else
    since=$(git hash-object -t tree /dev/null) # the empty tree: all is new
    echo "all files" >&2
  fi
  # Renamed files count with what was changed in them; deleted ones not at all.
  git diff --numstat --no-renames --diff-filter=AM "$since" -- "${code[@]}" |
    awk '{ print $1 + $2, $3 }' | sort -k1,1nr -k2
}

# The .cc to read FILE in: itself; for a header the .cc of its name, or else the first that includes it.
reader_of() {
  local own=${1%.h}
  own=${own%.cc}.cc
  if [ -f "$own" ]; then
    echo "$own"
  else
    git grep -lF "#include \"${1#src/}\"" -- '*.cc' | head -n 1 || true
  fi
}

compiled=$(sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$build/compile_commands.json")
declare -A chosen=()
order=()
left_out=()
while read -r _ file; do
  source=$(reader_of "$file")
  grep -qxF "$PWD/$source" <<<"$compiled" || continue
  [ -z "${chosen[$source]:-}" ] || continue
  if [ ${#order[@]} -lt "$most" ]; then
    chosen[$source]=yes
    order+=("$source")
  else
    left_out+=("$source")
  fi
done < <(changed)

if [ ${#order[@]} = 0 ]; then
  echo "clang-tidy: none of the changed files is compiled in $build"
  exit 1
fi
echo "clang-tidy: ${#order[@]} files"
[ ${#left_out[@]} = 0 ] || printf 'left out: %s\n' "$(printf '%s\n' "${left_out[@]}" | sort -u | tr '\n' ' ')"
printf '%s\0' "${order[@]}" | timeout 10m xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p "$build" --quiet
