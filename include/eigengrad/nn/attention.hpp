// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/nn/dropout.hpp>
#include <eigengrad/nn/init.hpp>
#include <eigengrad/nn/key_value_cache.hpp>
#include <eigengrad/nn/linear.hpp>
#include <eigengrad/nn/module.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/attention.hpp>
#include <eigengrad/ops/cached_attention.hpp>
#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/expand.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/slice.hpp>

namespace eigengrad {

namespace detail {

/// The width of a head, `head_dim` or dim / heads. **Throws** ValueError unless heads divides dim.
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
  /// Locality self-attention: each head learns the scale of its scores, which begins at
  /// 1 / sqrt(D), and no token attends to itself.
  bool locality = false;
  /// Probability of dropout on the attention weights.
  double attention_dropout = 0;
  /// Probability of dropout on the result.
  double dropout = 0;
  InitOptions init = {};
  /// Factor of the output projection's initial weights; with 0 a residual branch begins as zero.
  double output_scale = 1;
};

/// Attention of tokens to tokens: softmax(q k^T / sqrt(D)) v for each head, then a projection.
///
/// **Parameters** with N = heads * head_dim: qkv.weight (3 N, C), the rows of q, k and v one after
/// the other as PyTorch's `in_proj_weight` has them, qkv.bias (3 N), proj.weight (C, N),
/// proj.bias (C); with `locality` scale (H), the reciprocal of the paper's temperature: one
/// per head, as in its authors' code.
/// **Source** A. Vaswani et al., "Attention is all you need", 2017;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html (batch_first);
/// S. H. Lee et al., "Vision transformer for small-size datasets", 2021 (locality).
template <class T>
class MultiHeadAttention : public Module<T> {
 public:
  /// **Throws** ValueError on sizes that are not positive, and unless heads divides dim or
  /// head_dim is given.
  MultiHeadAttention(const MultiHeadAttentionOptions& options, Generator& rng)
      : Module<T>("MultiHeadAttention"),
        heads_(options.heads),
        width_(heads_ * detail::check_head_dim("attention", options.dim, heads_, options.head_dim)),
        qkv_(this->add("qkv",
                       Linear<T>({.in_features = options.dim,
                                  .out_features = 3 * width_,
                                  .bias = options.qkv_bias,
                                  .init = options.init},
                                 rng),
                       {.row_blocks = 3})),
        proj_(this->add("proj", Linear<T>({.in_features = width_,
                                           .out_features = options.dim,
                                           .init = {options.init.rule,
                                                    options.init.scale * options.output_scale}},
                                          rng))),
        attention_drop_(this->add("attn_drop", Dropout<T>({options.attention_dropout}, rng))),
        drop_(this->add("proj_drop", Dropout<T>({options.dropout}, rng))) {
    if (!options.locality) return;
    const double d = static_cast<double>(width_ / heads_);
    scale_ = this->add_parameter("scale", NdArray<T>::full({heads_}, T(1 / std::sqrt(d))),
                                 {ParameterKind::kScale});
  }

  /// Self-attention. `options` are masks, rotary positions and scale (without effect where scales
  /// are learned); dropout is the module's. `residual`, if defined, is added to the result, by the
  /// projection if it can.
  ///
  /// **Shapes** x (B, T, C), residual and result (B, T, C); masks as for
  /// `scaled_dot_product_attention` with Tq = Tk = T.
  Tensor<T> operator()(const Tensor<T>& x, AttentionArguments<T> options = {},
                       const Tensor<T>& residual = {}) const {
    const auto call = this->call();
    return drop_and_add(proj_, drop_,
                        self_attention(project_in(x), heads_, complete(options, true)), residual);
  }

  /// Cross-attention: queries from x, keys and values from memory. As these are two sequences,
  /// `locality` keeps no token from attending to another.
  ///
  /// **Shapes** x (B, Tq, C), memory (B, Tk, C), residual and result (B, Tq, C); masks as for
  /// `scaled_dot_product_attention`.
  template <std::same_as<Tensor<T>> Memory>  // so that {} is the options of self-attention
  Tensor<T> operator()(const Tensor<T>& x, const Memory& memory, AttentionArguments<T> options = {},
                       const Tensor<T>& residual = {}) const {
    const auto call = this->call();
    return attend_to(project_memory(memory), x, options, residual);
  }

  /// Self-attention of the next tokens of a sequence: `cache` holds the keys and values of the
  /// tokens before, and gets theirs. Each token attends to itself and to all before it. For
  /// inference: it records no gradient.
  ///
  /// **Shapes** x (B, T, C), residual and result (B, T, C); masks with Tk = cache.size() after the
  /// call, rotary positions from the first token of the sequence on.
  /// **Throws** ValueError where a gradient would be recorded, and where the cache is full.
  Tensor<T> operator()(const Tensor<T>& x, KeyValueCache<T>& cache,
                       AttentionArguments<T> options = {}, const Tensor<T>& residual = {}) const {
    const auto call = this->call();
    const Tensor<T> qkv = project_in(x);
    if (detail::records(qkv)) {
      throw ValueError("[attention] a cache is for inference: call it in the scope of a NoGrad");
    }
    options.causal = true;
    options.first_query = cache.size();
    cache.append(narrow(qkv, 2, width_, 2 * width_).value());
    const Tensor<T> q = narrow(qkv, 2, 0, width_);
    return drop_and_add(
        proj_, drop_,
        cached_attention(q, cache.rows(), cache.size(), heads_, complete(options, true)), residual);
  }

  /// The keys and values of a memory, for `attend` with many queries. **Shapes** memory (B, Tk, C),
  /// result (B, Tk, 2 N).
  Tensor<T> keys_values(const Tensor<T>& memory) const {
    const auto call = this->call();
    return project_memory(memory);
  }

  /// Cross-attention to a memory whose keys and values are there: `attn.attend(x,
  /// attn.keys_values(memory))` is `attn(x, memory)`.
  Tensor<T> attend(const Tensor<T>& x, const Tensor<T>& keys_values,
                   AttentionArguments<T> options = {}, const Tensor<T>& residual = {}) const {
    const auto call = this->call();
    return attend_to(keys_values, x, options, residual);
  }

  /// How much each token of x attends to each other one in self-attention with the same options,
  /// without dropout. It attends to values that are the rows of an identity.
  /// **Shapes** x (B, T, C), result (B, H, T, T).
  Tensor<T> weights(const Tensor<T>& x, AttentionArguments<T> options = {}) const {
    const Index tokens = x.dim(1);
    const Tensor<T> qkv = permute(
        reshape(project_in(x), {x.dim(0), tokens, 3, heads_, width_ / heads_}), {2, 0, 3, 1, 4});
    NdArray<T> identity = NdArray<T>::zeros({tokens, tokens});
    for (Index t = 0; t < tokens; ++t) identity(t, t) = 1;
    complete(options, true).dropout = 0;
    return scaled_dot_product_attention(
        select(qkv, 0, 0), select(qkv, 0, 1),
        expand(Tensor<T>(identity), {x.dim(0), heads_, tokens, tokens}), options);
  }

  Index heads() const { return heads_; }
  const Linear<T>& qkv() const& { return qkv_; }
  Linear<T> qkv() && { return qkv_; }
  const Linear<T>& proj() const& { return proj_; }
  Linear<T> proj() && { return proj_; }

 private:
  Tensor<T> attend_to(const Tensor<T>& keys_values, const Tensor<T>& x,
                      AttentionArguments<T>& options, const Tensor<T>& residual) const {
    const auto [weight, bias] = scaled_qkv();
    const Tensor<T> q = linear(x, rows(weight, 0, width_), rows(bias, 0, width_));
    return drop_and_add(
        proj_, drop_, cross_attention(q, keys_values, heads_, complete(options, false)), residual);
  }
  Tensor<T> project_memory(const Tensor<T>& memory) const {
    const auto [weight, bias] = scaled_qkv();
    return linear(memory, rows(weight, width_, 2 * width_), rows(bias, width_, 2 * width_));
  }
  static Tensor<T> rows(const Tensor<T>& x, Index start, Index length) {
    return x.defined() ? narrow(x, 0, start, length) : x;
  }
  /// The weight and bias of q, k and v, where q's are multiplied by the learned scales: then
  /// attention needs no scale of its own, and the product is one of weights, not of tokens.
  std::pair<Tensor<T>, Tensor<T>> scaled_qkv() const {
    if (!scale_.defined()) return {qkv_.weight(), qkv_.bias()};
    const Index d = width_ / heads_;
    const Tensor<T> of_q = reshape(expand(reshape(scale_, {heads_, 1}), {heads_, d}), {width_, 1});
    const Tensor<T> factor = cat({of_q, Tensor<T>::ones({2 * width_, 1})}, 0);
    const Tensor<T>& bias = qkv_.bias();
    return {qkv_.weight() * factor,
            bias.defined() ? bias * reshape(factor, {3 * width_}) : Tensor<T>()};
  }
  Tensor<T> project_in(const Tensor<T>& x) const {
    const auto [weight, bias] = scaled_qkv();
    return linear(x, weight, bias);
  }
  /// Adds the module's own scale, exclusion and dropout.
  AttentionArguments<T>& complete(AttentionArguments<T>& options, bool self) const {
    if (scale_.defined()) {
      options.scale = 1;
      options.exclude_self = options.exclude_self || self;
    }
    options.dropout = attention_drop_.active() ? attention_drop_.p() : 0;
    options.generator = &attention_drop_.generator();
    return options;
  }

  Index heads_;
  Index width_;
  Linear<T> qkv_;
  Linear<T> proj_;
  Tensor<T> scale_;
  Dropout<T> attention_drop_;
  Dropout<T> drop_;
};

EIGENGRAD_INSTANTIATE(class MultiHeadAttention<float>)
EIGENGRAD_INSTANTIATE(class MultiHeadAttention<double>)

}  // namespace nn
}  // namespace eigengrad
