// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

/// Batch normalisation of (batch, channels, size): one mean and variance for each channel.
namespace eigengrad::kernels {

/// The extents of an image batch; `size` is height times width.
struct Planes {
  Index batch, channels, size;
  Index at(Index b, Index c) const { return (b * channels + c) * size; }
  Index per_channel() const { return batch * size; }
};

/// Of each channel; the normalised values are (x - mean) rstd + offset.
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

/// Calls `full(i)` for each vector of a channel's planes, `rest(i)` for each element behind them
/// and `done()` after each plane.
template <class V, class Full, class Rest, class Done>
EIGENGRAD_INLINE void for_each_plane(const Planes& planes, Index c, Full full, Rest rest,
                                     Done done) {
  for (Index b = 0; b < planes.batch; ++b) {
    const Index start = planes.at(b, c);
    Index i = start;
    const Index end = start + planes.size;
    for (; i + simd::kSize<V> <= end; i += simd::kSize<V>) full(i);
    for (; i < end; ++i) rest(i);
    done();
  }
}

/// Batch statistics of the channels in [c, end). `mean_out` and `variance` (the population's) are
/// for the caller.
template <class T>
struct BatchStatistics {
  template <class Arch>
  static EIGENGRAD_INLINE void run(ChannelStatistics<T> s, T* mean_out, T* variance, const T* x,
                                   Planes planes, Index c, Index end, T eps) {
    using V = simd::Vec<T, Arch>;
    const double count = static_cast<double>(planes.per_channel());
    for (; c < end; ++c) {
      // Planes are summed in T, their sums in double: a channel is often a million values.
      V first{};
      V second{};
      T first_rest = 0;
      T second_rest = 0;
      double sum = 0;
      double squares = 0;
      auto done = [&]() EIGENGRAD_INLINE_LAMBDA {
        sum += static_cast<double>(simd::reduce_add(first) + first_rest);
        squares += static_cast<double>(simd::reduce_add(second) + second_rest);
        first = V{};
        second = V{};
        first_rest = 0;
        second_rest = 0;
      };
      for_each_plane<V>(
          planes, c, [&](Index i) EIGENGRAD_INLINE_LAMBDA { first += simd::load<V>(x + i); },
          [&](Index i) EIGENGRAD_INLINE_LAMBDA { first_rest += x[i]; }, done);
      const T mean = static_cast<T>(sum / count);
      // Squares of differences: the difference of two large squares has no digits left.
      sum = 0;
      squares = 0;
      for_each_plane<V>(
          planes, c,
          [&](Index i) EIGENGRAD_INLINE_LAMBDA {
            const V d = simd::load<V>(x + i) - mean;
            first += d;
            second += d * d;
          },
          [&](Index i) EIGENGRAD_INLINE_LAMBDA {
            const T d = x[i] - mean;
            first_rest += d;
            second_rest += d * d;
          },
          done);
      const double shift = sum / count;
      const double var = std::max(squares / count - shift * shift, 0.0);
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
                                   const T* bias, Planes planes, Index c, Index end) {
    using V = simd::Vec<T, Arch>;
    for (; c < end; ++c) {
      const T mean = s.mean[c];
      const T scale = s.rstd[c] * weight[c];
      const T offset = s.offset[c] * weight[c] + bias[c];
      for_each_plane<V>(
          planes, c,
          [&](Index i) EIGENGRAD_INLINE_LAMBDA {
            simd::store<V>(y + i, (simd::load<V>(x + i) - mean) * scale + offset);
          },
          [&](Index i) EIGENGRAD_INLINE_LAMBDA { y[i] = (x[i] - mean) * scale + offset; },
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
                                   Planes planes, Index c, Index end) {
    using V = simd::Vec<T, Arch>;
    const double count = static_cast<double>(planes.per_channel());
    for (; c < end; ++c) {
      const T mean = s.mean[c];
      const T rstd = s.rstd[c];
      const T offset = s.offset[c];
      V first{};
      V second{};
      T first_rest = 0;
      T second_rest = 0;
      double sum = 0;
      double product = 0;
      for_each_plane<V>(
          planes, c,
          [&](Index i) EIGENGRAD_INLINE_LAMBDA {
            const V d = simd::load<V>(dout + i);
            first += d;
            second += d * ((simd::load<V>(x + i) - mean) * rstd + offset);
          },
          [&](Index i) EIGENGRAD_INLINE_LAMBDA {
            first_rest += dout[i];
            second_rest += dout[i] * ((x[i] - mean) * rstd + offset);
          },
          [&]() EIGENGRAD_INLINE_LAMBDA {
            sum += static_cast<double>(simd::reduce_add(first) + first_rest);
            product += static_cast<double>(simd::reduce_add(second) + second_rest);
            first = V{};
            second = V{};
            first_rest = 0;
            second_rest = 0;
          });
      dweight[c] = static_cast<T>(product);
      dbias[c] = static_cast<T>(sum);
      if (dx == nullptr) continue;

      const T scale = rstd * weight[c];
      const T mean_d = training ? static_cast<T>(sum / count) : T(0);
      const T mean_dh = training ? static_cast<T>(product / count) : T(0);
      for_each_plane<V>(
          planes, c,
          [&](Index i) EIGENGRAD_INLINE_LAMBDA {
            const V h = (simd::load<V>(x + i) - mean) * rstd + offset;
            V g = (simd::load<V>(dout + i) - mean_d - h * mean_dh) * scale;
            if (add) g += simd::load<V>(dx + i);
            simd::store<V>(dx + i, g);
          },
          [&](Index i) EIGENGRAD_INLINE_LAMBDA {
            const T h = (x[i] - mean) * rstd + offset;
            const T g = (dout[i] - mean_d - h * mean_dh) * scale;
            dx[i] = add ? dx[i] + g : g;
          },
          []() EIGENGRAD_INLINE_LAMBDA {});
    }
  }
};

}  // namespace detail

/// Statistics of x (batch, channels, size) for each channel, and its mean and population variance.
template <class T>
void batch_statistics(ChannelStatistics<T> s, T* mean, T* variance, const T* x, Planes planes,
                      T eps) {
  parallel_for(planes.channels, row_grain(planes.per_channel()), [&](Index begin, Index end) {
    simd::dispatch<detail::BatchStatistics<T>>(s, mean, variance, x, planes, begin, end, eps);
  });
}

template <class T>
void batch_norm(T* y, ChannelStatistics<T> s, const T* x, const T* weight, const T* bias,
                Planes planes) {
  parallel_for(planes.channels, row_grain(planes.per_channel()), [&](Index begin, Index end) {
    simd::dispatch<detail::BatchNormForward<T>>(y, s, x, weight, bias, planes, begin, end);
  });
}

/// dx (batch, channels, size), written or added to, may be null; dweight and dbias (channels) are
/// written. `training`: the statistics are those of x.
template <class T>
void batch_norm_backward(T* dx, bool add, T* dweight, T* dbias, const T* dout, const T* x,
                         ChannelStatistics<T> s, const T* weight, bool training, Planes planes) {
  parallel_for(planes.channels, row_grain(planes.per_channel()), [&](Index begin, Index end) {
    simd::dispatch<detail::BatchNormBackward<T>>(dx, add, dweight, dbias, dout, x, s, weight,
                                                 training, planes, begin, end);
  });
}

EIGENGRAD_INSTANTIATE(void batch_statistics(ChannelStatistics<float>, float*, float*, const float*,
                                            Planes, float))
EIGENGRAD_INSTANTIATE(void batch_statistics(ChannelStatistics<double>, double*, double*,
                                            const double*, Planes, double))
EIGENGRAD_INSTANTIATE(void batch_norm(float*, ChannelStatistics<float>, const float*, const float*,
                                      const float*, Planes))
EIGENGRAD_INSTANTIATE(void batch_norm(double*, ChannelStatistics<double>, const double*,
                                      const double*, const double*, Planes))
EIGENGRAD_INSTANTIATE(void batch_norm_backward(float*, bool, float*, float*, const float*,
                                               const float*, ChannelStatistics<float>, const float*,
                                               bool, Planes))
EIGENGRAD_INSTANTIATE(void batch_norm_backward(double*, bool, double*, double*, const double*,
                                               const double*, ChannelStatistics<double>,
                                               const double*, bool, Planes))

}  // namespace eigengrad::kernels
