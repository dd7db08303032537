#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a program at one of the instruction sets; 77, "skipped", on a CPU that lacks it:
#     tests/at_isa.sh avx2 build/tests/softmax_test
set -euo pipefail
if [ "$1" = avx2 ] && ! grep -qw avx2 /proc/cpuinfo; then
  echo "this CPU has no $1"
  exit 77
fi
EIGENGRAD_ISA=$1 exec "${@:2}"
