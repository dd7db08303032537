#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the headers say to those who include them, and what they keep them from hearing:
# quiet.sh CXX SOURCE_DIR EIGEN_DIR PROGRAM WORK_DIR
# A program that trains compiles without a word, notes of the compiler included; and a consumer's
# own code gets the warnings that it deserves.
set -euo pipefail
cxx=$1 source=$2 eigen=$3 program=$4 work=$5
mkdir -p "$work"
flags="-std=c++20 -O0 -Wall -Wextra -Wpedantic -Wno-unknown-pragmas -I$source/include"

compile() { "$cxx" $flags "${@:3}" -isystem "$eigen" -c "$1" -o "$2" 2>&1; }

heard=$(compile "$program" "$work/program.o" -Werror || echo failed)
if [ -n "$heard" ]; then
  echo "a consumer should hear nothing, and hears: $heard"
  exit 1
fi

warning=-Wignored-attributes
if "$cxx" --version | grep -q clang; then warning=-Wpsabi; fi
heard=$(compile "$source/tests/packaging/restored.cpp" "$work/restored.o")
case $heard in
  *"[$warning]"*) ;;
  *) echo "a consumer's own code should get $warning, but gets: $heard"; exit 1 ;;
esac
