// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/mlp.hpp>

namespace eigengrad::nn {

struct MlpOptions {
  /// The width of the input.
  Index in = 0;
  /// The width between the two layers; 0 means 4 in.
  Index hidden = 0;
  /// The width of the result; 0 means in.
  Index out = 0;
  Activation activation = Activation::kGelu;
  /// Apply the activation to the result too.
  bool activate_output = false;
  /// Probability of dropout after the activation and after the second layer.
  double dropout = 0;
  InitOptions init = {};
  /// Factor of the second layer's initial weights; with 0 a residual branch begins as zero.
  double output_scale = 1;
};

/// fc2(act(fc1(x))), or act of it, with dropout after each layer.
///
/// **Parameters** fc1.weight (hidden, in), fc1.bias, fc2.weight (out, hidden), fc2.bias.
/// **Shapes** x (..., in), result (..., out).
template <class T>
class Mlp : public Module<T> {
 public:
  Mlp(const MlpOptions& options, Generator& rng)
      : Module<T>("Mlp"),
        activation_(options.activation),
        activate_output_(options.activate_output),
        fc1_(this->add("fc1", Linear<T>({.in_features = options.in,
                                         .out_features = hidden(options),
                                         .activation = options.activation,
                                         .init = options.init},
                                        rng))),
        fc2_(this->add(
            "fc2",
            Linear<T>(
                {.in_features = hidden(options),
                 .out_features = options.out > 0 ? options.out : options.in,
                 .activation = options.activate_output ? options.activation : Activation::kNone,
                 .init = {options.init.rule, options.init.scale * options.output_scale}},
                rng))),
        drop1_(this->add("drop1", Dropout<T>({options.dropout}, rng))),
        drop2_(this->add("drop2", Dropout<T>({options.dropout}, rng))) {}

  /// `residual` (..., out), if defined, is added to the result, by the last product if it can.
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& residual = {}) const {
    const auto call = this->call();
    if (!drop1_.active() && !drop2_.active() && !activate_output_) {
      return mlp(x, fc1_.weight(), fc1_.bias(), fc2_.weight(), fc2_.bias(),
                 {.activation = activation_, .residual = residual});
    }
    return drop_and_add(fc2_, drop2_, drop1_(fc1_(x)), residual);
  }

 private:
  static Index hidden(const MlpOptions& options) {
    return options.hidden > 0 ? options.hidden : 4 * options.in;
  }

  Activation activation_;
  bool activate_output_;
  Linear<T> fc1_;
  Linear<T> fc2_;
  Dropout<T> drop1_;
  Dropout<T> drop2_;
};

EIGENGRAD_INSTANTIATE(class Mlp<float>)
EIGENGRAD_INSTANTIATE(class Mlp<double>)

}  // namespace eigengrad::nn
