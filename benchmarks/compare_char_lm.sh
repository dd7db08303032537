#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# char_lm and the same training in PyTorch, side by side on this machine and one text.
#     benchmarks/compare_char_lm.sh TEXT              prints the table; the losses count too
#     benchmarks/compare_char_lm.sh TEXT --steps 200  times alone, in a tenth of the time
# Options:
#     --rounds N      rounds; the median of their times counts [3]
#     --threads N     threads [all cores]
#     --compile       torch.compile too
#     --steps N ...   further options go to all programs: see `char_lm train --help`
# char_lm is built in build/compare (BUILD_DIR), Release and without any -m flag; PyTorch runs as it
# is installed (PYTHON, python3), and once more at its best, as in compare.sh. Nothing else should
# run meanwhile.
set -euo pipefail
case " $* " in *' --help '* | *' -h '* | '  ') sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit ;; esac
words=$(realpath "$1") && shift
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
build=${BUILD_DIR:-build/compare}
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DEIGENGRAD_BUILD_TESTS=OFF \
  -DEIGENGRAD_BUILD_EXAMPLES=ON > /dev/null
cmake --build "$build" --target char_lm > /dev/null

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
. benchmarks/tuned.sh
"$python" benchmarks/compare_char_lm.py --char-lm "$build/char_lm" --text "$words" \
  --folder "$temporary" "${tuned[@]}" --tuned-text "$text" "$@"
