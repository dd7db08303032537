// SPDX-License-Identifier: MIT
#include <eigengrad/ops/argmax.hpp>
#include <eigengrad/ops/compare.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

using Mask = NdArray<bool>;

template <class A, class B>
concept HasEqual = requires(const A& a, const B& b) {
  a == b;
};

}  // namespace

TEMPLATE_TEST_CASE("compare: value", "", float, double) {
  using T = TestType;
  const Tensor<T> a({2, 2}, {1, 2, 3, 4});
  const Tensor<T> b({2}, {2, 3});
  CHECK_SAME(eg::eq(a, b), Mask({2, 2}, {false, false, false, false}));
  CHECK_SAME(eg::ne(a, b.value()), Mask({2, 2}, {true, true, true, true}));
  CHECK_SAME(a < b, Mask({2, 2}, {true, true, false, false}));
  CHECK_SAME(a.value() >= b, Mask({2, 2}, {false, false, true, true}));
  CHECK_SAME(a <= 2, Mask({2, 2}, {true, true, false, false}));
  CHECK_SAME(2.5 > a, Mask({2, 2}, {true, true, false, false}));
  CHECK_SAME(2 < a, Mask({2, 2}, {false, false, true, true}));
  CHECK_SAME(2 <= a, Mask({2, 2}, {false, true, true, true}));
  CHECK_SAME(2 >= a, Mask({2, 2}, {true, true, false, false}));
  CHECK_SAME(eg::eq(a, 3), Mask({2, 2}, {false, false, true, false}));
  CHECK_SAME(eg::eq(eg::argmax(a), NdArray<int>({2}, {1, 0})), Mask({2}, {true, false}));
}

TEST_CASE("compare: no mask has a gradient, and there is no ==") {
  STATIC_REQUIRE(std::is_same_v<decltype(Tensor<float>() < 1), Mask>);
  STATIC_REQUIRE(!HasEqual<Tensor<float>, Tensor<float>>);
  STATIC_REQUIRE(!HasEqual<NdArray<float>, float>);
}

TEST_CASE("compare: edge") {
  SECTION("a number is rounded to the type of a floating-point array, and of no other") {
    CHECK_SAME(eg::eq(NdArray<float>({2}, {0.1f, 0.2f}), 0.1), Mask({2}, {true, false}));
    CHECK_SAME(NdArray<Index>({3}, {0, 1, 2}) > 0.5, Mask({3}, {false, true, true}));
    const Index large = (Index{1} << 53) + 1;
    CHECK_SAME(eg::eq(NdArray<Index>({1}, {large}), large - 1), Mask({1}, {false}));
    CHECK_SAME(eg::lt(NdArray<float>({1}, {0.1f}), NdArray<double>({1}, {0.1})),
               Mask({1}, {false}));
  }
  SECTION("size 0 and scalars") {
    CHECK((Tensor<float>::zeros({0, 3}) < 1).shape() == Shape{0, 3});
    CHECK((Tensor<float>::zeros({0, 3}) < Tensor<float>::zeros({1})).shape() == Shape{0, 3});
    CHECK((Tensor<float>::scalar(2) > Tensor<float>::scalar(1)).item());
  }
  SECTION("the same on any number of threads, at lengths around a range") {
    const NdArray<float> x = test::random<float>({3, 70, 301}, 1);
    const NdArray<float> y = test::random<float>({70, 1}, 2);
    test::check_threads([&] { return std::vector{x < y, eg::isnan(x), y >= x}; });
  }
}

TEST_CASE("compare: error") {
  CHECK_ERROR(Tensor<float>::zeros({2, 3}) < Tensor<float>::zeros({2}), eg::ShapeError,
              "[lt] shapes do not broadcast: (2, 3), (2); aligned from the right, sizes must be "
              "equal or 1");
  CHECK_ERROR(eg::eq(NdArray<Index>(), 1), eg::ValueError, "[eq] a is undefined");
  CHECK_ERROR(eg::ge(NdArray<float>::ones({2}), NdArray<float>()), eg::ValueError,
              "[ge] b is undefined");
  CHECK_ERROR(eg::isfinite(NdArray<float>()), eg::ValueError, "[isfinite] x is undefined");
}

TEMPLATE_TEST_CASE("compare: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("compare");
  const NdArray<T> a = reference.get<T>("a");
  for (const std::string kind : {"same", "row", "column"}) {
    INFO(kind);
    const NdArray<T> b = reference.get<T>(kind);
    CHECK_SAME(eg::eq(a, b), reference.get<bool>("eq_" + kind));
    CHECK_SAME(eg::ne(a, b), reference.get<bool>("ne_" + kind));
    CHECK_SAME(eg::lt(a, b), reference.get<bool>("lt_" + kind));
    CHECK_SAME(eg::le(a, b), reference.get<bool>("le_" + kind));
    CHECK_SAME(eg::gt(a, b), reference.get<bool>("gt_" + kind));
    CHECK_SAME(eg::ge(a, b), reference.get<bool>("ge_" + kind));
  }
  CHECK_SAME(eg::eq(a, 1), reference.get<bool>("eq_scalar"));
  CHECK_SAME(eg::ne(a, 1), reference.get<bool>("ne_scalar"));
  CHECK_SAME(a < 1, reference.get<bool>("lt_scalar"));
  CHECK_SAME(a <= 1, reference.get<bool>("le_scalar"));
  CHECK_SAME(a > 1, reference.get<bool>("gt_scalar"));
  CHECK_SAME(a >= 1, reference.get<bool>("ge_scalar"));
  const NdArray<T> special = reference.get<T>("special");
  CHECK_SAME(eg::isnan(special), reference.get<bool>("isnan"));
  CHECK_SAME(eg::isfinite(Tensor<T>(special)), reference.get<bool>("isfinite"));
}
