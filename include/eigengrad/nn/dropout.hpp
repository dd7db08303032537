// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/dropout.hpp>

namespace eigengrad::nn {

struct DropoutOptions {
  /// Probability of a zero, in [0, 1).
  double p = 0.5;
};

/// Zeroes values at random and divides the rest by 1 - p; does nothing in evaluation.
///
/// It draws from a generator of its own, `named_generators()`, forked from the constructor's.
/// **Shapes** x (...), result (...).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html
template <class T>
class Dropout : public Module<T> {
 public:
  /// **Throws** ValueError unless 0 <= p < 1.
  Dropout(const DropoutOptions& options, Generator& rng)
      : Module<T>("Dropout"), p_(options.p), rng_(this->add_generator("generator", rng)) {
    if (!(p_ >= 0 && p_ < 1))
      throw ValueError(detail::concat("[dropout] p must be in [0, 1): ", p_));
  }

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return active() ? dropout(x, p_, *rng_) : x;
  }

  /// Whether a call would change anything.
  bool active() const { return this->training() && p_ > 0; }
  double p() const { return p_; }
  /// For ops with a dropout of their own. It lives as long as any handle of the module.
  Generator& generator() const& { return *rng_; }
  void generator() && = delete;

 private:
  double p_;
  std::shared_ptr<Generator> rng_;
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
class StochasticDepth : public Module<T> {
 public:
  /// **Throws** ValueError unless 0 <= p < 1.
  StochasticDepth(const StochasticDepthOptions& options, Generator& rng)
      : Module<T>("StochasticDepth"), p_(options.p), rng_(this->add_generator("generator", rng)) {
    if (!(p_ >= 0 && p_ < 1)) {
      throw ValueError(detail::concat("[stochastic_depth] p must be in [0, 1): ", p_));
    }
  }

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return active() ? stochastic_depth(x, p_, *rng_) : x;
  }

  /// Whether a call would change anything.
  bool active() const { return this->training() && p_ > 0; }

 private:
  double p_;
  std::shared_ptr<Generator> rng_;
};

}  // namespace eigengrad::nn
