#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# An umbrella header has every header of its folder, sorted, but for those that say in themselves
# that they are outside it. Fails and lists what is missing or stands there without a file.
#     tests/packaging/umbrellas.sh [INCLUDE_DIR]
set -euo pipefail
export LC_ALL=C
include=${1:-$(dirname "$0")/../../include}
cd "$include"
# testing is for tests, kernels are for ops: they have no umbrella. stb.hpp holds another library's
# code for image_file.hpp, which is outside.
outside=$(grep -rlE 'Not (in|part of) the umbrella' eigengrad; echo eigengrad/image/stb.hpp)
bad=0
for folder in eigengrad/*/; do
  folder=${folder%/}
  case $folder in eigengrad/kernels | eigengrad/testing) continue ;; esac
  umbrella=$folder.hpp
  if [ ! -f "$umbrella" ]; then echo "$folder has no umbrella $umbrella"; bad=1; continue; fi
  has=$(sed -nE "s|^#include <($folder/.*)>|\1|p" "$umbrella")
  for header in $(find "$folder" -name '*.hpp' | sort); do
    if grep -qx "$header" <<< "$outside"; then
      if grep -qx "$header" <<< "$has"; then echo "$umbrella has $header, which is outside"; bad=1; fi
    elif ! grep -qx "$header" <<< "$has"; then
      echo "$umbrella lacks $header"; bad=1
    fi
  done
  for header in $has; do
    if [ ! -f "$header" ]; then echo "$umbrella has $header, which does not exist"; bad=1; fi
  done
  if [ "$has" != "$(sort -u <<< "$has")" ]; then echo "$umbrella is not sorted"; bad=1; fi
  grep -qx "#include <$umbrella>" eigengrad/eigengrad.hpp ||
    { echo "eigengrad/eigengrad.hpp lacks $umbrella"; bad=1; }
done
for header in $outside; do
  if [ ! -f "$header" ]; then echo "umbrellas: there is no $header to be outside"; bad=1; fi
done
[ $bad = 0 ] && echo 'the umbrellas are complete'
exit $bad
