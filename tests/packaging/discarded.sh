#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A guard works while it lives, so one without a name does nothing: the compiler must say so.
#     tests/packaging/discarded.sh COMPILER INCLUDE_DIR EIGEN_INCLUDE_DIR
set -euo pipefail
compiler=$1 include=$2 eigen=$3
statements=(
  'optim::UseEma<float>{ema};'
  'optim::UseEma{ema};'
  'RewindGenerators{snapshot};'
)
source=$(mktemp --suffix=.cpp)
trap 'rm -f "$source"' EXIT
{
  echo '#include <eigengrad/core/generator_snapshot.hpp>'
  echo '#include <eigengrad/optim/ema.hpp>'
  echo 'using namespace eigengrad;'
  echo 'void f(optim::Ema<float>& ema, const GeneratorSnapshot& snapshot) {'
  echo '#line 1 "statements"'
  printf '%s\n' "${statements[@]}"
  echo '}'
} >"$source"
warnings=$("$compiler" -std=c++20 -fsyntax-only -Wall -Wno-psabi "-I$include" -isystem "$eigen" \
  "$source" 2>&1 || true)
bad=0
for i in "${!statements[@]}"; do
  if ! grep -qE "^statements:$((i + 1)):.*(nodiscard|unused)" <<<"$warnings"; then
    echo "discarded: the compiler says nothing about: ${statements[i]}"
    bad=1
  fi
done
[ $bad = 0 ] && echo 'the compiler warns of every discarded guard' || printf '%s\n' "$warnings"
exit $bad
