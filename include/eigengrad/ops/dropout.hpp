// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/random_hash.hpp>
#include <eigengrad/ops/checks.hpp>

/// Dropout: y = x m / (1 - p) with m = 1 with probability 1 - p and 0 otherwise.
///
/// Always active: the module decides whether this is training. One draw from the generator
/// is the key of the whole mask, so a result depends on the generator's state alone.
/// **Source** N. Srivastava et al., "Dropout", JMLR 2014; G. Huang et al., "Deep networks with
/// stochastic depth", ECCV 2016.
namespace eigengrad {

namespace detail {

/// One decision for each element or, with `Axes`, for each index of this many axes at the front.
/// Its own backward: dx from dout.
template <int Axes, class T>
NdArray<T> dropout_forward(const NdArray<T>& x, const kernels::DropoutMask& mask) {
  NdArray<T> y(x.shape());
  if constexpr (Axes > 0) {
    const Index samples = numel_between(x.shape(), 0, Axes);
    kernels::dropout_samples(y.data(), x.data(), samples, x.numel() / std::max<Index>(1, samples),
                             mask);
  } else {
    kernels::dropout(y.data(), x.data(), x.numel(), mask);
  }
  return y;
}

template <int Axes, class T>
Tensor<T> dropout_op(const char* op, const Tensor<T>& x, double p, Generator& generator) {
  check_probability(op, "p", p);
  // Drawn even if p is 0, so that a rate does not change what is drawn later.
  const kernels::DropoutMask mask(generator.next(), p);
  if (p == 0) return x;
  return make_result(
      op, dropout_forward<Axes>(x.value(), mask),
      [mask](BackwardContext<T>& context) {
        context.accumulate(0, dropout_forward<Axes>(context.dout(), mask));
      },
      x);
}

}  // namespace detail

/// Zeros each element with probability p and scales the others by 1 / (1 - p).
///
/// **Shapes** x (...), result (...). p in [0, 1]; 0 returns x, 1 gives zeros.
/// **Throws** ValueError if p is out of range. **Saves** the mask's key.
template <class T>
Tensor<T> dropout(const Tensor<T>& x, double p, Generator& generator) {
  return detail::dropout_op<0>("dropout", x, p, generator);
}

/// Zeros each whole sample (index of axis 0) with probability p and scales the others by
/// 1 / (1 - p).
///
/// **Shapes** x (B, ...), result (B, ...). p in [0, 1]; 0 returns x, 1 gives zeros.
/// **Throws** ValueError if p is out of range, ShapeError if x is a scalar.
/// **Saves** the mask's key.
template <class T>
Tensor<T> stochastic_depth(const Tensor<T>& x, double p, Generator& generator) {
  if (x.rank() == 0) throw ShapeError("[stochastic_depth] x needs a batch axis: x ()");
  return detail::dropout_op<1>("stochastic_depth", x, p, generator);
}

/// Zeros each whole channel of each sample with probability p and scales the others by 1 / (1 - p).
///
/// **Shapes** x (B, C, ...), result (B, C, ...). p in [0, 1]; 0 returns x, 1 gives zeros.
/// **Throws** ValueError if p is out of range, ShapeError if x has no channels.
/// **Saves** the mask's key.
/// **Source** J. Tompson et al., "Efficient object localization using convolutional networks",
/// 2015.
template <class T>
Tensor<T> dropout2d(const Tensor<T>& x, double p, Generator& generator) {
  if (x.rank() < 2) {
    throw ShapeError(detail::concat("[dropout2d] x must be (B, C, ...): x ", x.shape()));
  }
  return detail::dropout_op<2>("dropout2d", x, p, generator);
}

}  // namespace eigengrad
