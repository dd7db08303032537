// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/simd/transpose.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Copies between strided layouts: permutations, slices, concatenation, expansion. No arithmetic
/// but an optional `+=`.
namespace eigengrad::kernels {

namespace detail {

/// A loop nest over two layouts, in elements. A stride of 0 repeats what it reads.
struct StridedNest {
  Shape sizes, out, in;

  /// Drops axes of size 1 and joins neighbours that one longer axis can walk, so that the last
  /// axis is as long as can be. Never empty.
  static StridedNest collapse(const Shape& sizes, const Shape& out, const Shape& in) {
    StridedNest nest;
    for (Index i = 0; i < sizes.rank(); ++i) {
      if (sizes[i] == 1) continue;
      const Index last = nest.sizes.rank() - 1;
      if (last >= 0 && nest.out[last] == out[i] * sizes[i] && nest.in[last] == in[i] * sizes[i]) {
        nest.sizes[last] *= sizes[i];
        nest.out[last] = out[i];
        nest.in[last] = in[i];
      } else {
        nest.sizes.push_back(sizes[i]);
        nest.out.push_back(out[i]);
        nest.in.push_back(in[i]);
      }
    }
    if (nest.sizes.empty()) {
      nest.sizes.push_back(1);
      nest.out.push_back(1);
      nest.in.push_back(1);
    }
    return nest;
  }

  /// Takes axis `axis` out of the nest.
  StridedNest without(Index axis) const {
    StridedNest rest;
    for (Index i = 0; i < sizes.rank(); ++i) {
      if (i == axis) continue;
      rest.sizes.push_back(sizes[i]);
      rest.out.push_back(out[i]);
      rest.in.push_back(in[i]);
    }
    return rest;
  }
};

/// Walks a nest in row-major order from any position, and knows both offsets.
class StridedCursor {
 public:
  StridedCursor(const StridedNest& nest, Index position) : nest_(nest), at_(nest.sizes) {
    for (Index i = nest.sizes.rank() - 1; i >= 0; --i) {
      at_[i] = position % nest.sizes[i];
      position /= nest.sizes[i];
      out += at_[i] * nest.out[i];
      in += at_[i] * nest.in[i];
    }
  }

  void next() {
    for (Index i = nest_.sizes.rank() - 1; i >= 0; --i) {
      out += nest_.out[i];
      in += nest_.in[i];
      if (++at_[i] < nest_.sizes[i]) return;
      out -= nest_.sizes[i] * nest_.out[i];
      in -= nest_.sizes[i] * nest_.in[i];
      at_[i] = 0;
    }
  }

  Index out = 0;
  Index in = 0;

 private:
  const StridedNest& nest_;
  Shape at_;
};

template <class T>
struct AddRun {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, const T* in, Index n) {
    using V = simd::Vec<T, Arch>;
    simd::transform_singly<V>(
        n, [&](auto at) EIGENGRAD_INLINE_LAMBDA { at.store(out, at.load(out) + at.load(in)); });
  }
};

inline constexpr Index kShortRun = 16;  // below it a loop in place beats a call

/// out[i] = in[i], or += , for n elements that lie contiguously in both.
template <bool Add, class T>
void copy_run(T* out, const T* in, Index n) {
  if (n < kShortRun) {
    for (Index i = 0; i < n; ++i) {
      if constexpr (Add) {
        out[i] += in[i];
      } else {
        out[i] = in[i];
      }
    }
  } else if constexpr (Add) {
    simd::dispatch<AddRun<T>>(out, in, n);
  } else {
    std::memcpy(out, in, static_cast<std::size_t>(n) * sizeof(T));
  }
}

/// One axis of any two strides.
template <bool Add, class T>
void copy_axis(T* out, Index out_step, const T* in, Index in_step, Index n) {
  if (out_step == 1 && in_step == 1) return copy_run<Add>(out, in, n);
  if (!Add && out_step == 1 && in_step == 0) {
    std::fill(out, out + n, *in);
    return;
  }
  for (Index i = 0; i < n; ++i) {
    if constexpr (Add) {
      out[i * out_step] += in[i * in_step];
    } else {
      out[i * out_step] = in[i * in_step];
    }
  }
}

/// The nest's last axis is contiguous in the output, its axis `across` in the input.
template <class T>
void copy_transposed(T* out, const T* in, const StridedNest& nest, Index across) {
  const Index last = nest.sizes.rank() - 1;
  const Index rows = nest.sizes[last];
  const Index cols = nest.sizes[across];
  const StridedNest outer = nest.without(last).without(across);
  // Strips of whole cache lines of the input: the unit that threads share out.
  constexpr Index kWidth = 64;
  const Index strips = divide_up(cols, kWidth);
  parallel_for(outer.sizes.numel() * strips, row_grain(rows * std::min(kWidth, cols)),
               [&](Index begin, Index end) {
                 StridedCursor cursor(outer, begin / strips);
                 Index strip = begin % strips;
                 for (Index i = begin; i < end; ++i) {
                   const Index c = strip * kWidth;
                   simd::dispatch<Transpose<T>>(out + cursor.out + c * nest.out[across],
                                                nest.out[across], in + cursor.in + c, nest.in[last],
                                                rows, std::min(kWidth, cols - c));
                   if (++strip == strips) {
                     strip = 0;
                     cursor.next();
                   }
                 }
               });
}

}  // namespace detail

/// out[i] = value for i in [0, n).
template <class T>
void fill(T* out, Index n, T value) {
  parallel_for(n, 4 * kElementGrain,
               [&](Index begin, Index end) { std::fill(out + begin, out + end, value); });
}

/// out[i . out_strides] = in[i . in_strides], or += with `Add`, for every index i below `sizes`.
///
/// Each output element is written once, so the two must not overlap. Contiguous stretches are
/// copied whole; a layout that is contiguous along different axes on the two sides is transposed in
/// squares.
template <bool Add = false, class T>
void copy_strided(T* out, const Shape& out_strides, const T* in, const Shape& in_strides,
                  const Shape& sizes) {
  const Index total = sizes.numel();
  if (total == 0) return;
  const auto nest = detail::StridedNest::collapse(sizes, out_strides, in_strides);
  const Index last = nest.sizes.rank() - 1;
  const Index out_step = nest.out[last];
  const Index in_step = nest.in[last];
  if constexpr (!Add && std::is_arithmetic_v<T> && sizeof(T) >= 4) {
    const Index* across = std::find(nest.in.begin(), nest.in.begin() + last, Index{1});
    if (out_step == 1 && in_step > 1 && across != nest.in.begin() + last) {
      return detail::copy_transposed(out, in, nest, across - nest.in.begin());
    }
  }
  const Index run = nest.sizes[last];
  const detail::StridedNest outer = nest.without(last);
  parallel_for(total, kElementGrain, [&](Index begin, Index end) {
    detail::StridedCursor cursor(outer, begin / run);
    Index first = begin % run;
    for (Index i = begin; i < end; cursor.next()) {
      const Index n = std::min(run - first, end - i);
      detail::copy_axis<Add>(out + cursor.out + first * out_step, out_step,
                             in + cursor.in + first * in_step, in_step, n);
      i += n;
      first = 0;
    }
  });
}

EIGENGRAD_INSTANTIATE(void copy_strided<false>(float*, const Shape&, const float*, const Shape&,
                                               const Shape&))
EIGENGRAD_INSTANTIATE(void copy_strided<false>(double*, const Shape&, const double*, const Shape&,
                                               const Shape&))
EIGENGRAD_INSTANTIATE(void copy_strided<true>(float*, const Shape&, const float*, const Shape&,
                                              const Shape&))
EIGENGRAD_INSTANTIATE(void copy_strided<true>(double*, const Shape&, const double*, const Shape&,
                                              const Shape&))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
