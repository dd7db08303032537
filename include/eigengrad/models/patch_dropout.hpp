// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/gather.hpp>
#include <eigengrad/ops/reshape.hpp>

namespace eigengrad {

namespace models {

struct PatchDropoutOptions {
  /// Share of the tokens that each sample leaves out, in [0, 1).
  double p = 0;
  /// Number of first tokens that always stay, such as a class token.
  Index prefix = 0;
};

}  // namespace models

namespace detail {

/// Chooses `prefix + kept` of the (prefix + n) tokens of each sample, in rising order: the prefix
/// and `kept` others, every choice equally likely (Knuth, selection sampling).
/// **Shapes** result (B, prefix + kept).
inline NdArray<Index> draw_tokens(Index batch, Index prefix, Index n, Index kept,
                                  Generator& generator) {
  NdArray<Index> tokens({batch, prefix + kept});
  Index* out = tokens.data();
  for (Index b = 0; b < batch; ++b) {
    for (Index t = 0; t < prefix; ++t) *out++ = t;
    for (Index t = 0, needed = kept; needed > 0; ++t) {
      if (generator.integer(n - t) >= needed) continue;
      *out++ = prefix + t;
      --needed;
    }
  }
  return tokens;
}

}  // namespace detail

namespace models {

/// Leaves out tokens at random, others for each sample, and passes on the rest in their order; does
/// nothing in evaluation. The following layers have less to compute and cannot rely on any one
/// token. Positions must be added before it.
///
/// It draws from a generator of its own, `named_generators()`, forked from the constructor's.
/// **Shapes** x (B, T, C), result (B, prefix + K, C) with K the whole number nearest
/// to (1 - p) (T - prefix), but at least 1.
/// **Source** Y. Liu et al., "PatchDropout: economizing vision transformers using patch dropout",
/// 2022.
template <class T>
class PatchDropout : public nn::Module<T> {
 public:
  /// **Throws** ValueError unless 0 <= p < 1 and prefix >= 0.
  PatchDropout(const PatchDropoutOptions& options, Generator& rng)
      : nn::Module<T>("PatchDropout"),
        options_(options),
        rng_(this->add_generator("generator", rng)) {
    if (!(options.p >= 0 && options.p < 1)) {
      throw ValueError(detail::concat("[patch_dropout] p must be in [0, 1): ", options.p));
    }
    if (options.prefix < 0) {
      throw ValueError(
          detail::concat("[patch_dropout] prefix must not be negative: ", options.prefix));
    }
  }

  /// **Throws** ShapeError unless x has axes (B, T, C) with more tokens than the prefix.
  Tensor<T> operator()(const Tensor<T>& x) const { return (*this)(x, draw(x)); }

  /// The same with the tokens that `draw` has chosen. **Throws** ShapeError unless x is (B, T, C)
  /// and tokens are (B, K); ValueError for a token outside [0, T).
  Tensor<T> operator()(const Tensor<T>& x, const NdArray<Index>& tokens) const {
    const auto call = this->call();
    if (!tokens.defined()) return x;
    if (x.rank() != 3 || tokens.rank() != 2 || tokens.dim(0) != x.dim(0)) {
      throw ShapeError(detail::concat("[patch_dropout] x must be (B, T, C) and tokens (B, K): x ",
                                      x.shape(), ", tokens ", tokens.shape()));
    }
    detail::check_indices("patch_dropout", tokens, x.dim(1), "x", x.shape());
    NdArray<Index> rows({tokens.numel()});  // numbered through all samples
    for (Index i = 0; i < rows.numel(); ++i) {
      rows(i) = i / tokens.dim(1) * x.dim(1) + tokens.data()[i];
    }
    return reshape(index_select(reshape(x, {x.dim(0) * x.dim(1), x.dim(2)}), 0, rows),
                   {x.dim(0), tokens.dim(1), x.dim(2)});
  }

  /// Draws which tokens of x a call keeps, for code that must know them. **Shapes** result (B,
  /// prefix + K), undefined in evaluation, when all stay. **Throws** as a call does.
  NdArray<Index> draw(const Tensor<T>& x) const {
    if (x.rank() != 3 || x.dim(1) <= options_.prefix) {
      throw ShapeError(detail::concat("[patch_dropout] x must be (B, T, C) with T > prefix ",
                                      options_.prefix, ": x ", x.shape()));
    }
    if (!active()) return {};
    const Index n = x.dim(1) - options_.prefix;
    const Index kept = std::max<Index>(1, std::lround((1 - options_.p) * static_cast<double>(n)));
    return detail::draw_tokens(x.dim(0), options_.prefix, n, kept, *rng_);
  }

  /// Whether a call would change anything.
  bool active() const { return this->training() && options_.p > 0; }

 private:
  PatchDropoutOptions options_;
  std::shared_ptr<Generator> rng_;
};

}  // namespace models
}  // namespace eigengrad
