#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Can the gradient checks fail? Breaks the sign in one backward formula at a time, in a copy of the
# headers, and expects the op's gradient cases to fail. Not part of ctest: it builds every test
# named below once more.
#     tests/mutation.sh
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
caught=0 missed=0

# Catch2 v2 has its main function in a header, v3 in a library.
if "${CXX:-c++}" -std=c++20 -c "$root/tests/support/main.cpp" -o "$work/main.o" 2>/dev/null; then
  catch=$work/main.o
else
  catch='-lCatch2Main -lCatch2'
fi

# What the tests share has no ops in it.
"${CXX:-c++}" -std=c++20 -fopenmp -I"$root/include" -I"$root" -I/usr/include/eigen3 \
  -DEIGENGRAD_TEST_DIR="\"$root/tests\"" -c "$root/tests/support/support.cpp" -o "$work/support.o"

# mutate TEST HEADER SED: the test's own source is compiled against headers changed by SED.
mutate() {
  local test=$1 header=include/eigengrad/$2 expression=$3 source
  rm -rf "$work/include"
  cp -r "$root/include" "$work/include"
  sed -i -E "$expression" "$work/$header"
  if cmp -s "$root/$header" "$work/$header"; then
    echo "$test: \"$expression\" changes nothing in $header; mend this script"
    exit 1
  fi
  source=$(find "$root/tests" -name "$test.cpp")
  # Without EIGENGRAD_COMPILED everything comes from the changed headers.
  "${CXX:-c++}" -std=c++20 -O1 -fopenmp -I"$work/include" -I"$root" -I/usr/include/eigen3 \
    -DEIGENGRAD_TEST_DIR="\"$root/tests\"" "$source" "$work/support.o" $catch -o "$work/test"
  if "$work/test" '*gradient*' >"$work/out" 2>&1; then
    missed=$((missed + 1))
    echo "MISSED  $2: $expression"
  else
    caught=$((caught + 1))
    echo "caught  $2: $expression"
  fi
}

mutate softmax_test kernels/softmax.hpp 's/v \* \(d - total\)/v * (d + total)/'
mutate unary_test ops/unary.hpp 's/\(simd::Element<V>\(1\) - y \* y\)/(simd::Element<V>(1) + y * y)/'
mutate activation_test kernels/simd/vmath.hpp 's/slope = tail - a \* exp/slope = tail + a * exp/'
mutate layer_norm_test kernels/norm/layer_norm.hpp 's/\(mean_g\[r\] \+ of/(mean_g[r] - of/'
mutate batch_norm_test kernels/norm/batch_norm.hpp 's/- mean_d - h \*/+ mean_d - h */'
mutate cross_entropy_test kernels/cross_entropy.hpp 's/\] -= keep \* scale/] += keep * scale/'
mutate arithmetic_test ops/scalar.hpp 's/return -\(dout \* y/return (dout * y/'
mutate linear_test ops/linear.hpp 's/^(  g\.transpose_a = true;)/\1 g.epilogue.scale = -1;/'
mutate mlp_test ops/linear.hpp 's/(g\.epilogue\.factor = factor;)/\1 g.epilogue.scale = -1;/'
mutate conv2d_test kernels/conv/conv2d_input.hpp 's/(g\.transpose_a = true;)/\1 g.epilogue.scale = -1;/'
mutate attention_test kernels/attention/attention_rows.hpp 's/\(d \+ j\) - total\)/(d + j) + total)/'
mutate pool_test kernels/max_pool.hpp 's/to\[index\[i\]\] \+=/to[index[i]] -=/'
mutate scatter_test ops/scatter.hpp 's/== from \? in\[to\]/!= from ? in[to]/'
mutate cumsum_test ops/cumsum.hpp 's/return running_sum<true>/return running_sum<false>/'
mutate roll_test ops/roll.hpp 's/dout, -shift/dout, shift/'

echo "$caught caught, $missed missed"
[ $missed = 0 ]
