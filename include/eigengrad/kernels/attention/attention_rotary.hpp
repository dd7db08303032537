// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/attention/attention_rows.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Rotary positions: the rows of a head's queries and keys, rotated by where their tokens are.
namespace eigengrad::kernels::detail {

/// out = the rows of x, each pair (i, i + width / 2) rotated by the angle whose cosine and sine are
/// numbers i and i + width / 2 of the table's row; `Back` rotates the other way. Adds to out with
/// `add`.
template <class T, bool Back>
struct RotatePairs {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, Index out_token, const T* x, Index x_token,
                                   const T* table, Index tokens, Index width, bool add) {
    using V = simd::Vec<T, Arch>;
    const Index half = width / 2;
    for (Index t = 0; t < tokens; ++t, out += out_token, x += x_token, table += width) {
      simd::transform<V>(half, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
        const V a = at.load(x), b = at.load(x + half);
        const V cosine = at.load(table);
        const V sine = Back ? -at.load(table + half) : at.load(table + half);
        V first = a * cosine - b * sine, second = a * sine + b * cosine;
        if (add) {
          first += at.load(out);
          second += at.load(out + half);
        }
        at.store(out, first);
        at.store(out + half, second);
      });
    }
  }
};

/// The queries and keys of one head: where they lie, or in `work`, rotated.
template <class T>
struct HeadRows {
  HeadView<const T> q{}, k{};  ///< of this head alone

  /// Elements of `work`, whole vectors: none without rotary positions.
  static Index scratch(const Attention<T>& a) {
    return a.rotary ? round_up((a.queries + a.keys) * a.width, 16) : 0;
  }

  HeadRows() = default;
  HeadRows(const Attention<T>& a, Index b, Index h, T* work)
      : q{a.q.at(b, h), 0, 0, a.q.token}, k{a.k.at(b, h), 0, 0, a.k.token} {
    if (a.rotary == nullptr) return;
    T* rotated_k = work + a.queries * a.width;
    simd::dispatch<RotatePairs<T, false>>(
        work, a.width, q.data, q.token, a.rotary_row(b, a.first_query), a.queries, a.width, false);
    simd::dispatch<RotatePairs<T, false>>(rotated_k, a.width, k.data, k.token, a.rotary_row(b),
                                          a.keys, a.width, false);
    q = {work, 0, 0, a.width};
    k = {rotated_k, 0, 0, a.width};
  }
};

}  // namespace eigengrad::kernels::detail

EIGENGRAD_END_VECTORS
