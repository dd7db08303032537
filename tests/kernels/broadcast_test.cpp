// SPDX-License-Identifier: MIT
#include <eigengrad/kernels/broadcast.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;

namespace kernels = eg::kernels;

namespace {

struct HeightWidth {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& a, const V& b) const {
    return a * eg::simd::Element<V>(1000) + b;
  }
};
struct Triple {
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& mask, const V& a, const V& b) const {
    return mask * a + b;
  }
};

/// Where element `flat` of `shape` lies in an input of shape `own`, by NumPy's rule.
Index source(Index flat, const Shape& shape, const Shape& own) {
  Index at = 0;
  Index step = 1;
  for (Index i = 1; i <= shape.rank(); ++i) {
    const Index position = flat % shape[shape.rank() - i];
    flat /= shape[shape.rank() - i];
    if (i > own.rank()) continue;
    if (own[own.rank() - i] != 1) at += position * step;
    step *= own[own.rank() - i];
  }
  return at;
}

const std::pair<Shape, Shape> kPairs[] = {
    {{}, {}},
    {{1}, {1, 1}},
    {{40}, {40}},
    {{40}, {}},
    {{}, {40}},
    {{3, 40}, {40}},
    {{40}, {3, 40}},
    {{3, 1}, {3, 40}},
    {{3, 1}, {1, 40}},
    {{50, 3}, {3}},
    {{50, 3}, {50, 1}},
    {{7, 1, 3}, {1, 5, 1}},
    {{4, 9, 20}, {9, 1}},
    {{4, 1, 20}, {9, 1}},
    {{4, 1, 20}, {4, 9, 1}},
    {{2, 3, 1, 5}, {2, 1, 4, 1}},
    {{2, 1, 2, 1, 2, 1}, {1, 3, 1, 3, 1, 3}},
    {{2, 3, 4, 5, 6, 7}, {4, 1, 6, 1}},
    {{0, 3}, {3}},
    {{0, 3}, {1, 1}},
    {{1, 3}, {0, 1}},
};

}  // namespace

TEMPLATE_TEST_CASE("broadcast: every element comes from where NumPy says", "", float, double) {
  using T = TestType;
  const auto check = [](const Shape& first, const Shape& second) {
    INFO(first.str() << " and " << second.str());
    const Shape shape = eg::detail::broadcast_shapes("test", first, second);
    const NdArray<T> a = NdArray<T>::arange(first.numel()).reshape(first);
    const NdArray<T> b = NdArray<T>::arange(second.numel()).reshape(second);
    const NdArray<T> out = kernels::broadcast_map<T>(HeightWidth(), shape, a, b);
    REQUIRE(out.shape() == shape);
    Index wrong = 0;
    for (Index i = 0; i < out.numel(); ++i) {
      const T expected =
          a.data()[source(i, shape, first)] * T(1000) + b.data()[source(i, shape, second)];
      wrong += out.data()[i] != expected;
    }
    CHECK(wrong == 0);
  };
  for (const auto& [first, second] : kPairs) {
    check(first, second);
    check(second, first);
  }
  for (Index n = 1; n < 40; ++n) {
    check({5, n}, {n});
    check({5, n}, {5, 1});
    check({3, 1, n}, {2, 1});
    check({n, 2}, {2});
  }
}

TEST_CASE("broadcast: large arrays are cut into ranges anywhere") {
  // Rows of 1003 do not divide the grain: ranges begin inside rows.
  for (const Shape& own : {Shape{1003}, Shape{70, 1}, Shape{}, Shape{70, 1003}}) {
    const Shape shape{70, 1003};
    const NdArray<float> a = test::random<float>(shape, 1);
    const NdArray<float> b = test::random<float>(own, 2);
    test::check_threads(
        [&] { return std::vector{kernels::broadcast_map<float>(HeightWidth(), shape, a, b)}; });
  }
}

TEMPLATE_TEST_CASE("broadcast: masks are 0 and 1", "", float, double) {
  using T = TestType;
  for (const Shape& own : {Shape{4, 37}, Shape{37}, Shape{4, 1}, Shape{}, Shape{74, 2}}) {
    const Shape shape = own == Shape{74, 2} ? own : Shape{4, 37};
    NdArray<bool> mask(own);
    for (Index i = 0; i < mask.numel(); ++i) mask.data()[i] = i % 3 != 1;
    const NdArray<T> a = NdArray<T>::arange(shape.numel()).reshape(shape);
    const NdArray<T> b = NdArray<T>::full({}, 5);
    const NdArray<T> out = kernels::broadcast_map<T>(Triple(), shape, mask, a, b);
    for (Index i = 0; i < out.numel(); ++i) {
      CHECK(out.data()[i] == (mask.data()[source(i, shape, own)] ? T(i) : T(0)) + 5);
    }
  }
}

TEST_CASE("reduce_to: adds up what each element was stretched to") {
  for (const auto& [first, second] : kPairs) {
    const Shape shape = eg::detail::broadcast_shapes("test", first, second);
    const NdArray<double> x = test::random(shape, 3);
    for (const Shape& own : {first, second}) {
      INFO(shape.str() << " to " << own.str());
      NdArray<double> expected = NdArray<double>::zeros(own);
      for (Index i = 0; i < x.numel(); ++i) {
        expected.data()[source(i, shape, own)] += x.data()[i];
      }
      CHECK_CLOSE(kernels::reduce_to(x, own), expected, 1e-13);
    }
  }
}

TEST_CASE("reduce_to: without stretched axes it is the array itself") {
  const NdArray<float> x = test::random<float>({2, 1, 3}, 1);
  const auto same = kernels::reduce_to(x, {2, 1, 3});
  CHECK(same.data() == x.data());
  const NdArray<float> y = test::random<float>({1, 1, 3}, 1);
  const auto reshaped = kernels::reduce_to(y, {3});
  CHECK(reshaped.data() == y.data());
  CHECK(kernels::reduce_to(y, {3}).shape() == Shape{3});
}

TEST_CASE("broadcast_map_reduce_to: the same as one after the other") {
  for (const auto& [first, second] : kPairs) {
    const Shape shape = eg::detail::broadcast_shapes("test", first, second);
    const NdArray<double> a = test::random(first, 1);
    const NdArray<double> b = test::random(second, 2);
    const NdArray<double> whole = kernels::broadcast_map<double>(HeightWidth(), shape, a, b);
    for (const Shape& own : {first, second}) {
      INFO(shape.str() << " to " << own.str());
      CHECK_SAME(kernels::broadcast_map_reduce_to<double>(HeightWidth(), shape, own, a, b),
                 kernels::reduce_to(whole, own));
    }
  }
  SECTION("also where it is cut into blocks") {
    for (const auto& [shape, own] : {std::pair<Shape, Shape>{{300, 192}, {192}},
                                     {{300, 192}, {300, 1}},
                                     {{40000}, {}},
                                     {{3, 9000}, {3, 1}},
                                     {{200, 3000}, {3000}},
                                     {{9000, 5}, {5}},
                                     {{20, 30, 40}, {30, 1}}}) {
      INFO(shape.str() << " to " << own.str());
      const NdArray<float> a = test::random<float>(shape, 1);
      const NdArray<float> b = test::random<float>({shape.back()}, 2);
      const NdArray<float> whole = kernels::broadcast_map<float>(HeightWidth(), shape, a, b);
      CHECK_SAME(kernels::broadcast_map_reduce_to<float>(HeightWidth(), shape, own, a, b),
                 kernels::reduce_to(whole, own));
    }
  }
}
