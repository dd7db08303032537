#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds and runs a consumer: consumer.sh find_package|add_subdirectory SOURCE_DIR WORK_DIR CXX
set -euo pipefail
kind=$1 source=$2 work=$3 cxx=$4
rm -rf "$work"
mkdir -p "$work"
flags="-DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=$cxx"
if [ "$kind" = find_package ]; then
  cmake -S "$source" -B "$work/eigengrad" $flags -DCMAKE_INSTALL_PREFIX="$work/prefix" \
    -DEIGENGRAD_BUILD_TESTS=OFF -DEIGENGRAD_BUILD_EXAMPLES=OFF -DEIGENGRAD_BUILD_BENCHMARKS=OFF
  cmake --install "$work/eigengrad" >/dev/null
  flags="$flags -DCMAKE_PREFIX_PATH=$work/prefix"
else
  flags="$flags -DEIGENGRAD_SOURCE_DIR=$source"
fi
cmake -S "$source/tests/packaging/$kind" -B "$work/build" $flags
cmake --build "$work/build"
"$work/build/consumer"
