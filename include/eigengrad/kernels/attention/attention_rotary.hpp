// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/attention/attention_rows.hpp>

/// Rotary positions: the rows of a head's queries and keys, turned by where their tokens are.
namespace eigengrad::kernels::detail {

/// out = the rows of x, each pair (i, i + width / 2) turned by the angle whose cosine and sine are
/// numbers i and i + width / 2 of the table's row; `Back` turns the other way. Adds to out with
/// `add`.
template <class T, bool Back>
struct TurnPairs {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, Index out_token, const T* x, Index x_token,
                                   const T* table, Index tokens, Index width, bool add) {
    using V = simd::Vec<T, Arch>;
    const Index half = width / 2;
    for (Index t = 0; t < tokens; ++t, out += out_token, x += x_token, table += width) {
      auto turn = [&](Index i, auto load, auto store) EIGENGRAD_INLINE_LAMBDA {
        const V a = load(x + i), b = load(x + half + i);
        const V cosine = load(table + i);
        const V sine = Back ? -load(table + half + i) : load(table + half + i);
        V first = a * cosine - b * sine, second = a * sine + b * cosine;
        if (add) {
          first += load(out + i);
          second += load(out + half + i);
        }
        store(out + i, first);
        store(out + half + i, second);
      };
      simd::for_each_vector<V>(
          half,
          [&](Index i) EIGENGRAD_INLINE_LAMBDA {
            turn(
                i, [](const T* p) EIGENGRAD_INLINE_LAMBDA { return simd::load<V>(p); },
                [](T* p, V v) EIGENGRAD_INLINE_LAMBDA { simd::store<V>(p, v); });
          },
          [&](Index i, Index n) EIGENGRAD_INLINE_LAMBDA {
            turn(
                i, [n](const T* p) EIGENGRAD_INLINE_LAMBDA { return simd::load_partial<V>(p, n); },
                [n](T* p, V v) EIGENGRAD_INLINE_LAMBDA { simd::store_partial<V>(p, v, n); });
          });
    }
  }
};

/// The queries and keys of one head: where they lie, or in `work`, turned.
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
    T* turned_k = work + a.queries * a.width;
    simd::dispatch<TurnPairs<T, false>>(work, a.width, q.data, q.token, a.rotary_row(b), a.queries,
                                        a.width, false);
    simd::dispatch<TurnPairs<T, false>>(turned_k, a.width, k.data, k.token, a.rotary_row(b), a.keys,
                                        a.width, false);
    q = {work, 0, 0, a.width};
    k = {turned_k, 0, 0, a.width};
  }
};

}  // namespace eigengrad::kernels::detail
