// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/nn/checks.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/embedding.hpp>

namespace eigengrad::nn {

struct EmbeddingOptions {
  /// Number of rows: indices are in [0, count).
  Index count = 0;
  Index dim = 0;
  /// Standard deviation of the initial weights, which are normal.
  double stddev = 1;
};

/// A learned row for each index.
///
/// **Parameters** weight (count, dim).
/// **Shapes** indices (...), result (..., dim).
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html
template <class T>
class Embedding : public Module<T> {
 public:
  /// **Throws** ValueError unless both sizes are positive.
  Embedding(const EmbeddingOptions& options, Generator& rng) : Module<T>("Embedding") {
    detail::check_positive("embedding", {{"count", options.count}, {"dim", options.dim}});
    weight_ = this->add_parameter(
        "weight", init::normal<T>({options.count, options.dim}, options.stddev, rng),
        {ParameterKind::kEmbedding});
  }

  Tensor<T> operator()(const NdArray<Index>& indices) const {
    const auto call = this->call();
    return embedding(indices, weight_);
  }

  const Tensor<T>& weight() const& { return weight_; }
  Tensor<T> weight() && { return weight_; }

 private:
  Tensor<T> weight_;
};

}  // namespace eigengrad::nn
