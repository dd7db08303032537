// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/dropout.hpp>

namespace eigengrad::nn {

/// What dropout and stochastic depth share: a probability, and a generator of their own, forked
/// from the constructor's (`named_generators()`).
template <class T>
class RandomLayer : public Module<T> {
 public:
  /// Whether a call would change anything.
  bool active() const { return this->training() && p_ > 0; }
  double p() const { return p_; }
  /// For ops with a dropout of their own. It lives as long as any handle of the module.
  Generator& generator() const& { return *rng_; }
  void generator() && = delete;

 protected:
  /// **Throws** ValueError unless 0 <= p < 1; `name` stands in the message.
  RandomLayer(const char* kind, const char* name, double p, Generator& rng)
      : Module<T>(kind), p_(p), rng_(this->add_generator("generator", rng)) {
    if (!(p >= 0 && p < 1)) {
      throw ValueError(detail::concat("[", name, "] p must be in [0, 1): ", p));
    }
  }

 private:
  double p_;
  std::shared_ptr<Generator> rng_;
};

struct DropoutOptions {
  /// Probability of a zero, in [0, 1).
  double p = 0.5;
};

/// Zeroes values at random and divides the rest by 1 - p; does nothing in evaluation.
///
/// **Shapes** x (...), result (...).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html
template <class T>
class Dropout : public RandomLayer<T> {
 public:
  /// **Throws** ValueError unless 0 <= p < 1.
  Dropout(const DropoutOptions& options, Generator& rng)
      : RandomLayer<T>("Dropout", "dropout", options.p, rng) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return this->active() ? dropout(x, this->p(), this->generator()) : x;
  }
};

/// Zeroes whole channels at random and divides the rest by 1 - p; does nothing in evaluation.
/// Neighbouring pixels say nearly the same, so that dropping some of them alone hides little.
///
/// **Shapes** x (B, C, ...), result (B, C, ...).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html
template <class T>
class Dropout2d : public RandomLayer<T> {
 public:
  /// **Throws** ValueError unless 0 <= p < 1.
  Dropout2d(const DropoutOptions& options, Generator& rng)
      : RandomLayer<T>("Dropout2d", "dropout2d", options.p, rng) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return this->active() ? dropout2d(x, this->p(), this->generator()) : x;
  }
};

struct StochasticDepthOptions {
  /// Probability that a sample's branch is left out, in [0, 1).
  double p = 0;
};

/// Zeroes whole samples at random and divides the rest by 1 - p; does nothing in evaluation. On
/// a residual branch it skips the layer for some samples.
///
/// **Shapes** x (B, ...), result (B, ...).
/// **Source** G. Huang et al., "Deep networks with stochastic depth", 2016.
template <class T>
class StochasticDepth : public RandomLayer<T> {
 public:
  /// **Throws** ValueError unless 0 <= p < 1.
  StochasticDepth(const StochasticDepthOptions& options, Generator& rng)
      : RandomLayer<T>("StochasticDepth", "stochastic_depth", options.p, rng) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return this->active() ? stochastic_depth(x, this->p(), this->generator()) : x;
  }
};

/// residual + drop(layer(x)), without a sum where there is no residual. Where nothing is dropped
/// the layer adds the residual itself.
template <class T, class Layer>
Tensor<T> drop_and_add(const Layer& layer, const Dropout<T>& drop, const Tensor<T>& x,
                       const Tensor<T>& residual) {
  if (!drop.active()) return layer(x, residual);
  const Tensor<T> y = drop(layer(x));
  return residual.defined() ? residual + y : y;
}

}  // namespace eigengrad::nn
