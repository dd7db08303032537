#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# translate and the same training with torch.nn.Transformer, side by side on this machine.
#     benchmarks/compare_translate.sh                prints the table
#     benchmarks/compare_translate.sh --steps 1500   long enough for the losses to count too
# Options:
#     --task WORD     reverse, sort or numbers [numbers]
#     --steps N       steps [200]
#     --rounds N      rounds; the median of their times counts [3]
#     --threads N     threads [all cores]
#     --compile       torch.compile too
#     --dim N ...     further options go to all programs: see `translate train --help`
# translate is built in build/compare (BUILD_DIR), Release and without any -m flag; PyTorch runs as
# it is installed (PYTHON, python3), and once more at its best, as in compare.sh. Nothing else
# should run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *' --help '* | *' -h '*) sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit ;; esac

python=${PYTHON:-python3}
build=${BUILD_DIR:-build/compare}
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DEIGENGRAD_BUILD_TESTS=OFF \
  -DEIGENGRAD_BUILD_EXAMPLES=ON > /dev/null
cmake --build "$build" --target translate > /dev/null

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
. benchmarks/tuned.sh
"$python" benchmarks/compare_translate.py --translate "$build/translate" \
  --folder "$temporary" "${tuned[@]}" --tuned-text "$text" "$@"
