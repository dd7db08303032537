#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What would read freed memory or do nothing must not compile, and what reads well must. Each case is
# a line of code; in the first program each must get a complaint, in the second none may.
#     tests/packaging/misuse.sh COMPILER SOURCE_DIR EIGEN_INCLUDE
set -euo pipefail
compiler=$1 source=$2 eigen=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wrong=(
  # Guards that end where they begin.
  'eg::NoGrad();'
  'eg::NoGrad{};'
  'eg::EvaluationMode(eg::nn::Dropout<float>({0.1}, rng));'
  'eg::GradMode(true);'
  'eg::SerialGuard();'
  'eg::detail::Scratch<float>(3);'
  'eg::RewindGenerators{eg::GeneratorSnapshot()};'
  'void* ema = nullptr; eg::optim::UseEma<float>{*static_cast<eg::optim::Ema<float>*>(ema)};'
  # Pointers into what is gone in the next statement, and writing there.
  'const float* p = (a * a).value().data(); use(p);'
  'const float* p = (a * a).value().begin(); use(p);'
  'const auto* p = (a * a).shape().begin(); use(p);'
  'b.clone().array() = 1;'
  'b.clone()(0) = 1;'
)
right=(
  'eg::NoGrad guard; eg::SerialGuard other;'
  'auto y = a * a; const float* p = y.value().data(); use(p);'
  'use((a * a).value().array().sum() + (a * a).value()(0));'
  'for (float x : (a * a).value()) use(x);'
  # The options of a module and the arguments of an op are not one name for two things.
  'LinearOptions l; MlpOptions m; Conv2dOptions c; use(l), use(m), use(c);'
)

# One function for each case, its code on line 100, 200, ...
compile() {
  local headers=$1
  shift
  {
    echo "$headers"
    cat << 'CODE'
#include <eigengrad/ops/arithmetic.hpp>
namespace eg = eigengrad;
template <class T>
void use(const T&) {}
CODE
    local i=0
    for code in "$@"; do
      i=$((i + 100))
      echo "#line $((i - 1)) \"case\""
      echo "void test$i(const eg::Tensor<float>& a, const eg::NdArray<float>& b) { use(a), use(b); $using"
      echo "$code"
      echo '}'
    done
  } > "$work/cases.cpp"
  "$compiler" -std=c++20 -fsyntax-only -Wunused-result -Wno-psabi -fno-diagnostics-color \
    -I "$source/include" -isystem "$eigen" "$work/cases.cpp" 2> "$work/complaints"
}

bad=0
using=''
compile '#include <eigengrad/optim/ema.hpp>' "${wrong[@]}" || true
for i in "${!wrong[@]}"; do
  if ! grep -qE "^case:$((i * 100 + 100)):[0-9]*:? *(error|warning)" "$work/complaints"; then
    echo "misuse: compiles: ${wrong[i]}"
    bad=1
  fi
done
using='using namespace eigengrad; using namespace eigengrad::nn;'
if ! compile $'#include <eigengrad/nn/conv2d.hpp>\n#include <eigengrad/nn/mlp.hpp>' "${right[@]}" ||
    [ -s "$work/complaints" ]; then
  echo 'misuse: what is right gets a complaint:'
  head -20 "$work/complaints"
  bad=1
fi
[ $bad = 0 ] && echo 'misuse does not compile'
exit $bad
