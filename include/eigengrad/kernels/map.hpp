// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Elementwise loops: vectorised, parallel, one pass.
namespace eigengrad::kernels {

namespace detail {

template <class T, class F, class... In>
struct Map {
  template <class Arch>
  static EIGENGRAD_INLINE void run(F f, T* out, Index n, In... in) {
    using V = simd::Vec<T, Arch>;
    simd::transform<V>(n,
                       [&](auto at) EIGENGRAD_INLINE_LAMBDA { at.store(out, f(at.load(in)...)); });
  }
};

}  // namespace detail

/// out[i] = f(in0[i], in1[i], ...) for i in [0, n); `out` may be one of the inputs.
///
/// `f` is a small copyable struct with
/// `template <class V> EIGENGRAD_INLINE V operator()(const V& a, const V& b) const`, called on vectors.
template <class T, class F, class... In>
void map(F f, T* out, Index n, const In*... in) {
  parallel_for(n, kElementGrain, [&](Index begin, Index end) {
    simd::dispatch<detail::Map<T, F, const In*...>>(f, out + begin, end - begin, (in + begin)...);
  });
}

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
