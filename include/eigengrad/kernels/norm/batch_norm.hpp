// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Batch normalisation of (batch, channels, size): one mean and variance for each channel.
namespace eigengrad::kernels {

/// The extents of an image batch; `size` is height times width.
struct ImagePlanes {
  Index batch, channels, size;
  Index at(Index b, Index c) const { return (b * channels + c) * size; }
  Index per_channel() const { return batch * size; }
};

/// The statistics of each channel; the normalised values are (x - mean) rstd + offset.
///
/// The mean is rounded to T, so with a large mean all values would be off by the same small
/// amount; `offset` puts that right.
template <class T>
struct ChannelStatistics {
  T* mean;
  T* offset;
  T* rstd;
};

namespace detail {

/// Calls `body(at)`, as `simd::transform_singly` does, over each of a channel's planes and `done()`
/// after it. Arrays are named by where they begin, as the planes' elements are counted from there.
template <class V, class Body, class Done>
EIGENGRAD_INLINE void for_each_plane(const ImagePlanes& planes, Index c, Body body, Done done) {
  for (Index b = 0; b < planes.batch; ++b) {
    const Index start = planes.at(b, c);
    Index i = start;
    const Index end = start + planes.size;
    for (; i + simd::kSize<V> <= end; i += simd::kSize<V>) body(simd::WholeVector<V>{i});
    for (; i < end; ++i) body(simd::SingleElement<V>{i});
    done();
  }
}

/// Two sums over a channel: planes are summed in T, their sums in double, since a channel is often
/// a million values.
template <class V>
struct ChannelSums {
  simd::Accumulator<V> first, second;  // of one plane
  double first_total = 0, second_total = 0;

  EIGENGRAD_INLINE void end_plane() {
    first_total += static_cast<double>(first.sum());
    second_total += static_cast<double>(second.sum());
    first = {};
    second = {};
  }
};

/// Batch statistics of the channels in [c, end). `mean_out` and `variance` (the population's) are
/// for the caller.
template <class T>
struct BatchStatistics {
  template <class Arch>
  static EIGENGRAD_INLINE void run(ChannelStatistics<T> s, T* mean_out, T* variance, const T* x,
                                   ImagePlanes planes, Index c, Index end, T eps) {
    using V = simd::Vec<T, Arch>;
    const double count = static_cast<double>(planes.per_channel());
    for (; c < end; ++c) {
      ChannelSums<V> sums;
      for_each_plane<V>(
          planes, c, [&](auto at) EIGENGRAD_INLINE_LAMBDA { at.part(sums.first) += at.load(x); },
          [&]() EIGENGRAD_INLINE_LAMBDA { sums.end_plane(); });
      const T mean = static_cast<T>(sums.first_total / count);
      // Squares of differences: the difference of two large squares has no digits left.
      ChannelSums<V> differences;
      for_each_plane<V>(
          planes, c,
          [&](auto at) EIGENGRAD_INLINE_LAMBDA {
            const auto d = at.load(x) - mean;
            at.part(differences.first) += d;
            at.part(differences.second) += d * d;
          },
          [&]() EIGENGRAD_INLINE_LAMBDA { differences.end_plane(); });
      const double shift = differences.first_total / count;
      const double var = std::max(differences.second_total / count - shift * shift, 0.0);
      const double rstd = 1 / std::sqrt(var + static_cast<double>(eps));
      s.mean[c] = mean;
      s.rstd[c] = static_cast<T>(rstd);
      s.offset[c] = static_cast<T>(-shift * rstd);
      mean_out[c] = static_cast<T>(static_cast<double>(mean) + shift);
      variance[c] = static_cast<T>(var);
    }
  }
};

/// y = ((x - mean) rstd + offset) weight + bias.
template <class T>
struct BatchNormForward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, ChannelStatistics<T> s, const T* x, const T* weight,
                                   const T* bias, ImagePlanes planes, Index c, Index end) {
    using V = simd::Vec<T, Arch>;
    for (; c < end; ++c) {
      const T mean = s.mean[c];
      const T scale = s.rstd[c] * weight[c];
      const T offset = s.offset[c] * weight[c] + bias[c];
      for_each_plane<V>(
          planes, c,
          [&](auto at)
              EIGENGRAD_INLINE_LAMBDA { at.store(y, (at.load(x) - mean) * scale + offset); },
          []() EIGENGRAD_INLINE_LAMBDA {});
    }
  }
};

/// With h the normalised values: dweight = sum(dout h), dbias = sum(dout) and, when the statistics
/// are the batch's, dx = (dout - mean(dout) - h mean(dout h)) rstd weight, else
/// dx = dout rstd weight; written or added. dx may be null.
template <class T>
struct BatchNormBackward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* dx, bool add, T* dweight, T* dbias, const T* dout, const T* x,
                                   ChannelStatistics<T> s, const T* weight, bool training,
                                   ImagePlanes planes, Index c, Index end) {
    using V = simd::Vec<T, Arch>;
    const double count = static_cast<double>(planes.per_channel());
    for (; c < end; ++c) {
      const T mean = s.mean[c];
      const T rstd = s.rstd[c];
      const T offset = s.offset[c];
      ChannelSums<V> sums;
      for_each_plane<V>(
          planes, c,
          [&](auto at) EIGENGRAD_INLINE_LAMBDA {
            const auto d = at.load(dout);
            at.part(sums.first) += d;
            at.part(sums.second) += d * ((at.load(x) - mean) * rstd + offset);
          },
          [&]() EIGENGRAD_INLINE_LAMBDA { sums.end_plane(); });
      dweight[c] = static_cast<T>(sums.second_total);
      dbias[c] = static_cast<T>(sums.first_total);
      if (dx == nullptr) continue;

      const T scale = rstd * weight[c];
      const T mean_d = training ? static_cast<T>(sums.first_total / count) : T(0);
      const T mean_dh = training ? static_cast<T>(sums.second_total / count) : T(0);
      for_each_plane<V>(
          planes, c,
          [&](auto at) EIGENGRAD_INLINE_LAMBDA {
            const auto h = (at.load(x) - mean) * rstd + offset;
            auto g = (at.load(dout) - mean_d - h * mean_dh) * scale;
            if (add) g += at.load(dx);
            at.store(dx, g);
          },
          []() EIGENGRAD_INLINE_LAMBDA {});
    }
  }
};

}  // namespace detail

/// Statistics of x (batch, channels, size) for each channel, and its mean and population variance.
template <class T>
void batch_statistics(ChannelStatistics<T> s, T* mean, T* variance, const T* x, ImagePlanes planes,
                      T eps) {
  parallel_for(planes.channels, row_grain(planes.per_channel()), [&](Index begin, Index end) {
    simd::dispatch<detail::BatchStatistics<T>>(s, mean, variance, x, planes, begin, end, eps);
  });
}

template <class T>
void batch_norm(T* y, ChannelStatistics<T> s, const T* x, const T* weight, const T* bias,
                ImagePlanes planes) {
  parallel_for(planes.channels, row_grain(planes.per_channel()), [&](Index begin, Index end) {
    simd::dispatch<detail::BatchNormForward<T>>(y, s, x, weight, bias, planes, begin, end);
  });
}

/// dx (batch, channels, size), written or added to, may be null; dweight and dbias (channels) are
/// written. `training`: the statistics are those of x.
template <class T>
void batch_norm_backward(T* dx, bool add, T* dweight, T* dbias, const T* dout, const T* x,
                         ChannelStatistics<T> s, const T* weight, bool training,
                         ImagePlanes planes) {
  parallel_for(planes.channels, row_grain(planes.per_channel()), [&](Index begin, Index end) {
    simd::dispatch<detail::BatchNormBackward<T>>(dx, add, dweight, dbias, dout, x, s, weight,
                                                 training, planes, begin, end);
  });
}

EIGENGRAD_INSTANTIATE(void batch_statistics(ChannelStatistics<float>, float*, float*, const float*,
                                            ImagePlanes, float))
EIGENGRAD_INSTANTIATE(void batch_statistics(ChannelStatistics<double>, double*, double*,
                                            const double*, ImagePlanes, double))
EIGENGRAD_INSTANTIATE(void batch_norm(float*, ChannelStatistics<float>, const float*, const float*,
                                      const float*, ImagePlanes))
EIGENGRAD_INSTANTIATE(void batch_norm(double*, ChannelStatistics<double>, const double*,
                                      const double*, const double*, ImagePlanes))
EIGENGRAD_INSTANTIATE(void batch_norm_backward(float*, bool, float*, float*, const float*,
                                               const float*, ChannelStatistics<float>, const float*,
                                               bool, ImagePlanes))
EIGENGRAD_INSTANTIATE(void batch_norm_backward(double*, bool, double*, double*, const double*,
                                               const double*, ChannelStatistics<double>,
                                               const double*, bool, ImagePlanes))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
