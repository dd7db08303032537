// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <limits>

#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Sums, maxima and minima over any axes.
///
/// Axes of one kind are merged, and what is left is reduced one group at a time, innermost first,
/// as (outer, n, inner) over n. Long sums are cut into chunks whose length depends on the shape
/// alone, and the partial results are reduced again: the bits do not depend on the number of
/// threads, and rounding errors grow with the depth of that tree, not with n.
namespace eigengrad::kernels {

struct SumOp {
  template <class T>
  static constexpr T identity() {
    return T(0);
  }
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return a + b;
  }
};

/// A NaN wins over every number.
struct MaxOp {
  template <class T>
  static constexpr T identity() {
    return -std::numeric_limits<T>::infinity();
  }
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return simd::max_nan(a, b);
  }
};

/// A NaN wins over every number.
struct MinOp {
  template <class T>
  static constexpr T identity() {
    return std::numeric_limits<T>::infinity();
  }
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return simd::min_nan(a, b);
  }
};

/// A piece of a reduction's input: rows that start `stride` elements apart.
template <class T>
struct ReductionBlock {
  const T* data;
  Index stride;
};

/// A reduction's input that lies in memory.
///
/// A source gives, for any `rows` x `width` elements of the flat input that start at `begin` and
/// have `stride` elements between rows, where to find them; it may put them in `buffer`
/// (rows x width elements).
template <class T>
struct ArraySource {
  static constexpr bool kComputes = false;
  const T* data;
  ReductionBlock<T> block(Index begin, Index, Index, Index stride, T*) const {
    return {data + begin, stride};
  }
};

namespace detail {

inline constexpr Index kReduceBlock = 4096;    // elements that stay in L1 between two steps
inline constexpr Index kReduceColumns = 2048;  // widest strip of columns that is reduced at once
inline constexpr Index kReduceRows = 128;      // rows of a strip that one task reduces
inline constexpr Index kReduceFold = 64;       // narrower rows are taken several at a time

/// out[r] = op over the n elements of row r.
template <class T, class Op>
struct ReduceRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, const T* x, Index rows, Index n) {
    using V = simd::Vec<T, Arch>;
    constexpr Index kStep = simd::kSize<V>;
    const Op op;
    for (Index r = 0; r < rows; ++r) {
      const T* p = x + r * n;
      T total = Op::template identity<T>();
      Index i = 0;
      if (n >= kStep) {
        V part[4];
        EIGENGRAD_UNROLL
        for (int k = 0; k < 4; ++k) part[k] = simd::broadcast<V>(total);
        for (; i + 4 * kStep <= n; i += 4 * kStep) {
          EIGENGRAD_UNROLL
          for (int k = 0; k < 4; ++k) part[k] = op(part[k], simd::load<V>(p + i + k * kStep));
        }
        for (; i + kStep <= n; i += kStep) part[0] = op(part[0], simd::load<V>(p + i));
        const V all = op(op(part[0], part[1]), op(part[2], part[3]));
        T lanes[kStep];
        simd::store<V>(lanes, all);
        for (Index half = kStep / 2; half > 0; half /= 2) {
          for (Index j = 0; j < half; ++j) lanes[j] = op(lanes[j], lanes[j + half]);
        }
        total = lanes[0];
      }
      for (; i < n; ++i) total = op(total, p[i]);
      out[r] = total;
    }
  }
};

/// acc[j] = op(acc[j], column j of the rows), four rows at a time.
template <class T, class Op>
struct ReduceColumns {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* acc, const T* x, Index rows, Index width, Index stride) {
    using V = simd::Vec<T, Arch>;
    const Op op;
    Index r = 0;
    for (; r + 4 <= rows; r += 4) {
      const T* a = x + r * stride;
      const T* b = a + stride;
      const T* c = b + stride;
      const T* d = c + stride;
      simd::transform_singly<V>(width, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
        const auto four = op(op(at.load(a), at.load(b)), op(at.load(c), at.load(d)));
        at.store(acc, op(at.load(acc), four));
      });
    }
    for (; r < rows; ++r) {
      const T* a = x + r * stride;
      simd::transform_singly<V>(width, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
        at.store(acc, op(at.load(acc), at.load(a)));
      });
    }
  }
};

/// acc[j] = op(acc[j], ...) over `rows` x `width` elements of the source.
template <class Op, class T, class Source>
void reduce_strip(T* acc, const Source& source, Index begin, Index rows, Index width, Index stride,
                  T* buffer) {
  const Index step = std::max<Index>(1, kReduceBlock / width);
  for (Index r = 0; r < rows; r += step) {
    const Index count = std::min(step, rows - r);
    const ReductionBlock<T> block = source.block(begin + r * stride, count, width, stride, buffer);
    simd::dispatch<ReduceColumns<T, Op>>(acc, block.data, count, width, block.stride);
  }
}

/// The same for whole rows narrower than kReduceFold: several are taken as one wide row, and the
/// wide accumulator is folded at the end.
template <class Op, class T, class Source>
void reduce_narrow(T* acc, const Source& source, Index begin, Index rows, Index width, T* buffer) {
  const Op op;
  const Index fold = kReduceFold / width;
  const Index wide = fold * width;
  T lanes[kReduceFold];
  std::fill_n(lanes, wide, Op::template identity<T>());
  const Index whole = rows / fold;
  reduce_strip<Op>(lanes, source, begin, whole, wide, wide, buffer);
  reduce_strip<Op>(lanes, source, begin + whole * wide, rows - whole * fold, width, width, buffer);
  for (Index i = 0; i < wide; ++i) acc[i % width] = op(acc[i % width], lanes[i]);
}

/// out (outer) from (outer, n).
template <class Op, class T, class Source>
void reduce_rows(T* out, const Source& source, Index outer, Index n) {
  using eigengrad::detail::Scratch;
  using Kernel = ReduceRows<T, Op>;
  constexpr Index kBuffer = Source::kComputes ? kReduceBlock : 0;
  if (n <= kReduceBlock) {
    const Index step = kReduceBlock / n;
    parallel_for(outer, row_grain(n), [&](Index begin, Index end) {
      Scratch<T> buffer(kBuffer);
      for (Index o = begin; o < end; o += step) {
        const Index rows = std::min(step, end - o);
        const ReductionBlock<T> block = source.block(o * n, 1, rows * n, rows * n, buffer.data());
        simd::dispatch<Kernel>(out + o, block.data, rows, n);
      }
    });
    return;
  }
  const Index chunks = divide_up(n, kReduceBlock);
  Scratch<T> partial(outer * chunks);
  parallel_for(outer * chunks, row_grain(kReduceBlock), [&](Index begin, Index end) {
    Scratch<T> buffer(kBuffer);
    for (Index task = begin; task < end; ++task) {
      const Index at = task % chunks * kReduceBlock;
      const Index length = std::min(kReduceBlock, n - at);
      const ReductionBlock<T> block =
          source.block(task / chunks * n + at, 1, length, length, buffer.data());
      simd::dispatch<Kernel>(&partial[task], block.data, Index{1}, length);
    }
  });
  reduce_rows<Op>(out, ArraySource<T>{partial.data()}, outer, chunks);
}

/// out (outer, inner) from (outer, n, inner).
template <class Op, class T, class Source>
void reduce_columns(T* out, const Source& source, Index outer, Index n, Index inner) {
  using eigengrad::detail::Scratch;
  constexpr Index kBuffer = Source::kComputes ? kReduceBlock : 0;
  const bool narrow = inner <= kReduceFold / 2;
  const Index rows = narrow ? 2 * kReduceBlock / inner : kReduceRows;
  const Index chunks = divide_up(n, rows);
  const Index strips = divide_up(inner, kReduceColumns);
  Scratch<T> partial(chunks > 1 ? outer * chunks * inner : 0);
  T* target = chunks > 1 ? partial.data() : out;
  const Index work = std::min(rows, n) * std::min(inner, kReduceColumns);
  parallel_for(outer * chunks * strips, row_grain(work), [&](Index begin, Index end) {
    Scratch<T> buffer(kBuffer);
    for (Index task = begin; task < end; ++task) {
      const Index column = task % strips * kReduceColumns;
      const Index width = std::min(kReduceColumns, inner - column);
      const Index chunk = task / strips;  // outer * chunks of them
      const Index first = chunk % chunks * rows;
      const Index count = std::min(rows, n - first);
      const Index at = (chunk / chunks * n + first) * inner + column;
      T* acc = target + chunk * inner + column;
      std::fill_n(acc, width, Op::template identity<T>());
      if (narrow) {
        reduce_narrow<Op>(acc, source, at, count, width, buffer.data());
      } else {
        reduce_strip<Op>(acc, source, at, count, width, inner, buffer.data());
      }
    }
  });
  if (chunks > 1) {
    reduce_columns<Op>(out, ArraySource<T>{partial.data()}, outer, chunks, inner);
  }
}

template <class Op, class T, class Source>
void reduce_step(T* out, const Source& source, Index outer, Index n, Index inner) {
  if (inner == 1) {
    reduce_rows<Op>(out, source, outer, n);
  } else {
    reduce_columns<Op>(out, source, outer, n, inner);
  }
}

}  // namespace detail

/// Reduces an input of shape `from` to `to`: the same rank, each axis of the same size or 1.
template <class Op, class T, class Source>
NdArray<T> reduce(const Source& source, const Shape& from, const Shape& to) {
  NdArray<T> out(to);
  if (from.numel() == 0) {
    out.fill(Op::template identity<T>());
    return out;
  }
  // Merged axes: kept[i] says whether the result keeps axis i of `sizes`.
  Shape sizes;
  Shape kept;
  for (Index axis = 0; axis < from.rank(); ++axis) {
    if (from[axis] == 1) continue;
    const Index keeps = from[axis] == to[axis];
    if (!kept.empty() && kept.back() == keeps) {
      sizes[sizes.rank() - 1] *= from[axis];
    } else {
      sizes.push_back(from[axis]);
      kept.push_back(keeps);
    }
  }
  Index left = static_cast<Index>(std::count(kept.begin(), kept.end(), 0));
  if (left == 0) {
    detail::reduce_step<Op>(out.data(), source, out.numel(), 1, 1);
    return out;
  }
  NdArray<T> input;  // what the groups before this one left; undefined: the source
  for (Index axis = sizes.rank() - 1; axis >= 0; --axis) {
    if (kept[axis]) continue;
    const Index outer = eigengrad::detail::numel_between(sizes, 0, axis);
    const Index inner = eigengrad::detail::numel_between(sizes, axis + 1, sizes.rank());
    NdArray<T> result = --left == 0 ? out : NdArray<T>(Shape{outer, inner});
    if (input.defined()) {
      const ArraySource<T> rest{input.data()};
      detail::reduce_step<Op>(result.data(), rest, outer, sizes[axis], inner);
    } else {
      detail::reduce_step<Op>(result.data(), source, outer, sizes[axis], inner);
    }
    sizes[axis] = 1;
    input = result;
  }
  return out;
}

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
