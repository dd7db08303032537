// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/attention/attention.hpp>
#include <eigengrad/ops/checks.hpp>

/// Scaled dot-product attention, softmax(scale Q K^T + masks) V, from separate heads or from the
/// packed result of one projection.
///
/// **Source** A. Vaswani et al., "Attention is all you need", NeurIPS 2017; J. Su et al.,
/// "RoFormer: enhanced transformer with rotary position embedding", 2021;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
namespace eigengrad {

/// The options of all three forms of attention. A query that may attend to no key gets 0.
template <class T>
struct AttentionOptions {
  /// Query i attends to keys 0 to i alone.
  bool causal = false;
  /// Query i does not attend to key i.
  bool exclude_self = false;
  /// (B, Tk), true where a key takes part. Undefined: all do.
  NdArray<bool> key_padding_mask = {};
  /// Added to the scaled scores: (Tq, Tk), (1, H, Tq, Tk), (B, 1, Tq, Tk), (B, H, Tq, Tk), or with
  /// any size 1. It gets no gradient. Three axes are refused: PyTorch reads them as (H, Tq, Tk) in
  /// one function and as (B H, Tq, Tk) in another.
  NdArray<T> additive_mask = {};
  /// Rotary positions, (T, D) or (B, T, D): for each token the cosines of D/2 angles, then their
  /// sines. The i-th angle rotates the numbers i and i + D/2 of the token's query and of its key,
  /// so that a score depends on how far two tokens are from each other. It gets no gradient.
  NdArray<T> rotary = {};
  /// Factor of the scores; 0 means 1 / sqrt(D).
  double scale = 0;
  /// Probability with which a weight is dropped, in [0, 1].
  double dropout = 0;
  /// Where the key of the dropout mask is drawn; needed if `dropout` is not 0.
  Generator* generator = nullptr;
};

namespace detail {

/// Checks the options against the sizes in `a` and stores them there.
template <class T>
void attention_apply_options(const char* op, kernels::Attention<T>& a,
                             const AttentionOptions<T>& options) {
  a.causal = options.causal;
  a.exclude_self = options.exclude_self;
  const double width = static_cast<double>(std::max<Index>(1, a.width));
  a.scale = static_cast<T>(options.scale != 0 ? options.scale : 1 / std::sqrt(width));
  if (options.key_padding_mask.defined()) {
    const Shape wanted{a.batch, a.keys};
    if (!(options.key_padding_mask.shape() == wanted)) {
      throw ShapeError(concat("[", op, "] key_padding_mask must be (B, Tk): key_padding_mask ",
                              options.key_padding_mask.shape(), ", (B, Tk) ", wanted));
    }
    a.key_padding = options.key_padding_mask.data();
  }
  if (options.additive_mask.defined()) {
    const Shape scores{a.batch, a.heads, a.queries, a.keys};
    const Shape& shape = options.additive_mask.shape();
    if (shape.rank() == 3 && shape[0] != 1) {
      throw ShapeError(concat("[", op, "] an additive_mask of three axes could be one per head or ",
                              "one per sample: additive_mask ", shape, ", (B, H, Tq, Tk) ", scores,
                              "; reshape it to (1, H, Tq, Tk) or (B, 1, Tq, Tk)"));
    }
    const Shape strides = row_major_strides(shape);
    bool fits = shape.rank() <= 4;
    for (Index i = 1; fits && i <= shape.rank(); ++i) {
      const Index size = shape[shape.rank() - i];
      fits = size == 1 || size == scores[4 - i];
      a.additive_step[4 - i] = size == 1 ? 0 : strides[shape.rank() - i];
    }
    if (!fits) {
      throw ShapeError(concat("[", op, "] additive_mask must broadcast to (B, H, Tq, Tk): ",
                              "additive_mask ", shape, ", (B, H, Tq, Tk) ", scores));
    }
    a.additive = options.additive_mask.data();
  }
  if (options.rotary.defined()) {
    const Shape& shape = options.rotary.shape();
    const bool each = shape.rank() == 3;
    const Shape wanted = each ? Shape{a.batch, a.keys, a.width} : Shape{a.keys, a.width};
    if (a.queries != a.keys || a.width % 2 != 0 || !(shape == wanted)) {
      throw ShapeError(concat("[", op, "] rotary must be (T, D) or (B, T, D), Tq = Tk = T and D ",
                              "even: rotary ", shape, ", (B, Tq, Tk, D) ",
                              Shape{a.batch, a.queries, a.keys, a.width}));
    }
    a.rotary = options.rotary.data();
    a.rotary_batch = each ? a.keys * a.width : 0;
  }
  check_probability(op, "dropout", options.dropout);
  if (options.dropout > 0) {
    if (options.generator == nullptr) {
      throw ValueError(concat("[", op, "] dropout needs a generator: dropout ", options.dropout));
    }
    a.dropout = true;
    a.mask = kernels::DropoutMask(options.generator->next(), options.dropout);
  }
}

/// An array for the probabilities if backward reads them: computing them again costs a third of
/// forward, keeping them takes memory in the square of the length.
template <class T>
NdArray<T> attention_saved(const kernels::Attention<T>& a, bool recorded) {
  constexpr Index kLargest = 512 * 512;
  if (!recorded || a.queries * a.keys > kLargest) return {};
  return NdArray<T>(Shape{a.batch, a.heads, a.queries, a.row_size()});
}

/// What backward reads of the caller's arrays: copies, since the caller may write to them before.
template <class T>
struct AttentionKept {
  NdArray<bool> key_padding;
  NdArray<T> additive, rotary;
};

/// `a` as backward sees it, with the arrays that it points to then. The masks are in the
/// probabilities, if those are saved.
template <class T>
AttentionKept<T> attention_keep(kernels::Attention<T>& a, const AttentionOptions<T>& options,
                                bool masks_too) {
  AttentionKept<T> kept;
  if (masks_too) {
    kept.key_padding = options.key_padding_mask.clone();
    kept.additive = options.additive_mask.clone();
  }
  kept.rotary = options.rotary.clone();
  a.key_padding = kept.key_padding.data();
  a.additive = kept.additive.data();
  a.rotary = kept.rotary.data();
  return kept;
}

/// Each query meets each key, and each probability a value.
template <class T>
double attention_macs(const kernels::Attention<T>& a) {
  return static_cast<double>(a.batch * a.heads) * static_cast<double>(a.queries) *
         static_cast<double>(a.keys) * static_cast<double>(a.width + a.value_width);
}

/// Heads of `width` elements next to each other in rows of `row` elements, `tokens` rows per
/// sample.
template <class U>
kernels::HeadView<U> packed_heads(U* data, Index tokens, Index row, Index width) {
  return {data, tokens * row, width, row};
}

/// Heads laid out as (B, H, T, width).
template <class U>
kernels::HeadView<U> separate_heads(U* data, Index heads, Index tokens, Index width) {
  return {data, heads * tokens * width, tokens * width, width};
}

/// Size of one head in a last axis that holds `parts` x heads of them.
inline Index head_width(const char* op, const char* name, const Shape& shape, Index parts,
                        Index heads) {
  if (heads < 1) throw ValueError(concat("[", op, "] heads must be at least 1: ", heads));
  if (shape.rank() != 3 || shape[2] % (parts * heads) != 0) {
    const std::string factor = parts == 1 ? "" : std::to_string(parts) + " ";
    throw ShapeError(concat("[", op, "] ", name, " must be (B, T, ", factor, "H D): ", name, " ",
                            shape, ", H ", heads));
  }
  return shape[2] / (parts * heads);
}

}  // namespace detail

/// Attention of separate heads.
///
/// **Shapes** q (B, H, Tq, D), k (B, H, Tk, D), v (B, H, Tk, Dv), result (B, H, Tq, Dv).
/// **Throws** ShapeError when these or the masks do not fit, ValueError on a wrong dropout.
/// **Saves** q, k, v, and the probabilities unless a head has more than 512 x 512; then copies of
/// the masks. A copy of the rotary table.
template <class T>
Tensor<T> scaled_dot_product_attention(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                                       const AttentionOptions<T>& options = {}) {
  const char* op = "scaled_dot_product_attention";
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4 || q.dim(0) != k.dim(0) ||
      q.dim(1) != k.dim(1) || q.dim(3) != k.dim(3) || v.dim(0) != k.dim(0) ||
      v.dim(1) != k.dim(1) || v.dim(2) != k.dim(2)) {
    throw ShapeError(
        detail::concat("[", op, "] must be q (B, H, Tq, D), k (B, H, Tk, D), v (B, H, ",
                       "Tk, Dv): q ", q.shape(), ", k ", k.shape(), ", v ", v.shape()));
  }
  kernels::Attention<T> a;
  a.batch = q.dim(0);
  a.heads = q.dim(1);
  a.queries = q.dim(2);
  a.keys = k.dim(2);
  a.width = q.dim(3);
  a.value_width = v.dim(3);
  a.q = detail::separate_heads(q.value().data(), a.heads, a.queries, a.width);
  a.k = detail::separate_heads(k.value().data(), a.heads, a.keys, a.width);
  a.v = detail::separate_heads(v.value().data(), a.heads, a.keys, a.value_width);
  detail::attention_apply_options(op, a, options);
  NdArray<T> out(Shape{a.batch, a.heads, a.queries, a.value_width});
  const bool recorded = detail::records(q, k, v);
  NdArray<T> saved = detail::attention_saved(a, recorded);
  kernels::attention(a, detail::separate_heads(out.data(), a.heads, a.queries, a.value_width),
                     saved.data());
  detail::AttentionKept<T> kept;
  if (recorded) kept = detail::attention_keep(a, options, !saved.defined());
  const double macs = detail::attention_macs(a);
  return make_result(
      {op, macs}, std::move(out),
      [a, macs, saved, q = q.value(), k = k.value(), v = v.value(),
       kept](BackwardContext<T>& context) {
        // Fresh arrays: q, k and v may be one tensor, whose gradient is then a sum.
        NdArray<T> gradients[3];
        kernels::HeadGradient<T> d[3];
        const NdArray<T>* inputs[3] = {&q, &k, &v};
        for (std::size_t i = 0; i < 3; ++i) {
          if (!context.needs(i)) continue;
          const Shape& shape = inputs[i]->shape();
          gradients[i] = NdArray<T>(shape);
          d[i].view = detail::separate_heads(gradients[i].data(), shape[1], shape[2], shape[3]);
        }
        context.count_macs(2 * macs);
        kernels::attention_backward(
            a, d[0], d[1], d[2],
            detail::separate_heads(context.dout().data(), a.heads, a.queries, a.value_width),
            saved.data());
        for (std::size_t i = 0; i < 3; ++i) {
          if (context.needs(i)) context.accumulate(i, std::move(gradients[i]));
        }
      },
      q, k, v);
}

/// Attention of a sequence to itself, from one projection to queries, keys and values.
///
/// **Shapes** qkv (B, T, 3 H D), each row laid out as q, k, v of (H, D); result (B, T, H D).
/// **Throws** ShapeError when these or the masks do not fit, ValueError on a wrong dropout.
/// **Saves** qkv, a copy of the rotary table, and the probabilities; where a head has more than
/// 512 x 512 of them, copies of the masks instead.
template <class T>
Tensor<T> self_attention(const Tensor<T>& qkv, Index heads,
                         const AttentionOptions<T>& options = {}) {
  const char* op = "self_attention";
  kernels::Attention<T> a;
  a.width = a.value_width = detail::head_width(op, "qkv", qkv.shape(), 3, heads);
  a.batch = qkv.dim(0);
  a.heads = heads;
  a.queries = a.keys = qkv.dim(1);
  const Index row = heads * a.width;
  const T* data = qkv.value().data();
  a.q = detail::packed_heads(data, a.queries, 3 * row, a.width);
  a.k = detail::packed_heads(data + row, a.queries, 3 * row, a.width);
  a.v = detail::packed_heads(data + 2 * row, a.queries, 3 * row, a.width);
  detail::attention_apply_options(op, a, options);
  NdArray<T> out(Shape{a.batch, a.queries, row});
  const bool recorded = detail::records(qkv);
  NdArray<T> saved = detail::attention_saved(a, recorded);
  kernels::attention(a, detail::packed_heads(out.data(), a.queries, row, a.width), saved.data());
  detail::AttentionKept<T> kept;
  if (recorded) kept = detail::attention_keep(a, options, !saved.defined());
  const double macs = detail::attention_macs(a);
  return make_result(
      {op, macs}, std::move(out),
      [a, macs, saved, row, qkv = qkv.value(), kept](BackwardContext<T>& context) {
        auto sink = context.sink(0);
        kernels::HeadGradient<T> d[3];
        for (Index i = 0; i < 3; ++i) {
          d[i] = {detail::packed_heads(sink.grad.data() + i * row, a.queries, 3 * row, a.width),
                  sink.accumulate};
        }
        context.count_macs(2 * macs);
        kernels::attention_backward(
            a, d[0], d[1], d[2],
            detail::packed_heads(context.dout().data(), a.queries, row, a.width), saved.data());
      },
      qkv);
}

/// Attention of one sequence to another, from projections to queries and to keys and values.
///
/// **Shapes** q (B, Tq, H D), kv (B, Tk, 2 H D), each row laid out as k, v of (H, D); result
/// (B, Tq, H D).
/// **Throws** ShapeError when these or the masks do not fit, ValueError on a wrong dropout.
/// **Saves** q, kv, a copy of the rotary table, and the probabilities; where a head has more than
/// 512 x 512 of them, copies of the masks instead.
template <class T>
Tensor<T> cross_attention(const Tensor<T>& q, const Tensor<T>& kv, Index heads,
                          const AttentionOptions<T>& options = {}) {
  const char* op = "cross_attention";
  kernels::Attention<T> a;
  a.width = a.value_width = detail::head_width(op, "q", q.shape(), 1, heads);
  if (detail::head_width(op, "kv", kv.shape(), 2, heads) != a.width || kv.dim(0) != q.dim(0)) {
    throw ShapeError(detail::concat("[", op, "] must be q (B, Tq, H D), kv (B, Tk, 2 H D): q ",
                                    q.shape(), ", kv ", kv.shape()));
  }
  a.batch = q.dim(0);
  a.heads = heads;
  a.queries = q.dim(1);
  a.keys = kv.dim(1);
  const Index row = heads * a.width;
  a.q = detail::packed_heads(q.value().data(), a.queries, row, a.width);
  a.k = detail::packed_heads(kv.value().data(), a.keys, 2 * row, a.width);
  a.v = detail::packed_heads(kv.value().data() + row, a.keys, 2 * row, a.width);
  detail::attention_apply_options(op, a, options);
  NdArray<T> out(Shape{a.batch, a.queries, row});
  const bool recorded = detail::records(q, kv);
  NdArray<T> saved = detail::attention_saved(a, recorded);
  kernels::attention(a, detail::packed_heads(out.data(), a.queries, row, a.width), saved.data());
  detail::AttentionKept<T> kept;
  if (recorded) kept = detail::attention_keep(a, options, !saved.defined());
  const double macs = detail::attention_macs(a);
  return make_result(
      {op, macs}, std::move(out),
      [a, macs, saved, row, q = q.value(), kv = kv.value(), kept](BackwardContext<T>& context) {
        kernels::HeadGradient<T> dq, dk, dv;
        if (context.needs(0)) {
          auto sink = context.sink(0);
          dq = {detail::packed_heads(sink.grad.data(), a.queries, row, a.width), sink.accumulate};
        }
        if (context.needs(1)) {
          auto sink = context.sink(1);
          T* data = sink.grad.data();
          dk = {detail::packed_heads(data, a.keys, 2 * row, a.width), sink.accumulate};
          dv = {detail::packed_heads(data + row, a.keys, 2 * row, a.width), sink.accumulate};
        }
        context.count_macs(2 * macs);
        kernels::attention_backward(
            a, dq, dk, dv, detail::packed_heads(context.dout().data(), a.queries, row, a.width),
            saved.data());
      },
      q, kv);
}

EIGENGRAD_INSTANTIATE(Tensor<float> self_attention(const Tensor<float>&, Index,
                                                   const AttentionOptions<float>&))
EIGENGRAD_INSTANTIATE(Tensor<double> self_attention(const Tensor<double>&, Index,
                                                    const AttentionOptions<double>&))

}  // namespace eigengrad
