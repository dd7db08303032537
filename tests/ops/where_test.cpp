// SPDX-License-Identifier: MIT
#include <eigengrad/ops/where.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/refill.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

NdArray<bool> random_mask(const Shape& shape, std::uint64_t seed) {
  const NdArray<double> u = test::random(shape, seed);
  NdArray<bool> mask(shape);
  for (Index i = 0; i < u.numel(); ++i) mask.data()[i] = u.data()[i] > 0;
  return mask;
}

}  // namespace

TEMPLATE_TEST_CASE("where: value", "", float, double) {
  using T = TestType;
  const Tensor<T> a({2, 2}, {1, 2, 3, 4});
  const Tensor<T> b({2}, {10, 20});
  CHECK_SAME(eg::where(NdArray<bool>({2, 2}, {true, false, false, true}), a, b).value(),
             NdArray<T>({2, 2}, {1, 20, 10, 4}));
  CHECK_SAME(eg::where(NdArray<bool>({2, 1}, {true, false}), a, b).value(),
             NdArray<T>({2, 2}, {1, 2, 10, 20}));
  CHECK_SAME(eg::where(NdArray<bool>::scalar(false), a, b).value(),
             NdArray<T>({2, 2}, {10, 20, 10, 20}));
}

TEST_CASE("where: gradient") {
  const std::array<Shape, 3> cases[] = {
      {{{}, {}, {}}},           {{{3, 17}, {3, 17}, {3, 17}}}, {{{3, 1}, {17}, {3, 17}}},
      {{{8}, {3, 8}, {}}},      {{{2, 1, 5}, {3, 1}, {1, 5}}}, {{{4, 3, 2}, {2}, {4, 1, 1}}},
      {{{33}, {2, 33}, {2, 1}}}};
  for (const auto& [c, a, b] : cases) {
    INFO(c.str() << ", " << a.str() << ", " << b.str());
    const NdArray<bool> condition = random_mask(c, 3);
    const NdArray<double> first = test::random(a, 1);
    const NdArray<double> second = test::random(b, 2);
    // Both must take part for gradcheck to see a gradient, whatever the mask.
    CHECK_GRADIENT(eg::where(condition, x[0], x[1]), {first, second});
  }
}

TEMPLATE_TEST_CASE("where: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  SECTION("any length, and lengths around the width of a vector") {
    for (Index n = 0; n < 70; ++n) {
      const NdArray<bool> condition = random_mask({n}, 7);
      const NdArray<T> a = test::random<T>({n}, 1);
      const NdArray<T> b = test::random<T>({n}, 2);
      const NdArray<T> y = eg::where(condition, Tensor<T>(a), Tensor<T>(b)).value();
      for (Index i = 0; i < n; ++i) CHECK(y(i) == (condition(i) ? a(i) : b(i)));
    }
  }
  SECTION("nothing of the other side passes, forward or backward") {
    const NdArray<bool> condition({2}, {true, false});
    const Tensor<T> a({2}, {1, T(NAN)}, true);
    const Tensor<T> b({2}, {inf, 2}, true);
    const Tensor<T> y = eg::where(condition, a, b);
    CHECK_SAME(y.value(), NdArray<T>({2}, {1, 2}));
    y.backward(NdArray<T>({2}, {inf, inf}));
    CHECK_SAME(a.grad(), NdArray<T>({2}, {inf, 0}));
    CHECK_SAME(b.grad(), NdArray<T>({2}, {0, inf}));
  }
}

TEST_CASE("where: the caller may refill the condition before backward") {
  NdArray<bool> condition({4}, {true, false, false, true});
  CHECK_REFILL(test::random({4}), condition, false,
               [](const auto& x, const auto& c) { return eg::where(c, x, x.detach()); });
}

TEST_CASE("where: error") {
  const auto a = Tensor<float>::zeros({2, 3});
  const auto b = Tensor<float>::zeros({4});
  CHECK_ERROR(eg::where(NdArray<bool>({1}, {true}), a, b), eg::ShapeError,
              "[where] shapes do not broadcast: (2, 3), (4); aligned from the right, sizes must be "
              "equal or 1");
  CHECK_ERROR(eg::where(NdArray<bool>({2}, {true, true}), a, a), eg::ShapeError,
              "[where] shapes do not broadcast: (2), (2, 3); aligned from the right, sizes must be "
              "equal or 1");
}

TEMPLATE_TEST_CASE("where: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("where");
  for (const std::string kind : {"same", "row", "column"}) {
    const NdArray<double> mask = reference.get<double>(kind + ".condition");
    NdArray<bool> condition(mask.shape());
    for (Index i = 0; i < mask.numel(); ++i) condition.data()[i] = mask.data()[i] != 0;
    reference.check<T>(kind, {.value = 1e-7, .gradient = 1e-6},
                       [&](const auto& x) { return eg::where(condition, x[0], x[1]); });
  }
}
