// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include <eigengrad/core/error.hpp>

namespace eigengrad {

/// Sizes, axes and class indices.
using Index = std::int64_t;

/// The largest number of axes an array can have.
inline constexpr Index kMaxRank = 6;

/// A short list of sizes or axes that never touches the heap: `Shape` and axis lists.
///
/// `Shape{}` has rank 0 and is the shape of a scalar.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<Index> sizes) : Shape(sizes.begin(), sizes.end()) {}

  template <class Iterator>
  Shape(Iterator first, Iterator last) {
    for (; first != last; ++first) push_back(static_cast<Index>(*first));
  }

  /// `rank` axes, each of size `value`.
  static Shape filled(Index rank, Index value) {
    Shape s;
    for (Index i = 0; i < rank; ++i) s.push_back(value);
    return s;
  }

  Index rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }

  /// Product of all sizes; 1 for a scalar.
  Index numel() const {
    std::uint64_t n = 1;  // wraps where Index would overflow, as in a huge size times 0
    for (Index size : *this) n *= static_cast<std::uint64_t>(size);
    return static_cast<Index>(n);
  }

  Index& operator[](Index axis) & { return sizes_[static_cast<std::size_t>(axis)]; }
  Index operator[](Index axis) const& { return sizes_[static_cast<std::size_t>(axis)]; }
  Index back() const { return sizes_[static_cast<std::size_t>(rank_ - 1)]; }

  const Index* begin() const& { return sizes_.data(); }
  const Index* end() const& { return sizes_.data() + rank_; }
  Index* begin() & { return sizes_.data(); }
  Index* end() & { return sizes_.data() + rank_; }
  const Index* begin() const&& = delete;  // of a temporary, which dies before its end is asked for
  const Index* end() const&& = delete;

  void push_back(Index size) {
    if (rank_ == kMaxRank) {
      throw ShapeError(detail::concat("[shape] at most ", kMaxRank, " axes are supported"));
    }
    sizes_[static_cast<std::size_t>(rank_++)] = size;
  }

  bool contains(Index value) const { return std::find(begin(), end(), value) != end(); }

  friend bool operator==(const Shape& a, const Shape& b) {
    return a.rank_ == b.rank_ && std::equal(a.begin(), a.end(), b.begin());
  }

  /// `(2, 3)`; a scalar is `()`.
  std::string str() const {
    std::string out = "(";
    for (Index i = 0; i < rank_; ++i) {
      if (i > 0) out += ", ";
      out += std::to_string((*this)[i]);
    }
    return out + ")";
  }

 private:
  std::array<Index, kMaxRank> sizes_{};
  Index rank_ = 0;
};

namespace detail {

/// Maps `axis` in [-rank, rank) to [0, rank). **Throws** ShapeError outside it.
inline Index normalize_axis(const char* op, Index axis, Index rank) {
  const Index normal = axis < 0 ? axis + rank : axis;
  if (normal < 0 || normal >= rank) {
    throw ShapeError(concat("[", op, "] axis ", axis, " is out of range for ", rank,
                            rank == 1 ? " axis" : " axes"));
  }
  return normal;
}

/// Normalises a list of distinct axes; an empty list means all of them.
inline Shape normalize_axes(const char* op, const Shape& axes, Index rank) {
  Shape out;
  if (axes.empty()) {
    for (Index i = 0; i < rank; ++i) out.push_back(i);
    return out;
  }
  std::array<bool, kMaxRank> given{};
  for (Index axis : axes) {
    bool& mark = given[static_cast<std::size_t>(normalize_axis(op, axis, rank))];
    if (mark) throw ShapeError(concat("[", op, "] axis ", axis, " is given twice in ", axes));
    mark = true;
  }
  for (Index i = 0; i < rank; ++i) {
    if (given[static_cast<std::size_t>(i)]) out.push_back(i);
  }
  return out;
}

/// NumPy's rule: aligned from the right, sizes are equal or one of them is 1.
inline Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  Shape out = Shape::filled(std::max(a.rank(), b.rank()), 1);
  for (Index i = 1; i <= out.rank(); ++i) {
    const Index x = i <= a.rank() ? a[a.rank() - i] : 1;
    const Index y = i <= b.rank() ? b[b.rank() - i] : 1;
    if (x != y && x != 1 && y != 1) {
      throw ShapeError(concat("[", op, "] shapes do not broadcast: ", a, ", ", b,
                              "; aligned from the right, sizes must be equal or 1"));
    }
    out[out.rank() - i] = x == 1 ? y : x;
  }
  return out;
}

/// Row-major strides, in elements.
inline Shape row_major_strides(const Shape& shape) {
  Shape strides = shape;
  Index step = 1;
  for (Index i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

/// Product of the sizes of the axes in [first, last).
inline Index numel_between(const Shape& shape, Index first, Index last) {
  Index n = 1;
  for (Index i = first; i < last; ++i) n *= shape[i];
  return n;
}

}  // namespace detail
}  // namespace eigengrad
