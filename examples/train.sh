#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Trains a Vision Transformer on CIFAR-10: installs what is missing, builds, gets the data, trains.
#     examples/train.sh                               the preset quick, about 9 minutes
#     examples/train.sh --data DIR --epochs 5         options go to `vit_cifar10 train`
#     examples/train.sh --dataset cifar100            CIFAR-100 instead
#     examples/train.sh --help                        lists them
# The program is then build/vit_cifar10. BUILD_DIR (build) may be set in the environment, and CXX
# chooses the compiler; a build folder that exists already keeps its options.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/cmake/install_missing.sh"
install_missing compiler cmake eigen stb

build=${BUILD_DIR:-$root/build}
mkdir -p "$build"
new=(-DCMAKE_BUILD_TYPE=Release -DEIGENGRAD_BUILD_TESTS=OFF -DEIGENGRAD_BUILD_BENCHMARKS=OFF)
[ ! -f "$build/CMakeCache.txt" ] || new=(-DEIGENGRAD_BUILD_EXAMPLES=ON)
if ! { cmake -S "$root" -B "$build" "${new[@]}" &&
  cmake --build "$build" --target vit_cifar10 -j "$(nproc)"; } >"$build/build.log" 2>&1; then
  cat "$build/build.log" >&2
  exit 1
fi
program=$build/vit_cifar10

# Given data, a run to resume or help is the program's own business; else data is fetched or,
# offline, generated.
dataset=
previous=
for option in "$@"; do
  case $option in
    --data | --data=* | --resume | --resume=* | --help | -h) exec "$program" train "$@" ;;
    --dataset=*) dataset=${option#*=} ;;
    *) [ "$previous" != --dataset ] || dataset=$option ;;
  esac
  previous=$option
done
[ -n "$dataset" ] || set -- --dataset cifar10 "$@"
case ${dataset:-cifar10} in
  cifar10) number=10 ;;
  cifar100) number=100 ;;
  *) exec "$program" train "$@" ;;
esac
data=${EIGENGRAD_DATA:-$root/data}
status=0
"$root/examples/vit_cifar10/get_data.sh" "$data" $number || status=$?
case $status-$number in
  0-*) ;;
  3-10)
    data=$data/generated
    echo "CIFAR-10 could not be downloaded: training on a GENERATED dataset of the same format" \
      "instead (10 classes of 32x32 patterns; its accuracy says nothing about CIFAR-10)"
    [ -f "$data/cifar-10-batches-bin/test_batch.bin" ] || "$program" generate --out "$data" ;;
  *)
    [ "$status" != 3 ] || echo "CIFAR-100 could not be downloaded; fetch it, and name its folder with --data DIR" >&2
    exit "$status" ;;
esac
exec "$program" train --data "$data" "$@"
