// SPDX-License-Identifier: MIT
#include <algorithm>

#include <eigengrad/kernels/permute.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;

namespace {

/// The axes of x in another order, element by element.
template <class T>
NdArray<T> permuted(const NdArray<T>& x, const Shape& axes) {
  Shape shape;
  for (Index axis : axes) shape.push_back(x.shape()[axis]);
  NdArray<T> y(shape);
  const Shape strides = eg::detail::row_major_strides(x.shape());
  for (Index i = 0; i < y.numel(); ++i) {
    Index rest = i;
    Index from = 0;
    for (Index k = shape.rank() - 1; k >= 0; --k) {
      from += rest % shape[k] * strides[axes[k]];
      rest /= shape[k];
    }
    y.data()[i] = x.data()[from];
  }
  return y;
}

template <class T>
NdArray<T> copied(const NdArray<T>& x, const Shape& axes) {
  Shape shape, strides;
  for (Index axis : axes) {
    shape.push_back(x.shape()[axis]);
    strides.push_back(eg::detail::row_major_strides(x.shape())[axis]);
  }
  NdArray<T> y(shape);
  eg::kernels::copy_strided(y.data(), eg::detail::row_major_strides(shape), x.data(), strides,
                            shape);
  return y;
}

template <class T>
NdArray<T> counted(const Shape& shape) {
  return NdArray<T>::arange(shape.numel()).reshape(shape);
}

}  // namespace

TEMPLATE_TEST_CASE("permute kernel: every order of the axes", "", float, double, Index,
                   std::int8_t) {
  using T = TestType;
  for (const Shape& shape : {Shape{2, 3, 4, 5}, Shape{1, 17, 3, 9}, Shape{8, 1, 16, 1}}) {
    const NdArray<T> x = counted<T>(shape);
    Shape axes{0, 1, 2, 3};
    do {
      CHECK_SAME(copied(x, axes), permuted(x, axes));
    } while (std::next_permutation(axes.begin(), axes.end()));
  }
}

TEMPLATE_TEST_CASE("permute kernel: squares and their edges", "", float, double) {
  using T = TestType;
  for (Index rows : {1, 2, 3, 7, 8, 15, 16, 17, 33, 70}) {
    for (Index cols : {1, 2, 3, 7, 8, 15, 16, 17, 33, 64, 65, 130}) {
      const NdArray<T> x = counted<T>({2, rows, cols});
      CHECK_SAME(copied(x, {0, 2, 1}), permuted(x, {0, 2, 1}));
      CHECK_SAME(copied(x, {2, 0, 1}), permuted(x, {2, 0, 1}));
    }
  }
}

TEST_CASE("permute kernel: large arrays, any number of threads") {
  for (const Shape& shape : {Shape{7, 130, 65}, Shape{3, 5, 40, 70}}) {
    const NdArray<float> x = counted<float>(shape);
    Shape axes;
    for (Index i = shape.rank() - 1; i >= 0; --i) axes.push_back(i);
    for (const int n : {1, 2, 4}) {
      const test::Threads guard(n);
      CHECK_SAME(copied(x, axes), permuted(x, axes));
      std::swap(axes[0], axes[1]);
    }
  }
}

TEMPLATE_TEST_CASE("copy_strided: regions, steps, repeats and sums", "", float, double) {
  using T = TestType;
  const NdArray<T> x = counted<T>({3, 4});
  NdArray<T> y = NdArray<T>::full({4, 6}, T(-1));
  eg::kernels::copy_strided(y.data() + 7, {6, 1}, x.data(), {4, 1}, {3, 4});
  CHECK_SAME(y, NdArray<T>({4, 6}, {-1, -1, -1, -1, -1, -1, -1, 0, 1, 2,  3,  -1,
                                    -1, 4,  5,  6,  7,  -1, -1, 8, 9, 10, 11, -1}));
  eg::kernels::copy_strided<true>(y.data() + 7, {6, 1}, x.data(), {4, 1}, {3, 4});
  CHECK_SAME(y, NdArray<T>({4, 6}, {-1, -1, -1, -1, -1, -1, -1, 0,  2,  4,  6,  -1,
                                    -1, 8,  10, 12, 14, -1, -1, 16, 18, 20, 22, -1}));
  NdArray<T> every_second({3, 2});
  eg::kernels::copy_strided(every_second.data(), {2, 1}, x.data() + 1, {4, 2}, {3, 2});
  CHECK_SAME(every_second, NdArray<T>({3, 2}, {1, 3, 5, 7, 9, 11}));
  NdArray<T> repeated({2, 3, 2});
  eg::kernels::copy_strided(repeated.data(), {6, 2, 1}, x.data(), {0, 4, 0}, {2, 3, 2});
  CHECK_SAME(repeated, NdArray<T>({2, 3, 2}, {0, 0, 4, 4, 8, 8, 0, 0, 4, 4, 8, 8}));
  eg::kernels::copy_strided(repeated.data(), {6, 2, 1}, x.data(), {0, 4, 0}, {2, 0, 2});
  T scalar = 5;
  eg::kernels::copy_strided(&scalar, {}, x.data() + 3, {}, {});
  CHECK(scalar == T(3));
  for (Index n : {1, 15, 16, 17, 33, 40000}) {
    NdArray<T> sum = NdArray<T>::ones({n});
    const NdArray<T> add = counted<T>({n});
    eg::kernels::copy_strided<true>(sum.data(), {1}, add.data(), {1}, {n});
    CHECK_SAME(sum, NdArray<T>(add.array() + T(1)));
  }
}
