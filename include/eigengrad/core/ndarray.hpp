// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>

#include <Eigen/Core>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/shape.hpp>

namespace eigengrad {

/// Eigen's views of an array: the only place where their layout is written down.
template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using MatrixMap = Eigen::Map<Matrix<T>>;
template <class T>
using ConstMatrixMap = Eigen::Map<const Matrix<T>>;
template <class T>
using ArrayMap = Eigen::Map<Eigen::Array<T, Eigen::Dynamic, 1>>;
template <class T>
using ConstArrayMap = Eigen::Map<const Eigen::Array<T, Eigen::Dynamic, 1>>;

/// Numbers with a shape, and nothing of gradients: contiguous, row-major, up to six axes.
///
/// A copy shares the numbers (as in NumPy's `b = a`); `clone()` copies them. `T` is any plain
/// type: float and double for work, Index for labels, bool for masks.
template <class T>
class NdArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using value_type = T;

  /// An array without storage; `defined()` is false.
  NdArray() = default;

  /// Uninitialised numbers of this shape. **Throws** ShapeError on a negative size or more
  /// elements than can be counted.
  explicit NdArray(const Shape& shape)
      : shape_(check(shape)),
        numel_(shape.numel()),
        buffer_(static_cast<std::size_t>(numel_) * sizeof(T)) {}

  /// `NdArray<float>({2, 3}, {1, 2, 3, 4, 5, 6})`. **Throws** ShapeError on a wrong count.
  NdArray(const Shape& shape, std::initializer_list<T> values)
      : NdArray(shape, std::span<const T>(values.begin(), values.size())) {}

  /// Copies `values`. **Throws** ShapeError on a wrong count.
  NdArray(const Shape& shape, std::span<const T> values) : NdArray(shape) {
    if (static_cast<Index>(values.size()) != numel_) {
      throw ShapeError(
          detail::concat("[array] ", shape, " needs ", numel_, " values, got ", values.size()));
    }
    std::copy(values.begin(), values.end(), data());
  }

  /// Evaluates any Eigen expression; a vector gives rank 1, a matrix rank 2.
  template <class Derived>
  NdArray(const Eigen::DenseBase<Derived>& expression)  // NOLINT: implicit by intent
      : NdArray(Derived::IsVectorAtCompileTime ? Shape{expression.size()}
                                               : Shape{expression.rows(), expression.cols()}) {
    const Index cols = Derived::IsVectorAtCompileTime ? 1 : expression.cols();
    if constexpr (Derived::IsVectorAtCompileTime && Derived::RowsAtCompileTime == 1) {
      MatrixMap<T>(data(), 1, expression.cols()) = expression.derived().matrix();
    } else {
      MatrixMap<T>(data(), expression.rows(), cols) = expression.derived().matrix();
    }
  }

  /// Whole numbers of another type: `NdArray<int>` labels are as good as `NdArray<Index>`. A copy.
  template <std::integral I>
  requires(std::same_as<T, Index> && !std::same_as<I, Index> && !std::same_as<I, bool>)
      NdArray(const NdArray<I>& other)  // NOLINT: implicit by intent
      : NdArray(other.template astype<Index>()) {}

  static NdArray full(const Shape& shape, T value) {
    NdArray out(shape);
    out.fill(value);
    return out;
  }
  static NdArray zeros(const Shape& shape) { return full(shape, T{}); }
  static NdArray ones(const Shape& shape) { return full(shape, T{1}); }
  static NdArray scalar(T value) { return full(Shape{}, value); }

  /// 0, 1, ..., n-1 as a vector.
  static NdArray arange(Index n) {
    NdArray out(Shape{n});
    for (Index i = 0; i < n; ++i) out.data()[i] = static_cast<T>(i);
    return out;
  }
  /// start, start + step, ... before `end`. **Throws** ValueError unless `step` leads from `start`
  /// towards `end`.
  static NdArray arange(T start, T end, T step = T{1}) {
    const double count = std::ceil((static_cast<double>(end) - static_cast<double>(start)) /
                                   static_cast<double>(step));
    if (!(count >= 0 && count < 9e15)) {
      throw ValueError(detail::concat("[arange] step must lead from start to end: start ", start,
                                      ", end ", end, ", step ", step));
    }
    NdArray out(Shape{static_cast<Index>(count)});
    for (Index i = 0; i < out.numel(); ++i) {
      out.data()[i] = static_cast<T>(start + static_cast<T>(i) * step);
    }
    return out;
  }
  /// `count` numbers at equal distances from `start` to `end`, both included; `start` alone if
  /// `count` is 1. **Throws** ShapeError if it is negative.
  static NdArray linspace(T start, T end, Index count) requires std::floating_point<T> {
    NdArray out(Shape{count});
    const T step = (end - start) / static_cast<T>(std::max<Index>(1, count - 1));
    for (Index i = 0; i < count; ++i) {  // from both ends, so that both are exact
      out.data()[i] = 2 * i < count ? start + static_cast<T>(i) * step
                                    : end - static_cast<T>(count - 1 - i) * step;
    }
    return out;
  }
  /// 1 on the diagonal of a matrix, 0 elsewhere; square without `cols`.
  static NdArray eye(Index rows, Index cols) {
    NdArray out = zeros(Shape{rows, cols});
    for (Index i = 0; i < std::min(rows, cols); ++i) out.data()[i * cols + i] = T{1};
    return out;
  }
  static NdArray eye(Index n) { return eye(n, n); }

  bool defined() const { return buffer_.data() != nullptr; }
  const Shape& shape() const& { return shape_; }
  Shape shape() const&& { return shape_; }
  Index rank() const { return shape_.rank(); }
  Index numel() const { return numel_; }
  /// Size of one axis; negative axes count from the end.
  Index dim(Index axis) const { return shape_[detail::normalize_axis("dim", axis, rank())]; }
  /// Size of the last axis; 1 for a scalar.
  Index cols() const { return rank() == 0 ? 1 : shape_.back(); }
  /// Product of all axes but the last.
  Index rows() const { return detail::numel_between(shape_, 0, rank() - 1); }

  // The numbers of a temporary array may be gone in the next statement. So pointers into it do not
  // compile (give the array a name), and its elements and Eigen's views are copies.
  T* data() & { return static_cast<T*>(buffer_.data()); }
  const T* data() const& { return static_cast<const T*>(buffer_.data()); }
  const T* data() const&& = delete;
  /// The storage of the numbers; copies of the array share it.
  const detail::Buffer& buffer() const& { return buffer_; }
  detail::Buffer buffer() const&& { return buffer_; }
  T* begin() & { return data(); }
  T* end() & { return data() + numel_; }
  const T* begin() const& { return data(); }
  const T* end() const& { return data() + numel_; }
  const T* begin() const&& = delete;
  const T* end() const&& = delete;

  /// One element: `a(i, j)`. **Throws** ShapeError outside the array.
  template <std::convertible_to<Index>... I>
  T& operator()(I... index) & {
    return data()[offset({static_cast<Index>(index)...})];
  }
  template <std::convertible_to<Index>... I>
  const T& operator()(I... index) const& {
    return data()[offset({static_cast<Index>(index)...})];
  }
  template <std::convertible_to<Index>... I>
  T operator()(I... index) const&& {
    return (*this)(index...);
  }

  /// The value of an array with one element. **Throws** ShapeError otherwise.
  T item() const {
    if (numel_ != 1 || !defined()) {
      throw ShapeError(detail::concat("[item] needs one element, shape is ", shape_));
    }
    return *data();
  }

  /// Eigen view (all leading axes, last axis); a scalar is (1, 1).
  MatrixMap<T> matrix() & { return {data(), rows(), cols()}; }
  ConstMatrixMap<T> matrix() const& { return {data(), rows(), cols()}; }
  const Matrix<T> matrix() const&& { return matrix(); }
  /// Flat Eigen view.
  ArrayMap<T> array() & { return {data(), numel_}; }
  ConstArrayMap<T> array() const& { return {data(), numel_}; }
  const Eigen::Array<T, Eigen::Dynamic, 1> array() const&& { return array(); }

  /// The same numbers under another shape (shared, not copied). One size may be -1.
  /// **Throws** ShapeError when the counts differ.
  NdArray reshape(Shape shape) const {
    NdArray out = *this;
    out.shape_ = infer(std::move(shape));
    return out;
  }

  /// The numbers as another type, each converted as C++ does.
  template <class U>
  NdArray<U> astype() const {
    if (!defined()) return {};
    NdArray<U> out(shape_);
    std::transform(begin(), end(), out.begin(), [](T x) { return static_cast<U>(x); });
    return out;
  }

  NdArray clone() const {
    if (!defined()) return {};
    NdArray out(shape_);
    parallel_for(numel_, 4 * kElementGrain,
                 [&](Index i, Index end) { std::copy(data() + i, data() + end, out.data() + i); });
    return out;
  }

  /// Makes sure that writing here changes no other array: copies if the storage is shared.
  void make_unique() {
    if (defined() && !buffer_.unique()) *this = clone();
  }
  bool unique() const { return buffer_.unique(); }

  /// Drops the numbers and keeps the shape; `defined()` is false from then on.
  void drop_storage() { buffer_ = detail::Buffer(); }

  void fill(T value) { std::fill(begin(), end(), value); }

 private:
  static const Shape& check(const Shape& shape) {
    Index bytes = sizeof(T);
    bool fits = true;
    for (Index size : shape) {
      if (size < 0) {
        throw ShapeError(detail::concat("[array] sizes must not be negative: ", shape));
      }
      fits = fits && !__builtin_mul_overflow(bytes, size, &bytes);
    }
    if (!fits && !shape.contains(0)) {
      throw ShapeError(detail::concat("[array] too many elements: ", shape));
    }
    return shape;
  }

  Shape infer(Shape shape) const {
    Index known = 1;
    Index unknown = -1;
    for (Index axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] == -1 && unknown < 0) {
        unknown = axis;
      } else {
        known *= shape[axis];
      }
    }
    Shape out = shape;
    if (unknown >= 0 && known > 0) out[unknown] = numel_ / known;
    if (out.numel() != numel_ || std::any_of(out.begin(), out.end(), [](Index n) { return n < 0; }))
      throw ShapeError(detail::concat("[reshape] ", shape_, " has ", numel_,
                                      " elements and cannot become ", shape));
    return out;
  }

  Index offset(std::initializer_list<Index> index) const {
    bool inside = static_cast<Index>(index.size()) == rank();
    Index at = 0;
    Index axis = 0;
    for (Index i : index) {
      if (!inside) break;
      inside = i >= 0 && i < shape_[axis];
      at = at * shape_[axis++] + i;
    }
    if (!inside) {
      throw ShapeError(detail::concat("[index] ", Shape(index.begin(), index.end()),
                                      " is not an element of ", shape_));
    }
    return at;
  }

  Shape shape_;
  Index numel_ = 0;
  detail::Buffer buffer_;
};

}  // namespace eigengrad
