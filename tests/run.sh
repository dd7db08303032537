#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what the tests need, builds them and runs them.
#     tests/run.sh                 everything
#     tests/run.sh -R softmax      what ctest's options select
# BUILD_DIR (build/tests) and JOBS (all cores) may be set in the environment; CXX chooses the
# compiler, CMAKE_FLAGS adds options to the configuration.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/install_missing.sh
install_missing compiler cmake eigen catch2 stb

build=${BUILD_DIR:-build/tests}
jobs=${JOBS:-$(nproc)}
# The programs are quick to compile this way; the library that they link is fully optimised.
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" \
  -DEIGENGRAD_GROUP_TESTS=ON ${CMAKE_FLAGS:-}
cmake --build "$build" -j "$jobs"
ctest --test-dir "$build" --output-on-failure -j "$jobs" "$@"
