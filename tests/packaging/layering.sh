#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Includes go one way: core <- kernels <- ops <- nn; optim, data and io stand on core (optim and
# data also on the kernels); models stand on nn, io and data; testing stands on core. Fails and lists
# each include that goes another way.
#     tests/packaging/layering.sh [INCLUDE_DIR]
set -euo pipefail
include=${1:-$(dirname "$0")/../../include}
allowed() {
  case $1 in
    core) echo 'core' ;;
    kernels) echo 'core kernels' ;;
    ops) echo 'core kernels ops' ;;
    nn) echo 'core kernels ops nn' ;;
    optim) echo 'core kernels optim' ;;
    io) echo 'core io' ;;
    image) echo 'core kernels io image' ;;
    data) echo 'core kernels io image data' ;;
    inspect) echo 'core kernels ops nn inspect' ;;
    models) echo 'core kernels ops nn io image data models' ;;
    testing) echo 'core testing' ;;
    *) echo "layering: the folder include/eigengrad/$1 has no place in the order" >&2; exit 1 ;;
  esac
}
bad=0
for folder in "$include"/eigengrad/*/; do
  layer=$(basename "$folder")
  may=" $(allowed "$layer") "
  while IFS=: read -r file line text; do
    target=$(printf '%s' "$text" | sed -E 's|.*<eigengrad/([^/>]*)(/.*)?>.*|\1|')
    case $target in
      version.hpp) continue ;;
      *.hpp) echo "$file:$line: a header must not include the umbrella $target"; bad=1; continue ;;
    esac
    case $may in
      *" $target "*) ;;
      *) echo "$file:$line: $layer must not include $target"; bad=1 ;;
    esac
  done < <(grep -rnE '#include +[<"](eigengrad/|\.\./)' "$folder" | sed 's|"\.\./|<eigengrad/../|')
done
# One file knows OpenMP.
if grep -rn '#pragma omp' "$include" | grep -v 'core/parallel.hpp'; then
  echo 'only core/parallel.hpp may use OpenMP'
  bad=1
fi
[ $bad = 0 ] && echo 'the includes go one way'
exit $bad
