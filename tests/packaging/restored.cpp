// SPDX-License-Identifier: MIT
// A consumer whose own code deserves a warning: of g++ -Wignored-attributes, of
// clang++ -Wpsabi. The headers leave both on.
#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>

typedef int Aligned __attribute__((aligned(8)));  // for g++
typedef float Eight __attribute__((vector_size(32)));

template <class T>
struct Holder {
  T value;
};

__attribute__((noinline)) Eight twice(Eight x) { return x + x; }

float use(const float* p) {
  const Holder<Aligned> one{1};
  const Holder<Eight> holder{{p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]}};
  return twice(holder.value)[one.value];
}
