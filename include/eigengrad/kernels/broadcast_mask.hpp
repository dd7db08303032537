// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/broadcast.hpp>

/// Elementwise questions about arrays that broadcast.
namespace eigengrad::kernels {

namespace detail {

template <class In>
struct Strided {
  const In* p;
  Index step;
};

template <class F, class... In>
void mask_line(const F& f, bool* out, Index n, Strided<In>... in) {
  for (Index i = 0; i < n; ++i) out[i] = f(in.p[i * in.step]...);
}

}  // namespace detail

/// out[i] = f(in0[i], in1[i], ...), where each input has a shape that broadcasts to `shape`; `f` is
/// a function of numbers.
template <class F, class... In>
NdArray<bool> broadcast_mask(const F& f, const Shape& shape, const NdArray<In>&... in) {
  NdArray<bool> out(shape);
  const detail::BroadcastLoop<sizeof...(In)> loop(shape, in.shape()...);
  const auto range = [&]<std::size_t... K>(Index begin, Index end, std::index_sequence<K...>) {
    auto at = loop.seek(begin);
    while (begin < end) {
      const Index n = std::min(loop.run(at), end - begin);
      detail::mask_line(f, out.data() + begin, n,
                        detail::Strided<In>{in.data() + at.offset[K], loop.step[K].back()}...);
      loop.advance(at, n);
      begin += n;
    }
  };
  parallel_for(out.numel(), kElementGrain, [&](Index begin, Index end) {
    range(begin, end, std::index_sequence_for<In...>());
  });
  return out;
}

}  // namespace eigengrad::kernels
