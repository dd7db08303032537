// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/interpolation.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Resampling of images by separable weights: first each row that is needed, then across rows.
///
/// The gradient is the same resampling with the weights transposed.
namespace eigengrad {

namespace kernels {

/// The weights of one axis: out[i] = sum over t < count[i] of weight(t, i) in[index(t, i)].
///
/// Tap-major, and padded to whole vectors of outputs. Absent taps have weight 0 and read entry
/// `inputs`, for which the kernel provides a zero.
template <class T>
struct InterpolateTaps {
  static constexpr Index kPadding = 16;  // lanes of the widest vector

  InterpolateTaps(Index in, Index out, Index taps)
      : inputs(in),
        outputs(out),
        width(taps),
        stride(round_up(out, kPadding)),
        index(NdArray<Index>::full({taps, stride}, in)),
        weight(NdArray<T>::zeros({taps, stride})),
        count(NdArray<Index>::zeros({out})) {}

  void add(Index i, Index from, T w) {
    const Index at = count.data()[i]++ * stride + i;
    index.data()[at] = from;
    weight.data()[at] = w;
  }

  /// What brings gradients of the outputs back to the inputs.
  InterpolateTaps transposed() const {
    NdArray<Index> uses = NdArray<Index>::zeros({inputs});
    for (Index t = 0; t < width; ++t) {
      for (Index i = 0; i < outputs; ++i) {
        if (t < count.data()[i]) ++uses.data()[index.data()[t * stride + i]];
      }
    }
    InterpolateTaps back(outputs, inputs, *std::max_element(uses.begin(), uses.end()));
    for (Index i = 0; i < outputs; ++i) {
      for (Index t = 0; t < count.data()[i]; ++t) {
        back.add(index.data()[t * stride + i], i, weight.data()[t * stride + i]);
      }
    }
    return back;
  }

  Index inputs, outputs, width, stride;
  NdArray<Index> index;
  NdArray<T> weight;
  NdArray<Index> count;
};

/// The weights at distances 1 + t, t, 1 - t and 2 - t of Keys' cubic convolution, a = -0.75.
template <class T>
std::array<T, 4> cubic_weights(T t) {
  constexpr T a = T(-0.75);
  const auto near = [](T x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [](T x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  return {far(t + 1), near(t), near(1 - t), far(2 - t)};
}

/// The weights that PyTorch uses (antialias=False), by its own arithmetic: a source position that
/// rounding leaves just below a pixel must fall as it does there.
template <class T>
InterpolateTaps<T> interpolate_taps(Interpolation mode, Index in, Index out, bool align_corners) {
  if (mode == Interpolation::kNearest) {
    InterpolateTaps<T> taps(in, out, 1);
    // In float for double too: both types take the same pixels.
    const float scale = static_cast<float>(in) / static_cast<float>(out);
    for (Index i = 0; i < out; ++i) {
      const auto from = static_cast<Index>(std::floor(scale * static_cast<float>(i)));
      taps.add(i, std::min(from, in - 1), T(1));
    }
    return taps;
  }
  const bool cubic = mode == Interpolation::kBicubic;
  InterpolateTaps<T> taps(in, out, cubic ? 4 : 2);
  T scale = static_cast<T>(in) / static_cast<T>(out);
  if (align_corners) {
    scale = out > 1 ? static_cast<T>(in - 1) / static_cast<T>(out - 1) : T(0);
  }
  for (Index i = 0; i < out; ++i) {
    // Fused, as in its forward kernels.
    T source = align_corners ? scale * static_cast<T>(i)
                             : std::fma(scale, static_cast<T>(i) + T(0.5), T(-0.5));
    if (!cubic) source = std::max(source, T(0));
    const Index first = std::min(static_cast<Index>(std::floor(source)), in - 1);
    const T t = std::clamp(source - static_cast<T>(first), T(0), T(1));
    if (cubic) {
      const std::array<T, 4> w = cubic_weights(t);
      for (Index k = 0; k < 4; ++k) {
        taps.add(i, std::clamp<Index>(first + k - 1, 0, in - 1), w[static_cast<std::size_t>(k)]);
      }
    } else {
      taps.add(i, first, T(1) - t);
      taps.add(i, std::min(first + 1, in - 1), t);
    }
  }
  return taps;
}

namespace detail {

inline constexpr Index kInterpolateRows = 32;  // output rows that share one pass over input rows

/// `kInterpolateRows` rows of one plane, serially.
template <class T>
struct InterpolateChunk {
  const InterpolateTaps<T>* rows;
  const InterpolateTaps<T>* cols;
  const bool* used;   ///< which input rows any output row reads
  Index first, last;  ///< output rows
  Index low, high;    ///< input rows that they read lie in [low, high)
  T* out;             ///< the plane
  const T* in;        ///< the plane
  T* lines;           ///< (high - low, cols->stride)
  T* padded;          ///< (cols->inputs + 1)

  template <class Arch>
  static EIGENGRAD_INLINE void run(const InterpolateChunk* chunk) {
    const InterpolateChunk& c = *chunk;
    for (Index r = c.low; r < c.high; ++r) {
      if (c.used[r]) c.template filter_row<Arch>(r);
    }
    for (Index i = c.first; i < c.last; ++i) c.template mix_rows<Arch>(i);
  }

 private:
  /// lines[r][j] = sum over t of weight(t, j) in[r][index(t, j)]
  template <class Arch>
  EIGENGRAD_INLINE void filter_row(Index r) const {
    using V = simd::Vec<T, Arch>;
    const Index n = cols->inputs;
    std::memcpy(padded, in + r * n, static_cast<std::size_t>(n) * sizeof(T));
    padded[n] = T(0);
    T* line = lines + (r - low) * cols->stride;
    for (Index j = 0; j < cols->stride; j += simd::kSize<V>) {
      const Index* index = cols->index.data() + j;
      const T* weight = cols->weight.data() + j;
      V sum{};
      for (Index t = 0; t < cols->width; ++t, index += cols->stride, weight += cols->stride) {
        V x{};
        EIGENGRAD_UNROLL
        for (Index k = 0; k < simd::kSize<V>; ++k) x[k] = padded[index[k]];
        sum += simd::load<V>(weight) * x;
      }
      simd::store<V>(line + j, sum);
    }
  }

  /// out[i] = sum over t of weight(t, i) lines[index(t, i)]
  template <class Arch>
  EIGENGRAD_INLINE void mix_rows(Index i) const {
    using V = simd::Vec<T, Arch>;
    const Index taps = rows->count.data()[i];
    T* row = out + i * cols->outputs;
    simd::transform<V>(cols->outputs, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      V sum{};
      for (Index t = 0; t < taps; ++t) {
        const Index from = rows->index.data()[t * rows->stride + i] - low;
        sum += rows->weight.data()[t * rows->stride + i] *
               simd::load<V>(lines + from * cols->stride + at.i);
      }
      at.store(row, sum);
    });
  }
};

}  // namespace detail

/// out (planes, rows.outputs, cols.outputs) from in (planes, rows.inputs, cols.inputs).
template <class T>
void interpolate(T* out, const T* in, Index planes, const InterpolateTaps<T>& rows,
                 const InterpolateTaps<T>& cols) {
  const Index height = std::min(detail::kInterpolateRows, rows.outputs);
  const Index chunks = divide_up(rows.outputs, height);
  // The input rows of each chunk of output rows, and which of them are read at all.
  NdArray<Index> low = NdArray<Index>::full({chunks}, rows.inputs);
  NdArray<Index> high = NdArray<Index>::zeros({chunks});
  NdArray<bool> used = NdArray<bool>::zeros({rows.inputs});
  Index most = 0;
  for (Index i = 0; i < rows.outputs; ++i) {
    Index& l = low.data()[i / height];
    Index& h = high.data()[i / height];
    for (Index t = 0; t < rows.count.data()[i]; ++t) {
      const Index r = rows.index.data()[t * rows.stride + i];
      l = std::min(l, r);
      h = std::max(h, r + 1);
      used.data()[r] = true;
    }
    most = std::max(most, h - l);
  }
  parallel_for(planes * chunks, row_grain(height * cols.outputs), [&](Index begin, Index end) {
    eigengrad::detail::Scratch<T> lines(most * cols.stride);
    eigengrad::detail::Scratch<T> padded(cols.inputs + 1);
    for (Index task = begin; task < end; ++task) {
      const Index plane = task / chunks;
      const Index c = task % chunks;
      const detail::InterpolateChunk<T> chunk{&rows,
                                              &cols,
                                              used.data(),
                                              c * height,
                                              std::min(rows.outputs, (c + 1) * height),
                                              low.data()[c],
                                              high.data()[c],
                                              out + plane * rows.outputs * cols.outputs,
                                              in + plane * rows.inputs * cols.inputs,
                                              lines.data(),
                                              padded.data()};
      simd::dispatch<detail::InterpolateChunk<T>>(&chunk);
    }
  });
}

EIGENGRAD_INSTANTIATE(void interpolate(float*, const float*, Index, const InterpolateTaps<float>&,
                                       const InterpolateTaps<float>&))
EIGENGRAD_INSTANTIATE(void interpolate(double*, const double*, Index,
                                       const InterpolateTaps<double>&,
                                       const InterpolateTaps<double>&))

}  // namespace kernels
}  // namespace eigengrad

EIGENGRAD_END_VECTORS
