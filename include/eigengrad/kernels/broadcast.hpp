// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/reduce.hpp>
#include <eigengrad/kernels/simd/simd.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Elementwise loops over arrays that broadcast, and the sum that undoes broadcasting.
///
/// Neighbouring axes along which every input either moves or stands still are merged. So equal
/// shapes, a scalar, a row (C) and a column (B, 1) against (B, C) are loops of one or two axes,
/// and the inner one always runs on vectors.
namespace eigengrad::kernels {

namespace detail {

/// The merged axes of a result and how far each of `N` inputs moves along them.
template <std::size_t N>
struct BroadcastLoop {
  struct Position {
    std::array<Index, kMaxRank> at{};
    std::array<Index, N> offset{};
  };

  template <class... Shapes>
  explicit BroadcastLoop(const Shape& shape, const Shapes&... inputs) {
    const std::array<const Shape*, N> in{&inputs...};
    std::array<bool, N> before{};
    for (Index axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == 1) continue;
      std::array<bool, N> moves{};
      for (std::size_t k = 0; k < N; ++k) {
        const Index own = axis - (shape.rank() - in[k]->rank());
        moves[k] = own >= 0 && (*in[k])[own] != 1;
      }
      if (!size.empty() && moves == before) {
        size[size.rank() - 1] *= shape[axis];
      } else {
        for (std::size_t k = 0; k < N; ++k) step[k].push_back(moves[k]);
        size.push_back(shape[axis]);
      }
      before = moves;
    }
    if (size.empty()) {
      size.push_back(1);
      for (Shape& s : step) s.push_back(1);
    }
    for (Shape& s : step) {
      Index stride = 1;
      for (Index axis = s.rank() - 1; axis >= 0; --axis) {
        if (s[axis] == 0) continue;
        s[axis] = stride;
        stride *= size[axis];
      }
    }
  }

  Index inner() const { return size.back(); }

  Position seek(Index flat) const {
    Position p;
    for (Index axis = size.rank() - 1; axis >= 0; --axis) {
      p.at[static_cast<std::size_t>(axis)] = flat % size[axis];
      for (std::size_t k = 0; k < N; ++k) p.offset[k] += flat % size[axis] * step[k][axis];
      flat /= size[axis];
    }
    return p;
  }

  /// What is left of the inner axis.
  Index run(const Position& p) const {
    return inner() - p.at[static_cast<std::size_t>(size.rank() - 1)];
  }

  /// Moves on by `count` elements, at most to the end of the inner axis.
  void advance(Position& p, Index count) const {
    Index axis = size.rank() - 1;
    p.at[static_cast<std::size_t>(axis)] += count;
    for (std::size_t k = 0; k < N; ++k) p.offset[k] += count * step[k][axis];
    for (; axis > 0 && p.at[static_cast<std::size_t>(axis)] == size[axis]; --axis) {
      p.at[static_cast<std::size_t>(axis)] = 0;
      ++p.at[static_cast<std::size_t>(axis - 1)];
      for (std::size_t k = 0; k < N; ++k) {
        p.offset[k] += step[k][axis - 1] - size[axis] * step[k][axis];
      }
    }
  }

  Shape size;
  std::array<Shape, N> step{};
};

/// A vector of `V` from numbers of that type, or from bool as 0 and 1.
template <class V, class In>
EIGENGRAD_INLINE V load_as(const In* p) {
  if constexpr (std::is_same_v<In, simd::Element<V>>) {
    return simd::load<V>(p);
  } else {
    static_assert(std::is_same_v<In, bool> && sizeof(bool) == 1);
    constexpr int kLanes = static_cast<int>(simd::kSize<V>);
    using Bytes = typename simd::detail::VecOf<unsigned char, kLanes>::type;
    using Shorts = typename simd::detail::VecOf<std::int16_t, 2 * kLanes>::type;
    using Ints = typename simd::detail::VecOf<std::int32_t, 4 * kLanes>::type;
    Bytes bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    // Twice the width at a time is an instruction; GCC 12 makes one conversion of it lane by lane.
    const Shorts shorts = __builtin_convertvector(bytes, Shorts);
    const Ints ints = __builtin_convertvector(shorts, Ints);
    return __builtin_convertvector(ints, V);
  }
}
template <class V, class In>
EIGENGRAD_INLINE V load_partial_as(const In* p, Index n) {
  V v{};
  for (Index i = 0; i < n; ++i) v[i] = static_cast<simd::Element<V>>(p[i]);
  return v;
}

/// An input along the inner axis. One that stands still is a vector of copies that the loop loads
/// again and again, so that the loop is the same for every kind of broadcasting.
template <class In, Index Lanes>
struct Cursor {
  EIGENGRAD_INLINE Cursor(const In* data, Index step) : p(data), advance(step == 0 ? 0 : Lanes) {
    if (step == 0) {
      for (Index i = 0; i < Lanes; ++i) copies[i] = *data;
      p = copies;
    }
  }
  const In* p;
  Index advance;
  In copies[Lanes];
};

template <class In>
struct Stream {
  const In* p;
  Index advance;
};

template <class V, class F, class... In>
EIGENGRAD_INLINE void map_line(F f, simd::Element<V>* out, Index n, Stream<In>... in) {
  Index i = 0;
  for (; i + simd::kSize<V> <= n; i += simd::kSize<V>) {
    simd::store<V>(out + i, f(load_as<V>(in.p)...));
    ((in.p += in.advance), ...);
  }
  if (i < n) simd::store_partial<V>(out + i, f(load_partial_as<V>(in.p, n - i)...), n - i);
}

inline constexpr Index kGatherLine = 256;

template <class In>
struct Line {
  In v[kGatherLine];
};

/// out[0, count) = f of the inputs at [begin, begin + count) of the result.
template <class T, class F, class... In>
struct BroadcastRange {
  using Loop = BroadcastLoop<sizeof...(In)>;

  template <class Arch>
  static EIGENGRAD_INLINE void run(F f, T* out, Index begin, Index count, const Loop* loop,
                                   const In*... in) {
    using V = simd::Vec<T, Arch>;
    if (loop->inner() < simd::kSize<V> && loop->size.rank() > 1) {
      gathered<V>(f, out, begin, count, *loop, std::index_sequence_for<In...>(), in...,
                  Line<In>()...);
    } else {
      by_run<V>(f, out, begin, count, *loop, std::index_sequence_for<In...>(), in...);
    }
  }

 private:
  template <class V, std::size_t... K>
  static EIGENGRAD_INLINE void by_run(F f, T* out, Index begin, Index count, const Loop& loop,
                                      std::index_sequence<K...>, const In*... in) {
    typename Loop::Position at = loop.seek(begin);
    while (count > 0) {
      const Index n = std::min(loop.run(at), count);
      line<V>(f, out, n, Cursor<In, simd::kSize<V>>(in + at.offset[K], loop.step[K].back())...);
      loop.advance(at, n);
      out += n;
      count -= n;
    }
  }

  template <class V>
  static EIGENGRAD_INLINE void line(F f, T* out, Index n, Cursor<In, simd::kSize<V>>&&... in) {
    map_line<V>(f, out, n, Stream<In>{in.p, in.advance}...);
  }

  /// A short inner axis: lines of inputs are put together first, so that f still sees vectors.
  template <class V, std::size_t... K>
  static EIGENGRAD_INLINE void gathered(F f, T* out, Index begin, Index count, const Loop& loop,
                                        std::index_sequence<K...>, const In*... in,
                                        Line<In>&&... lines) {
    typename Loop::Position at = loop.seek(begin);
    while (count > 0) {
      const Index want = std::min(count, kGatherLine);
      for (Index filled = 0; filled < want;) {
        const Index n = std::min(loop.run(at), want - filled);
        (gather(lines.v + filled, in + at.offset[K], n, loop.step[K].back()), ...);
        loop.advance(at, n);
        filled += n;
      }
      map_line<V>(f, out, want, Stream<In>{lines.v, simd::kSize<V>}...);
      out += want;
      count -= want;
    }
  }

  template <class U>
  static EIGENGRAD_INLINE void gather(U* line, const U* in, Index n, Index step) {
    for (Index i = 0; i < n; ++i) line[i] = in[i * step];
  }
};

/// The input of a reduction that is computed block by block, never stored whole.
template <class T, class F, class... In>
struct MapSource {
  static constexpr bool kComputes = true;

  MapSource(F function, const Shape& shape, const NdArray<In>&... arrays)
      : f(function), loop(shape, arrays.shape()...), in(arrays.data()...) {}

  ReductionBlock<T> block(Index begin, Index rows, Index width, Index stride, T* buffer) const {
    if (width == stride) {
      compute(begin, rows * width, buffer);
    } else {
      for (Index r = 0; r < rows; ++r) compute(begin + r * stride, width, buffer + r * width);
    }
    return {buffer, width};
  }

  void compute(Index begin, Index count, T* out) const {
    std::apply(
        [&](const In*... p) {
          simd::dispatch<BroadcastRange<T, F, In...>>(f, out, begin, count, &loop, p...);
        },
        in);
  }

  F f;
  BroadcastLoop<sizeof...(In)> loop;
  std::tuple<const In*...> in;
};

/// `shape` with axes of size 1 put in front until it has `rank` of them.
inline Shape pad_rank(const Shape& shape, Index rank) {
  Shape out = Shape::filled(rank - shape.rank(), 1);
  for (Index size : shape) out.push_back(size);
  return out;
}

}  // namespace detail

/// out[i] = f(in0[i], in1[i], ...), where each input has a shape that broadcasts to `shape`.
///
/// `f` is as in `map`; an input of bool reaches it as a vector of 0 and 1.
template <class T, class F, class... In>
NdArray<T> broadcast_map(F f, const Shape& shape, const NdArray<In>&... in) {
  NdArray<T> out(shape);
  const detail::MapSource<T, F, In...> source(f, shape, in...);
  parallel_for(out.numel(), kElementGrain, [&](Index begin, Index end) {
    source.compute(begin, end - begin, out.data() + begin);
  });
  return out;
}

/// The un-broadcast sum: adds up `x` along the axes that `shape` had to be stretched by, so that a
/// gradient gets the shape of the input it belongs to. Without such axes it is `x` itself, shared.
template <class T>
NdArray<T> reduce_to(const NdArray<T>& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (x.numel() == shape.numel()) return x.reshape(shape);
  return reduce<SumOp, T>(ArraySource<T>{x.data()}, x.shape(), detail::pad_rank(shape, x.rank()))
      .reshape(shape);
}

/// `reduce_to(broadcast_map(f, from, in...), to)` without the array in between.
template <class T, class F, class... In>
NdArray<T> broadcast_map_reduce_to(F f, const Shape& from, const Shape& to,
                                   const NdArray<In>&... in) {
  if (from.numel() == to.numel()) return broadcast_map<T>(f, from, in...).reshape(to);
  return reduce<SumOp, T>(detail::MapSource<T, F, In...>(f, from, in...), from,
                          detail::pad_rank(to, from.rank()))
      .reshape(to);
}

EIGENGRAD_INSTANTIATE(NdArray<float> reduce_to(const NdArray<float>&, const Shape&))
EIGENGRAD_INSTANTIATE(NdArray<double> reduce_to(const NdArray<double>&, const Shape&))

}  // namespace eigengrad::kernels

EIGENGRAD_END_VECTORS
