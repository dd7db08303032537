// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/random_hash.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/softmax.hpp>

EIGENGRAD_BEGIN_VECTORS

/// What attention does to rows of scores: scale, masks, softmax, dropout; and the way back.
namespace eigengrad::kernels {

/// The rows of one kind (q, k, v, ...) of all heads: strides in elements, a row contiguous.
template <class T>
struct HeadView {
  T* data = nullptr;
  Index batch = 0, head = 0, token = 0;
  T* at(Index b, Index h, Index t = 0) const { return data + b * batch + h * head + t * token; }
};

/// One call of attention: sizes, inputs and masks.
template <class T>
struct Attention {
  Index batch = 0, heads = 0, queries = 0, keys = 0;
  Index width = 0, value_width = 0;  ///< of the rows of q and k; of v and of the result
  HeadView<const T> q{}, k{}, v{};
  T scale = T(1);
  Index first_query = 0;              ///< place of query 0 among the keys
  bool causal = false;                ///< query i sees keys 0 to first_query + i
  bool exclude_self = false;          ///< query i does not see key first_query + i
  const bool* key_padding = nullptr;  ///< (batch, keys), true: attend
  const T* additive = nullptr;        ///< added to the scaled scores
  Index additive_step[4] = {};        ///< its strides over (batch, head, query, key); 0 repeats
  const T* rotary = nullptr;  ///< (tokens, width): cosines, then sines, of each pair's angle
  Index rotary_batch = 0;     ///< from one sample's to the next's; 0 repeats
  bool dropout = false;
  DropoutMask mask{};

  /// The angles of a sample's tokens.
  const T* rotary_row(Index b, Index t = 0) const { return rotary + b * rotary_batch + t * width; }
  /// How many keys, from the first on, query i sees.
  Index seen(Index i) const { return causal ? std::min(keys, first_query + i + 1) : keys; }

  /// Elements from one row of scores to the next: whole vectors of every instruction set, so that
  /// no row has a ragged end. After the last key the probabilities are 0. Rows that lie 2 or 4 KB
  /// apart would evict one another from the cache.
  Index row_size() const {
    const Index size = round_up(keys, 16);
    return size > 0 && size % 512 == 0 ? size + 16 : size;
  }
};

namespace detail {

/// Asks for row `t` of the head's q, k, v and (if there is one) dout, counted over all samples:
/// into the second cache, no result. The rows of one head lie apart, so the cache does not see by
/// itself what comes next; a row at a time, between the rows of a softmax, memory keeps up. Heads
/// too long to stay in the cache until they are needed are left alone.
template <class T>
EIGENGRAD_INLINE void fetch_row(const Attention<T>& a, Index head, Index t,
                                HeadView<const T> dout = {}) {
  constexpr Index kLargest = 256 << 10;
  const Index bytes = (a.keys * (a.width + a.value_width) + a.queries * a.width) * Index{sizeof(T)};
  if (head >= a.batch * a.heads || bytes > kLargest) return;
  auto fetch = [](const T* p, Index n) EIGENGRAD_INLINE_LAMBDA {
    for (Index c = 0; c < n; c += 64 / Index{sizeof(T)}) __builtin_prefetch(p + c, 0, 2);
  };
  const Index b = head / a.heads;
  const Index h = head % a.heads;
  if (t < a.queries) {
    fetch(a.q.at(b, h, t), a.width);
    if (dout.data) fetch(dout.at(b, h, t), a.value_width);
  }
  if (t < a.keys) {
    fetch(a.k.at(b, h, t), a.width);
    fetch(a.v.at(b, h, t), a.value_width);
  }
}

/// Lanes below `n` of x, `other` in the rest.
template <class V>
EIGENGRAD_INLINE V first_lanes(const V& x, Index n, const V& other) {
  using I = std::conditional_t<sizeof(simd::Element<V>) == 4, std::int32_t, std::int64_t>;
  using Lanes = typename simd::detail::VecOf<I, sizeof(V)>::type;
  Lanes lane;
  EIGENGRAD_UNROLL
  for (Index i = 0; i < simd::kSize<V>; ++i) lane[i] = static_cast<I>(i);
  return lane < static_cast<I>(n) ? x : other;
}

/// Scales and masks the first `n` scores of a row. Returns their maximum, 0 if that is -inf.
template <class T, class V>
EIGENGRAD_INLINE T mask_row(const Attention<T>& a, T* p, Index n, const T* padding,
                            const T* additive) {
  constexpr Index kLanes = simd::kSize<V>;
  constexpr T kInf = std::numeric_limits<T>::infinity();
  const V minus_inf = simd::broadcast<V>(-kInf);
  const bool repeats = additive && a.additive_step[3] == 0;
  const T constant = repeats ? *additive : T(0);
  const T* by_key = repeats ? nullptr : additive;
  V top = minus_inf;
  for (Index j = 0; j < n; j += kLanes) {
    const Index left = n - j;
    V x = simd::load<V>(p + j) * a.scale + constant;
    if (by_key) {
      x += left < kLanes ? simd::load_partial<V>(by_key + j, left) : simd::load<V>(by_key + j);
    }
    if (padding) x += simd::load<V>(padding + j);
    if (left < kLanes) x = first_lanes(x, left, minus_inf);
    top = simd::max(x, top);
    simd::store<V>(p + j, x);
  }
  const T most = simd::reduce_max(top);
  return most == -kInf ? T(0) : most;
}

/// p = exp(p - shift) for the first `n` of a row. Returns the reciprocal of their sum, or 0.
template <class T, class V>
EIGENGRAD_INLINE T exp_row(T* p, Index n, T shift) {
  V sum{};
  for (Index j = 0; j < n; j += simd::kSize<V>) {
    const V e = softmax_exp(simd::load<V>(p + j) - shift);
    simd::store<V>(p + j, e);
    sum += e;
  }
  const T total = simd::reduce_add(sum);
  return total == T(0) ? T(0) : T(1) / total;
}

/// p = softmax of the scores in it, 0 after those that a query sees; all 0 if every one is -inf.
/// `dropped` is the same under the dropout mask, or null.
template <class T>
struct AttentionRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const Attention<T>* a, Index b, Index h, Index first, Index rows,
                                   Index keys, T* p, T* dropped, const T* padding) {
    using V = simd::Vec<T, Arch>;
    constexpr Index kTogether = 4;  // a row waits for its maximum and its sum: others go on
    const Index size = a->row_size();
    const Index width = round_up(keys, 16);
    const Index* step = a->additive_step;
    for (Index r0 = 0; r0 < rows; r0 += kTogether) {
      const Index r1 = std::min(rows, r0 + kTogether);
      T shift[kTogether], inverse[kTogether];
      for (Index r = r0; r < r1; ++r) {
        const Index i = first + r;
        fetch_row(*a, b * a->heads + h + 1, i);
        const T* additive =
            a->additive ? a->additive + b * step[0] + h * step[1] + i * step[2] : nullptr;
        const Index self = a->first_query + i;
        if (a->exclude_self && self < a->seen(i)) {  // -inf, once it is scaled
          p[r * size + self] = std::copysign(std::numeric_limits<T>::infinity(), -a->scale);
        }
        shift[r - r0] = mask_row<T, V>(*a, p + r * size, a->seen(i), padding, additive);
      }
      for (Index r = r0; r < r1; ++r) {
        inverse[r - r0] = exp_row<T, V>(p + r * size, a->seen(first + r), shift[r - r0]);
      }
      for (Index r = r0; r < r1; ++r) {
        T* row = p + r * size;
        const Index n = a->seen(first + r);
        const Index at = ((b * a->heads + h) * a->queries + first + r) * size;
        for (Index j = 0; j < width; j += simd::kSize<V>) {
          const V y = j < n ? simd::load<V>(row + j) * inverse[r - r0] : V{};
          simd::store<V>(row + j, y);
          if (dropped) simd::store<V>(dropped + r * size + j, a->mask.apply(y, at + j));
        }
      }
    }
  }
};

/// ds = scale p (d - sum(d p)) where d is ds on entry, under the dropout mask; dropped = p under
/// the mask. `ds` and `dropped` may be null. `first` counts rows over all heads.
template <class T>
struct AttentionRowsBackward {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const Attention<T>* a, Index first, Index rows, Index keys,
                                   T* ds, T* dropped, const T* p, HeadView<const T> dout) {
    using V = simd::Vec<T, Arch>;
    constexpr Index kLanes = simd::kSize<V>;
    const Index size = a->row_size();
    for (Index r = 0; r < rows; ++r, p += size) {
      const Index at = (first + r) * size;
      fetch_row(*a, (first + r) / a->queries + 1, (first + r) % a->queries, dout);
      if (dropped) {
        for (Index j = 0; j < keys; j += kLanes) {
          simd::store<V>(dropped + r * size + j, a->mask.apply(simd::load<V>(p + j), at + j));
        }
      }
      if (ds == nullptr) continue;
      T* d = ds + r * size;
      V sum{};
      for (Index j = 0; j < keys; j += kLanes) {
        V x = simd::load<V>(d + j);
        // After the last key there may be others, which the block does not see.
        if (keys - j < kLanes) x = first_lanes(x, keys - j, V{});
        if (dropped) {
          x = a->mask.apply(x, at + j);
          simd::store<V>(d + j, x);
        }
        sum += x * simd::load<V>(p + j);
      }
      const T total = simd::reduce_add(sum);
      for (Index j = 0; j < keys; j += kLanes) {
        simd::store<V>(d + j, simd::load<V>(p + j) * (simd::load<V>(d + j) - total) * a->scale);
      }
    }
  }
};

}  // namespace detail
}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
