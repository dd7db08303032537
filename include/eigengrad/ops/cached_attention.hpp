// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/attention/attention.hpp>
#include <eigengrad/ops/attention.hpp>
#include <eigengrad/ops/attention_arguments.hpp>

namespace eigengrad {

/// `cross_attention` to the first `keys` rows of a larger array, which nothing copies: attention to
/// the tokens that a cache holds. For inference; it has no gradient.
///
/// **Shapes** q (B, Tq, H D), kv (B, capacity, 2 H D), each row laid out as k, v of (H, D); result
/// (B, Tq, H D). Masks as for `scaled_dot_product_attention` with Tk = keys.
/// **Throws** ShapeError when these or the masks do not fit, ValueError unless `keys` is at most
/// the capacity, and where q would record a gradient.
template <class T>
Tensor<T> cached_attention(const Tensor<T>& q, const NdArray<T>& kv, Index keys, Index heads,
                           const AttentionArguments<T>& arguments = {}) {
  const char* op = "cached_attention";
  kernels::Attention<T> a;
  a.width = a.value_width = detail::head_width(op, "q", q.shape(), 1, heads);
  if (detail::head_width(op, "kv", kv.shape(), 2, heads) != a.width || kv.dim(0) != q.dim(0)) {
    throw ShapeError(detail::concat("[", op,
                                    "] must be q (B, Tq, H D), kv (B, capacity, 2 H D): q ",
                                    q.shape(), ", kv ", kv.shape()));
  }
  if (keys < 0 || keys > kv.dim(1)) {
    throw ValueError(detail::concat("[", op, "] keys must be in [0, ", kv.dim(1), "]: ", keys));
  }
  if (detail::records(q)) {
    throw ValueError(
        detail::concat("[", op, "] has no gradient; call it in the scope of a NoGrad"));
  }
  a.batch = q.dim(0);
  a.heads = heads;
  a.queries = q.dim(1);
  a.keys = keys;
  const Index row = heads * a.width;
  const Index sample = kv.dim(1) * 2 * row;
  a.q = detail::packed_heads(q.value().data(), a.queries, row, a.width);
  a.k = {kv.data(), sample, a.width, 2 * row};
  a.v = {kv.data() + row, sample, a.width, 2 * row};
  detail::attention_apply_arguments(op, a, arguments);
  NdArray<T> out(Shape{a.batch, a.queries, row});
  kernels::attention(a, detail::packed_heads(out.data(), a.queries, row, a.width),
                     static_cast<T*>(nullptr));
  return make_result(
      {op, detail::attention_macs(a)}, std::move(out), [](BackwardContext<T>&) {}, q);
}

}  // namespace eigengrad
