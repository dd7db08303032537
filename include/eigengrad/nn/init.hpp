// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/random.hpp>

/// The initial values of parameters. Each function returns a new array.
///
/// **Source** https://docs.pytorch.org/docs/stable/nn.init.html
namespace eigengrad::nn {

/// The rules that a layer's options can name.
enum class Init {
  kDefault,         ///< uniform in +-1 / sqrt(fan_in), the bias too: PyTorch's Linear and Conv2d
  kZeros,           ///< zeros; this and all below start the bias at zero
  kNormal,          ///< normal
  kUniform,         ///< uniform in [0, scale)
  kTruncNormal,     ///< normal, cut off at two standard deviations
  kXavierUniform,   ///< variance 2 / (fan_in + fan_out)
  kXavierNormal,    ///< the same, normal
  kKaimingUniform,  ///< variance 2 / fan_in, for ReLU
  kKaimingNormal,   ///< the same, normal
  kDirac,           ///< convolutions that copy their channels; filters beyond those as kDefault
};

/// The rules' names in files (io/fields.hpp).
inline std::span<const char* const> enum_names(Init) {
  static constexpr const char* kNames[] = {
      "default",        "zeros",         "normal",          "uniform",        "trunc_normal",
      "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "dirac"};
  return kNames;
}

/// A rule and its scale: the standard deviation of kNormal and kTruncNormal, the bound of kUniform,
/// a factor for the other rules.
struct InitOptions {
  Init rule = Init::kDefault;
  double scale = 1;
};

template <class Visit>
void visit_fields(InitOptions& o, Visit&& visit) {
  visit("rule", o.rule);
  visit("scale", o.scale);
}

namespace init {

/// The number of inputs and outputs of one unit of a weight (out, in, kernel...).
struct Fans {
  double in, out;
};
inline Fans fans(const Shape& weight) {
  if (weight.rank() < 2) {
    throw ShapeError(detail::concat("[init] needs a weight of 2 axes or more: ", weight));
  }
  const Index kernel = detail::numel_between(weight, 2, weight.rank());
  return {static_cast<double>(std::max<Index>(1, weight[1] * kernel)),
          static_cast<double>(std::max<Index>(1, weight[0] * kernel))};
}

template <class T>
NdArray<T> constant(const Shape& shape, T value) {
  return NdArray<T>::full(shape, value);
}
template <class T>
NdArray<T> zeros(const Shape& shape) {
  return NdArray<T>::zeros(shape);
}
template <class T>
NdArray<T> ones(const Shape& shape) {
  return NdArray<T>::ones(shape);
}

/// Uniform values in [-bound, bound).
template <class T>
NdArray<T> uniform(const Shape& shape, double bound, Generator& rng) {
  return rng.uniform<T>(shape, static_cast<T>(-bound), static_cast<T>(bound));
}
template <class T>
NdArray<T> normal(const Shape& shape, double stddev, Generator& rng) {
  return rng.normal<T>(shape, T(0), static_cast<T>(stddev));
}

/// Normal values, drawn again while they are farther than two standard deviations from zero. What
/// remains has a standard deviation of 0.8796 `stddev`.
template <class T>
NdArray<T> trunc_normal(const Shape& shape, double stddev, Generator& rng) {
  NdArray<T> out(shape);
  for (T& x : out) {
    double z = rng.normal();
    while (std::abs(z) > 2) z = rng.normal();
    x = static_cast<T>(stddev * z);
  }
  return out;
}

/// **Source** X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward
/// neural networks", 2010.
template <class T>
NdArray<T> xavier_uniform(const Shape& weight, Generator& rng, double gain = 1) {
  const Fans f = fans(weight);
  return uniform<T>(weight, gain * std::sqrt(6 / (f.in + f.out)), rng);
}
template <class T>
NdArray<T> xavier_normal(const Shape& weight, Generator& rng, double gain = 1) {
  const Fans f = fans(weight);
  return normal<T>(weight, gain * std::sqrt(2 / (f.in + f.out)), rng);
}

/// Values by fan-in, for layers followed by a ReLU. **Source** K. He et al., "Delving deep into
/// rectifiers", 2015.
template <class T>
NdArray<T> kaiming_uniform(const Shape& weight, Generator& rng, double gain = 1) {
  return uniform<T>(weight, gain * std::sqrt(6 / fans(weight).in), rng);
}
template <class T>
NdArray<T> kaiming_normal(const Shape& weight, Generator& rng, double gain = 1) {
  return normal<T>(weight, gain * std::sqrt(2 / fans(weight).in), rng);
}

/// Filter i copies channel i of an image that is padded to keep its size (a kernel with even sides
/// shifts it by half a pixel); filters without a channel are zero.
/// **Throws** ShapeError unless the weight is (O, C, kh, kw).
template <class T>
NdArray<T> dirac(const Shape& weight) {
  if (weight.rank() != 4) {
    throw ShapeError(detail::concat("[init] dirac needs a weight (O, C, kh, kw): ", weight));
  }
  NdArray<T> out = zeros<T>(weight);
  for (Index i = 0; i < std::min(weight[0], weight[1]); ++i) {
    out(i, i, weight[2] / 2, weight[3] / 2) = 1;
  }
  return out;
}

/// As above, but filters without a channel are uniform in +-scale / sqrt(fan_in).
/// **Source** K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024.
template <class T>
NdArray<T> dirac(const Shape& weight, double scale, Generator& rng) {
  NdArray<T> out = dirac<T>(weight);
  const NdArray<T> others = uniform<T>(weight, scale / std::sqrt(fans(weight).in), rng);
  const Index copies = std::min(weight[0], weight[1]);
  const Index filter = weight[1] * weight[2] * weight[3];
  std::copy(others.begin() + copies * filter, others.end(), out.begin() + copies * filter);
  return out;
}

/// A weight that follows the rule which a layer's options name.
template <class T>
NdArray<T> make(const Shape& weight, const InitOptions& options, Generator& rng) {
  switch (options.rule) {
    case Init::kZeros:
      return zeros<T>(weight);
    case Init::kNormal:
      return normal<T>(weight, options.scale, rng);
    case Init::kUniform:
      return rng.uniform<T>(weight, T(0), static_cast<T>(options.scale));
    case Init::kTruncNormal:
      return trunc_normal<T>(weight, options.scale, rng);
    case Init::kXavierUniform:
      return xavier_uniform<T>(weight, rng, options.scale);
    case Init::kXavierNormal:
      return xavier_normal<T>(weight, rng, options.scale);
    case Init::kKaimingUniform:
      return kaiming_uniform<T>(weight, rng, options.scale);
    case Init::kKaimingNormal:
      return kaiming_normal<T>(weight, rng, options.scale);
    case Init::kDirac:
      return dirac<T>(weight, options.scale, rng);
    case Init::kDefault:
      break;
  }
  return uniform<T>(weight, options.scale / std::sqrt(fans(weight).in), rng);
}

/// The bias (out) that goes with the weight.
template <class T>
NdArray<T> make_bias(const Shape& weight, const InitOptions& options, Generator& rng) {
  const Shape shape{weight[0]};
  if (options.rule != Init::kDefault) return zeros<T>(shape);
  return uniform<T>(shape, options.scale / std::sqrt(fans(weight).in), rng);
}

}  // namespace init
}  // namespace eigengrad::nn
