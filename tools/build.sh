#!/usr/bin/env bash
# Configures (when needed) and builds one preset of CMakePresets.json into build/PRESET. Quiet unless it fails.
#
#   tools/build.sh PRESET [TARGET...]       environment: CONFIGURE, further words for cmake (-DJACKDAW_BENCH=ON)
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")/.."

# As many compilers at once as there are processors, and as memory has room for: one takes up to 1.5 GB.
jobs() {
  local by_memory processors
  by_memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
  processors=$(nproc)
  echo $((by_memory < 1 ? 1 : by_memory < processors ? by_memory : processors))
}

[ $# -gt 0 ] || { echo "usage: $0 PRESET [TARGET...]" >&2; exit 2; }
preset=$1
shift
directory=build/$preset
log=$directory/build.log
mkdir -p "$directory"

quietly() {
  "$@" </dev/null >"$log" 2>&1 && return 0
  # The first errors; when nothing calls itself one, the end.
  grep -E -m 10 -A 6 'error:|CMake Error' "$log" >&2 || tail -n 30 "$log" >&2
  echo "The build of preset $preset failed; all it said is in $log." >&2
  return 1
}

read -r -a configure <<<"${CONFIGURE:-}"
if [ ${#configure[@]} -gt 0 ] || [ ! -f "$directory/build.ninja" ] || [ CMakePresets.json -nt "$directory/build.ninja" ]; then
  quietly cmake --preset "$preset" "${configure[@]}"
fi
quietly ninja -C "$directory" -j "$(jobs)" "$@"
