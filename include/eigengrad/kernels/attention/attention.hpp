// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <limits>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/attention/attention_product.hpp>
#include <eigengrad/kernels/attention/attention_rotary.hpp>
#include <eigengrad/kernels/attention/attention_rows.hpp>
#include <eigengrad/kernels/attention/attention_scores.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Scaled dot-product attention, forward and backward: O = softmax(scale Q K^T + masks) V for each
/// head of each sample.
///
/// A head's rows are worked on in blocks of queries, so that scores stay in cache and scratch
/// memory grows with the number of keys, not with its square. Strides say where heads lie: the
/// packed layouts of self and cross attention need no copies.
namespace eigengrad::kernels {

namespace detail {

/// Queries in a block; depends on the sizes alone, because backward adds up blocks in order.
template <class T>
Index query_block_rows(const Attention<T>& a) {
  Index rows = std::max<Index>(64, 65536 / std::max<Index>(1, a.row_size()));
  if (a.causal) rows = 64;  // the blocks are what skips the keys that nobody sees
  const Index blocks = std::max<Index>(1, divide_up(a.queries, rows));
  return std::max<Index>(8, round_up(divide_up(a.queries, blocks), 8));  // even, whole tiles
}

template <class T>
QueryBlock query_block(const Attention<T>& a, Index first, Index rows) {
  rows = std::min(rows, a.queries - first);
  return {first, rows, rows > 0 ? a.seen(first + rows - 1) : a.keys};
}

/// 0 for the keys that sample `b` attends to, -inf for the others; null if it attends to all.
template <class T>
const T* padding_row(const Attention<T>& a, Index b, T* row) {
  if (a.key_padding == nullptr) return nullptr;
  const bool* attend = a.key_padding + b * a.keys;
  for (Index j = 0; j < a.row_size(); ++j) {
    row[j] = j < a.keys && attend[j] ? T(0) : -std::numeric_limits<T>::infinity();
  }
  return row;
}

/// Heads for which one more thread pays.
template <class T>
Index attention_grain(const Attention<T>& a, Index rows) {
  return std::max<Index>(1, (1 << 17) / std::max<Index>(1, rows * a.keys * a.width));
}

/// p (rows, keys) = the probabilities of a block, `dropped` the same under the dropout mask
/// (null without dropout; may be `p`). `p_is_cold` as in HeadProduct.
template <class T>
void attention_probabilities(const Attention<T>& a, const HeadRows<T>& head, Index b, Index h,
                             const QueryBlock& block, T* p, T* dropped, const T* padding,
                             const T* transposed_k, bool p_is_cold) {
  multiply_transposed(p, a, block, head.q.at(0, 0, block.first), head.q.token, transposed_k,
                      head.k.data, head.k.token, a.width, p_is_cold);
  simd::dispatch<AttentionRows<T>>(&a, b, h, block.first, block.rows, block.keys, p, dropped,
                                   padding);
}

}  // namespace detail

/// out = attention(a). `probabilities` (B, H, Tq, row_size) receives the rows of softmax for
/// `attention_backward`, unless it is null.
template <class T>
void attention(const Attention<T>& a, const HeadView<T>& out, T* probabilities) {
  const Index rows = detail::query_block_rows(a);
  const Index blocks = divide_up(a.queries, rows);
  const Index size = a.row_size();
  const Index grain = detail::attention_grain(a, rows);
  parallel_for(a.batch * a.heads * blocks, grain, [&](Index begin, Index end) {
    const bool scratch = probabilities == nullptr || a.dropout;
    eigengrad::detail::Scratch<T> memory((1 + a.width + (scratch ? rows : 0)) * size +
                                         detail::HeadRows<T>::scratch(a));
    T* transposed_k = memory.data() + size;
    T* work = transposed_k + a.width * size;
    T* rotated = work + (scratch ? rows : 0) * size;
    detail::HeadRows<T> qk;
    for (Index item = begin; item < end; ++item) {
      const Index head = item / blocks;
      const Index b = head / a.heads;
      const Index h = head % a.heads;
      if (item == begin || item % blocks == 0) {
        qk = detail::HeadRows<T>(a, b, h, rotated);
        detail::transpose_keys(transposed_k, a, qk.k, 0, 0, a.width);
        detail::padding_row(a, b, memory.data());
      }
      const T* padding = a.key_padding ? memory.data() : nullptr;
      const detail::QueryBlock block = detail::query_block(a, item % blocks * rows, rows);
      T* p = probabilities ? probabilities + (head * a.queries + block.first) * size : work;
      T* dropped = a.dropout ? work : nullptr;
      detail::attention_probabilities(a, qk, b, h, block, p, dropped, padding,
                                      static_cast<const T*>(transposed_k), p != work);
      detail::multiply_head<T>({.m = block.rows,
                                .n = a.value_width,
                                .k = block.keys,
                                .a = dropped ? dropped : p,
                                .a_row = size,
                                .b = a.v.at(b, h),
                                .ldb = a.v.token,
                                .c = out.at(b, h, block.first),
                                .ldc = out.token,
                                .c_is_cold = true});
    }
  });
}

/// Where a gradient goes: nowhere if `view.data` is null; added to what is there or over it.
template <class T>
struct HeadGradient {
  HeadView<T> view{};
  bool accumulate = false;
  bool wanted() const { return view.data != nullptr; }
};

namespace detail {

/// Elements of scratch memory for one head's gradients.
template <class T>
Index attention_backward_scratch(const Attention<T>& a, bool saved) {
  const Index blocks = 1 + (a.dropout ? 1 : 0) + (saved ? 0 : 1);
  const Index transposed = a.value_width + (saved ? 0 : a.width);
  return (1 + blocks * query_block_rows(a) + transposed) * a.row_size() +
         2 * HeadRows<T>::scratch(a);
}

/// Where the gradient of rotated rows goes, until it is rotated back: `work`, or `out` itself
/// without rotary positions.
template <class T>
HeadGradient<T> rotated_gradient(const Attention<T>& a, const HeadGradient<T>& out, T* work) {
  if (a.rotary == nullptr || !out.wanted()) return out;
  return {{work, 0, 0, a.width}, false};
}

/// out = `rotated`, rotated back; or out += it.
template <class T>
void rotate_gradient_back(const Attention<T>& a, const HeadGradient<T>& out,
                          const HeadGradient<T>& rotated, Index b, Index h, Index tokens) {
  if (a.rotary == nullptr || !out.wanted()) return;
  simd::dispatch<RotatePairs<T, true>>(
      out.view.at(b, h), out.view.token, static_cast<const T*>(rotated.view.data), a.width,
      a.rotary_row(b, a.keys - tokens), tokens, a.width, out.accumulate);
}

/// The gradients of one head, a block of queries after another.
template <class T>
struct HeadBackward {
  const Attention<T>& a;
  Index b, h;
  HeadGradient<T> dq, dk;  ///< of what the scores are made of: rotated queries and keys
  HeadGradient<T> dv;
  HeadView<const T> dout;
  const T* saved;  ///< the head's probabilities, or null: they are computed again
  HeadRows<T> qk{};
  Index rows = 0;  ///< of a block
  // Scratch memory. The last two only without `saved`.
  T *transposed_v = nullptr, *ds = nullptr, *dropped = nullptr;
  T *recomputed = nullptr, *transposed_k = nullptr;
  const T* padding = nullptr;

  bool scores() const { return dq.wanted() || dk.wanted(); }

  /// `work` holds `attention_backward_scratch` elements.
  void run(T* work) {
    const HeadGradient<T> dq_out = dq, dk_out = dk;
    rows = query_block_rows(a);
    share_out(work);
    if (scores()) transpose_keys(transposed_v, a, a.v, b, h, a.value_width);
    if (saved == nullptr) transpose_keys(transposed_k, a, qk.k, 0, 0, a.width);
    // The first block writes and the others add, if it sees all keys; else all add to zeros.
    const bool whole = a.queries > 0 && query_block(a, 0, rows).keys == a.keys;
    if (!whole) {
      clear(dk, a.width);
      clear(dv, a.value_width);
    }
    for (Index first = 0; first < a.queries; first += rows) {
      const QueryBlock block = query_block(a, first, rows);
      const T* p = score_gradients(block);
      add_products(block, p, !whole || first > 0);
    }
    rotate_gradient_back(a, dq_out, dq, b, h, a.queries);
    rotate_gradient_back(a, dk_out, dk, b, h, a.keys);
  }

 private:
  void share_out(T* work) {
    const Index size = a.row_size();
    qk = HeadRows<T>(a, b, h, work);
    work += HeadRows<T>::scratch(a);
    dq = rotated_gradient(a, dq, work);
    dk = rotated_gradient(a, dk, work + a.queries * a.width);
    work += HeadRows<T>::scratch(a);
    padding = padding_row(a, b, work);
    transposed_v = work + size;
    ds = transposed_v + a.value_width * size;
    dropped = a.dropout ? ds + rows * size : nullptr;
    recomputed = (dropped ? dropped : ds) + rows * size;
    transposed_k = recomputed + rows * size;
  }

  void clear(const HeadGradient<T>& g, Index width) const {
    if (!g.wanted() || g.accumulate) return;
    for (Index t = 0; t < a.keys; ++t) std::fill_n(g.view.at(b, h, t), width, T(0));
  }

  /// Fills `ds`, and `dropped` with the probabilities under the dropout mask.
  /// **Returns** the probabilities.
  const T* score_gradients(const QueryBlock& block) const {
    const Index size = a.row_size();
    const T* p = saved ? saved + block.first * size : recomputed;
    if (saved == nullptr) {
      attention_probabilities(a, qk, b, h, block, recomputed, static_cast<T*>(nullptr), padding,
                              static_cast<const T*>(transposed_k), false);
    }
    if (scores()) {  // dP (rows, keys) = dO (rows, Dv) . V^T (Dv, keys)
      multiply_transposed(ds, a, block, dout.at(b, h, block.first), dout.token,
                          static_cast<const T*>(transposed_v), a.v.at(b, h), a.v.token,
                          a.value_width, false);
    }
    simd::dispatch<AttentionRowsBackward<T>>(
        &a, (b * a.heads + h) * a.queries + block.first, block.rows, block.keys,
        scores() ? ds : static_cast<T*>(nullptr), dropped, p, dout);
    return p;
  }

  /// The block's shares of the gradients; `add` says that dk and dv hold those of others.
  void add_products(const QueryBlock& block, const T* p, bool add) const {
    const Index size = a.row_size();
    if (dv.wanted()) {  // dV (keys, Dv) = P^T (keys, rows) . dO (rows, Dv)
      multiply_head<T>({.m = block.keys,
                        .n = a.value_width,
                        .k = block.rows,
                        .a = dropped ? dropped : p,
                        .a_row = 1,
                        .a_column = size,
                        .b = dout.at(b, h, block.first),
                        .ldb = dout.token,
                        .c = dv.view.at(b, h),
                        .ldc = dv.view.token,
                        .add = dv.accumulate || add,
                        .c_is_cold = true});
    }
    if (dq.wanted()) {  // dQ (rows, D) = dS (rows, keys) . K (keys, D)
      multiply_head<T>({.m = block.rows,
                        .n = a.width,
                        .k = block.keys,
                        .a = ds,
                        .a_row = size,
                        .b = qk.k.data,
                        .ldb = qk.k.token,
                        .c = dq.view.at(b, h, block.first),
                        .ldc = dq.view.token,
                        .add = dq.accumulate,
                        .c_is_cold = true});
    }
    if (dk.wanted()) {  // dK (keys, D) = dS^T (keys, rows) . Q (rows, D)
      multiply_head<T>({.m = block.keys,
                        .n = a.width,
                        .k = block.rows,
                        .a = ds,
                        .a_row = 1,
                        .a_column = size,
                        .b = qk.q.at(0, 0, block.first),
                        .ldb = qk.q.token,
                        .c = dk.view.at(b, h),
                        .ldc = dk.view.token,
                        .add = dk.accumulate || add,
                        .c_is_cold = true});
    }
  }
};

}  // namespace detail

/// The gradients of q, k and v from that of the result. Without `probabilities` they are computed
/// anew.
template <class T>
void attention_backward(const Attention<T>& a, const HeadGradient<T>& dq, const HeadGradient<T>& dk,
                        const HeadGradient<T>& dv, const HeadView<const T>& dout,
                        const T* probabilities) {
  const Index size = a.row_size();
  const Index grain = detail::attention_grain(a, a.queries);
  parallel_for(a.batch * a.heads, grain, [&](Index begin, Index end) {
    eigengrad::detail::Scratch<T> work(
        detail::attention_backward_scratch(a, probabilities != nullptr));
    for (Index item = begin; item < end; ++item) {
      detail::HeadBackward<T> head{
          a,
          item / a.heads,
          item % a.heads,
          dq,
          dk,
          dv,
          dout,
          probabilities ? probabilities + item * a.queries * size : nullptr};
      head.run(work.data());
    }
  });
}

EIGENGRAD_INSTANTIATE(void attention(const Attention<float>&, const HeadView<float>&, float*))
EIGENGRAD_INSTANTIATE(void attention(const Attention<double>&, const HeadView<double>&, double*))
EIGENGRAD_INSTANTIATE(void attention_backward(const Attention<float>&, const HeadGradient<float>&,
                                              const HeadGradient<float>&,
                                              const HeadGradient<float>&,
                                              const HeadView<const float>&, const float*))
EIGENGRAD_INSTANTIATE(void attention_backward(const Attention<double>&, const HeadGradient<double>&,
                                              const HeadGradient<double>&,
                                              const HeadGradient<double>&,
                                              const HeadView<const double>&, const double*))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
