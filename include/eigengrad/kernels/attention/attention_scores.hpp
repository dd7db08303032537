// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/attention/attention_product.hpp>
#include <eigengrad/kernels/attention/attention_rows.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/simd/transpose.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Products of rows with a head's keys (or values), as scores and their gradients need them.
namespace eigengrad::kernels::detail {

/// The block of queries [first, first + rows), which sees keys [0, keys).
struct QueryBlock {
  Index first, rows, keys;
};

/// Keys after the last whole 16, if they are too few to be worth 16 columns of a product. A class
/// token before a grid of patches makes 17, 65, 257 keys: one would cost as much as sixteen.
inline Index edge_keys(Index keys) { return keys % 16 <= 2 ? keys % 16 : 0; }

/// out (width, row_size) = x^T for the keys of one head but the edge, zeros after the last: so the
/// products with it have only whole vectors.
template <class T>
void transpose_keys(T* out, const Attention<T>& a, const HeadView<const T>& x, Index b, Index h,
                    Index width) {
  const Index size = a.row_size();
  const Index edge = edge_keys(a.keys);
  simd::dispatch<Transpose<T>>(out, size, x.at(b, h), x.token, a.keys - edge, width);
  if (edge > 0) return;  // the columns end with a whole vector
  for (Index c = 0; c < width; ++c) std::fill(out + c * size + a.keys, out + (c + 1) * size, T(0));
}

/// The columns of `multiply_transposed` for the `edge` keys from y on, and zeros after them.
template <class T>
struct AttentionEdge {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, Index size, const T* x, Index token, const T* y,
                                   Index y_token, Index rows, Index edge, Index width) {
    using V = simd::Vec<T, Arch>;
    for (Index r = 0; r < rows; ++r, out += size, x += token) {
      for (Index j = 0; j < 16; j += simd::kSize<V>) simd::store<V>(out + j, V{});
      for (Index j = 0; j < edge; ++j) {
        const T* const key = y + j * y_token;
        simd::Accumulator<V> total;
        simd::transform_singly<V>(width, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
          at.part(total) += at.load(x) * at.load(key);
        });
        out[j] = total.sum();
      }
    }
  }
};

/// out (rows, keys) = x (rows, width) . y^T for a block, x from one row on. `transposed` (width,
/// keys) holds y^T; only the edge is read from y itself.
template <class T>
void multiply_transposed(T* out, const Attention<T>& a, const QueryBlock& block, const T* x,
                         Index token, const T* transposed, const T* y, Index y_token, Index width,
                         bool out_is_cold) {
  const Index edge = edge_keys(block.keys);
  const Index whole = edge > 0 ? block.keys - edge : round_up(block.keys, 16);
  multiply_head<T>({.m = block.rows,
                    .n = whole,
                    .k = width,
                    .a = x,
                    .a_row = token,
                    .b = transposed,
                    .ldb = a.row_size(),
                    .c = out,
                    .ldc = a.row_size(),
                    .c_is_cold = out_is_cold});
  if (edge > 0) {
    simd::dispatch<AttentionEdge<T>>(out + whole, a.row_size(), x, token, y + whole * y_token,
                                     y_token, block.rows, edge, width);
  }
}

}  // namespace eigengrad::kernels::detail

EIGENGRAD_END_VECTORS
