// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/shape.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/reshape.hpp>

/// Layers that leave the numbers as they are, for `Sequential`.
namespace eigengrad::nn {

/// x itself: what takes the place of a layer that is left out.
///
/// **Shapes** x (...), result (...).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Identity.html
template <class T>
class Identity : public Module<T> {
 public:
  Identity() : Module<T>("Identity") {}

  Tensor<T> operator()(const Tensor<T>& x) const { return x; }
};

struct FlattenOptions {
  /// The first and the last axis that become one; negative ones count from the end.
  Index start = 1;
  Index end = -1;
};

/// Images to vectors: (B, C, H, W) becomes (B, C H W).
///
/// **Shapes** x (...), result: one axis in place of those from `start` to `end`.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Flatten.html
template <class T>
class Flatten : public Module<T> {
 public:
  explicit Flatten(const FlattenOptions& options = {}) : Module<T>("Flatten"), options_(options) {}

  Tensor<T> operator()(const Tensor<T>& x) const {
    const auto call = this->call();
    return flatten(x, options_.start, options_.end);
  }

 private:
  FlattenOptions options_;
};

}  // namespace eigengrad::nn
