#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what has been built, builds a consumer of eigengrad::compiled and compares the bits that
# it prints with those of the same program from headers alone, with OpenMP and without:
#     compiled.sh BUILD_DIR SOURCE_DIR WORK_DIR CXX HEADER_ONLY WITHOUT_OPENMP
set -euo pipefail
build=$1 source=$2 work=$3 cxx=$4 header_only=$5 without_openmp=$6
rm -rf "$work"
mkdir -p "$work"
cmake --install "$build" --prefix "$work/prefix" >/dev/null
cmake -S "$source/tests/packaging/compiled" -B "$work/build" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_PREFIX_PATH="$work/prefix"
cmake --build "$work/build"
compiled=$("$work/build/consumer") headers=$("$header_only") serial=$("$without_openmp")
echo "compiled $compiled, header-only $headers, without OpenMP $serial"
[ "$compiled" = "$headers" ] && [ "$headers" = "$serial" ]
