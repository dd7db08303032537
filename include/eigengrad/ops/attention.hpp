// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/attention/attention.hpp>
#include <eigengrad/ops/attention_arguments.hpp>

/// Scaled dot-product attention, softmax(scale Q K^T + masks) V, from separate heads or from the
/// packed result of one projection.
///
/// **Source** A. Vaswani et al., "Attention is all you need", NeurIPS 2017; J. Su et al.,
/// "RoFormer: enhanced transformer with rotary position embedding", 2021;
/// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
namespace eigengrad {

namespace detail {

/// An array for the probabilities if backward reads them: computing them again costs a third of
/// forward, keeping them takes memory in the square of the length.
template <class T>
NdArray<T> attention_saved(const kernels::Attention<T>& a, bool recorded) {
  constexpr Index kLargest = 512 * 512;
  if (!recorded || a.queries * a.keys > kLargest) return {};
  return NdArray<T>(Shape{a.batch, a.heads, a.queries, a.row_size()});
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
/// **Saves** q, k, v, a copy of the rotary table, and the probabilities; where a head has more than
/// 512 x 512 of them, copies of the masks instead.
template <class T>
Tensor<T> scaled_dot_product_attention(const Tensor<T>& q, const Tensor<T>& k, const Tensor<T>& v,
                                       const AttentionArguments<T>& arguments = {}) {
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
  detail::attention_apply_arguments(op, a, arguments);
  NdArray<T> out(Shape{a.batch, a.heads, a.queries, a.value_width});
  const bool recorded = detail::records(q, k, v);
  NdArray<T> saved = detail::attention_saved(a, recorded);
  kernels::attention(a, detail::separate_heads(out.data(), a.heads, a.queries, a.value_width),
                     saved.data());
  detail::AttentionKept<T> kept;
  if (recorded) kept = detail::attention_keep(a, arguments, !saved.defined());
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
                         const AttentionArguments<T>& arguments = {}) {
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
  detail::attention_apply_arguments(op, a, arguments);
  NdArray<T> out(Shape{a.batch, a.queries, row});
  const bool recorded = detail::records(qkv);
  NdArray<T> saved = detail::attention_saved(a, recorded);
  kernels::attention(a, detail::packed_heads(out.data(), a.queries, row, a.width), saved.data());
  detail::AttentionKept<T> kept;
  if (recorded) kept = detail::attention_keep(a, arguments, !saved.defined());
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
                          const AttentionArguments<T>& arguments = {}) {
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
  detail::attention_apply_arguments(op, a, arguments);
  NdArray<T> out(Shape{a.batch, a.queries, row});
  const bool recorded = detail::records(q, kv);
  NdArray<T> saved = detail::attention_saved(a, recorded);
  kernels::attention(a, detail::packed_heads(out.data(), a.queries, row, a.width), saved.data());
  detail::AttentionKept<T> kept;
  if (recorded) kept = detail::attention_keep(a, arguments, !saved.defined());
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
                                                   const AttentionArguments<float>&))
EIGENGRAD_INSTANTIATE(Tensor<double> self_attention(const Tensor<double>&, Index,
                                                    const AttentionArguments<double>&))

}  // namespace eigengrad
