#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A ViT's step in eigengrad, PyTorch and JAX, side by side on this machine.
#     benchmarks/compare.sh            prints the table
#     benchmarks/compare.sh --write    writes it, and the step by op, into docs/performance.md
# Options:
#     --quick         one round of three steps: a trial, not a measurement
#     --rounds N      rounds; the median of them counts [3]
#     --threads N     threads [all cores]
#     --only TEXT     the configurations with TEXT in their title ("forward", "batch 128")
#     --large         ViT-B/16 too, which takes minutes
#     --compile       torch.compile too
# vit_step is built in build/compare (BUILD_DIR), Release and without any -m flag; the peers run as
# they are installed (PYTHON, python3), and PyTorch once more at its best: with an allocator that
# keeps its memory, MKL's fast path on AMD, and channels-last convolutions. Peers that are missing
# are left out. Nothing else should run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in *' --help '* | *' -h '*) sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit ;; esac

python=${PYTHON:-python3}
if ! command -v "$python" > /dev/null; then
  echo "compare: needs $python for the peers and the table; vit_step alone does not" >&2
  exit 1
fi

build=${BUILD_DIR:-build/compare}
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DEIGENGRAD_BUILD_TESTS=OFF \
  -DEIGENGRAD_BUILD_EXAMPLES=OFF -DEIGENGRAD_BUILD_BENCHMARKS=ON > /dev/null
cmake --build "$build" --target vit_step > /dev/null

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
. benchmarks/tuned.sh

"$python" benchmarks/compare.py --vit-step "$build/vit_step" \
  "${tuned[@]}" --tuned-text "$text" "$@"
