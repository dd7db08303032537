// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/attention.hpp>
#include <eigengrad/ops/matmul.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/scalar.hpp>
#include <eigengrad/ops/slice.hpp>
#include <eigengrad/ops/softmax.hpp>

namespace eigengrad {

namespace detail {

/// The width of a head, `head_dim` or dim / heads. **Throws** ValueError unless it is whole.
inline Index check_head_dim(const char* module, Index dim, Index heads, Index head_dim) {
  if (dim < 1 || heads < 1 || head_dim < 0) {
    throw ValueError(concat("[", module, "] sizes must be positive: dim ", dim, ", heads ", heads,
                            ", head_dim ", head_dim));
  }
  if (head_dim > 0) return head_dim;
  if (dim % heads != 0) {
    throw ValueError(
        concat("[", module, "] dim must be divisible by heads: dim ", dim, ", heads ", heads));
  }
  return dim / heads;
}

}  // namespace detail

namespace nn {

struct MultiHeadAttentionOptions {
  /// Width of the tokens.
  Index dim = 0;
  Index heads = 0;
  /// Width of a head; 0 means dim / heads.
  Index head_dim = 0;
  bool qkv_bias = true;
  /// Of dropout on the attention weights.
  double attention_dropout = 0;
  /// Of dropout on the result.
  double dropout = 0;
  InitOptions init = {};
  /// Factor of the output projection's first weights; 0 makes a residual branch begin at nothing.
  double output_scale = 1;
};

/// Attention of tokens to tokens: softmax(q k^T / sqrt(D)) v for each head, then a projection.
///
/// **Parameters** with N = heads * head_dim: qkv.weight (3 N, C), the rows of q, k and v one after
/// the other as PyTorch's `in_proj_weight` has them, qkv.bias (3 N), proj.weight (C, N),
/// proj.bias (C).
/// **Source** A. Vaswani et al., "Attention is all you need", 2017;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html (batch_first)
template <class T>
class MultiHeadAttention : public Module<T> {
 public:
  /// **Throws** ValueError on sizes that are not positive, and unless heads divides dim or
  /// head_dim is given.
  MultiHeadAttention(const MultiHeadAttentionOptions& options, Generator& rng)
      : Module<T>("MultiHeadAttention"),
        heads_(options.heads),
        width_(heads_ * detail::check_head_dim("attention", options.dim, heads_, options.head_dim)),
        qkv_(this->add("qkv", Linear<T>({.in_features = options.dim,
                                         .out_features = 3 * width_,
                                         .bias = options.qkv_bias,
                                         .init = options.init},
                                        rng))),
        proj_(this->add("proj", Linear<T>({.in_features = width_,
                                           .out_features = options.dim,
                                           .init = {options.init.rule,
                                                    options.init.scale * options.output_scale}},
                                          rng))),
        attention_drop_(this->add("attn_drop", Dropout<T>({options.attention_dropout}, rng))),
        drop_(this->add("proj_drop", Dropout<T>({options.dropout}, rng))) {}

  /// Self-attention. `options` are masks and scale; dropout is the module's. `residual`, if
  /// defined, is added to the result, by the projection if it can.
  ///
  /// **Shapes** x (B, T, C), residual and result (B, T, C).
  Tensor<T> operator()(const Tensor<T>& x, AttentionOptions<T> options = {},
                       const Tensor<T>& residual = {}) const {
    return project(self_attention(qkv_(x), heads_, with_dropout(options)), residual);
  }

  /// Cross-attention: queries from x, keys and values from memory.
  ///
  /// **Shapes** x (B, Tq, C), memory (B, Tk, C), residual and result (B, Tq, C).
  Tensor<T> operator()(const Tensor<T>& x, const Tensor<T>& memory,
                       AttentionOptions<T> options = {}, const Tensor<T>& residual = {}) const {
    const Tensor<T> q = linear(x, rows(qkv_.weight(), 0, width_), rows(qkv_.bias(), 0, width_));
    const Tensor<T> kv = linear(memory, rows(qkv_.weight(), width_, 2 * width_),
                                rows(qkv_.bias(), width_, 2 * width_));
    return project(cross_attention(q, kv, heads_, with_dropout(options)), residual);
  }

  /// How much each token of x attends to each other, to look at: softmax(q k^T / sqrt(D)), without
  /// masks or dropout. **Shapes** x (B, T, C), result (B, H, T, T).
  Tensor<T> weights(const Tensor<T>& x) const {
    const Index d = width_ / heads_;
    const Tensor<T> qkv =
        permute(reshape(qkv_(x), {x.dim(0), x.dim(1), 3, heads_, d}), {2, 0, 3, 1, 4});
    const Tensor<T> scores = matmul(select(qkv, 0, 0), transpose(select(qkv, 0, 1), -1, -2));
    return softmax(scores * static_cast<T>(1 / std::sqrt(static_cast<double>(d))), -1);
  }

  Index heads() const { return heads_; }
  const Linear<T>& qkv() const { return qkv_; }
  const Linear<T>& proj() const { return proj_; }

 private:
  static Tensor<T> rows(const Tensor<T>& x, Index start, Index length) {
    return x.defined() ? narrow(x, 0, start, length) : x;
  }
  AttentionOptions<T>& with_dropout(AttentionOptions<T>& options) const {
    options.dropout = attention_drop_.active() ? attention_drop_.p() : 0;
    options.generator = &attention_drop_.generator();
    return options;
  }
  Tensor<T> project(const Tensor<T>& x, const Tensor<T>& residual) const {
    if (!drop_.active()) return proj_(x, residual);
    const Tensor<T> y = drop_(proj_(x));
    return residual.defined() ? residual + y : y;
  }

  Index heads_;
  Index width_;
  Linear<T> qkv_;
  Linear<T> proj_;
  Dropout<T> attention_drop_;
  Dropout<T> drop_;
};

EIGENGRAD_INSTANTIATE(class MultiHeadAttention<float>)
EIGENGRAD_INSTANTIATE(class MultiHeadAttention<double>)

}  // namespace nn
}  // namespace eigengrad
