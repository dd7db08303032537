// SPDX-License-Identifier: MIT
#include <eigengrad/ops/gather.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/refill.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

/// Reproducible indices in [0, n).
NdArray<Index> numbers(const Shape& shape, Index n) {
  eg::Generator rng(11);
  NdArray<Index> out(shape);
  for (Index& i : out) i = rng.integer(n);
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("gather: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_SAME(eg::index_select(x, 1, NdArray<Index>({4}, {2, 0, 0, 1})).value(),
             NdArray<T>({2, 4}, {3, 1, 1, 2, 6, 4, 4, 5}));
  CHECK_SAME(eg::index_select(x, -2, NdArray<Index>({1}, {1})).value(),
             NdArray<T>({1, 3}, {4, 5, 6}));
  CHECK_SAME(eg::gather(x, 1, NdArray<Index>({2, 2}, {0, 0, 2, 1})).value(),
             NdArray<T>({2, 2}, {1, 1, 6, 5}));
  CHECK_SAME(eg::gather(x, 0, NdArray<Index>({3, 2}, {0, 1, 1, 0, 1, 1})).value(),
             NdArray<T>({3, 2}, {1, 5, 4, 2, 4, 5}));
  CHECK_SAME(eg::gather(x, 1, NdArray<Index>({1, 3}, {2, 2, 0})).value(),
             NdArray<T>({1, 3}, {3, 3, 1}));
}

TEST_CASE("gather: gradient") {
  for (Index n : {1, 2, 7, 17}) {
    const NdArray<double> x = test::random({2, n, 3}, 5);
    for (Index axis : {0, 1, 2}) {
      const NdArray<Index> some = numbers({5}, x.shape()[axis]);
      CHECK_GRADIENT(eg::index_select(x[0], axis, some), {x});
      Shape shape = x.shape();
      shape[axis] = 4;
      const NdArray<Index> each = numbers(shape, x.shape()[axis]);
      CHECK_GRADIENT(eg::gather(x[0], axis, each), {x});
      const NdArray<Index> part = numbers({1, 1, 2}, x.shape()[axis]);
      CHECK_GRADIENT(eg::gather(x[0], axis, part), {x});
    }
  }
  SECTION("repeated indices and earlier gradients add up") {
    const Tensor<double> x({3}, {1, 2, 3}, true);
    eg::index_select(x, 0, NdArray<Index>({4}, {2, 0, 2, 2}))
        .backward(NdArray<double>({4}, {1, 10, 100, 1000}));
    CHECK_SAME(x.grad(), NdArray<double>({3}, {10, 0, 1101}));
    eg::gather(x, 0, NdArray<Index>({2}, {1, 1})).backward(NdArray<double>({2}, {2, 3}));
    CHECK_SAME(x.grad(), NdArray<double>({3}, {10, 5, 1101}));
  }
}

TEST_CASE("gather: edge") {
  const Tensor<float> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(eg::index_select(x, 1, NdArray<Index>(Shape{0})).shape() == Shape{2, 0});
  CHECK(eg::gather(x, 0, NdArray<Index>({0, 3})).shape() == Shape{0, 3});
  CHECK(eg::gather(x, 0, NdArray<Index>({2, 0})).shape() == Shape{2, 0});
  CHECK(eg::index_select(Tensor<float>::zeros({2, 0}), 0, NdArray<Index>({3}, {1, 1, 0})).shape() ==
        Shape{3, 0});

  SECTION("the same bits on any number of threads") {
    const NdArray<float> big = test::random<float>({3, 50, 90}, 1);
    for (Index axis : {0, 1, 2}) {
      const NdArray<Index> some = numbers({400}, big.shape()[axis]);
      Shape shape = big.shape();
      shape[axis] = 300;
      const NdArray<Index> each = numbers(shape, big.shape()[axis]);
      test::check_threads([&] {
        const Tensor<float> p(big, true);
        const Tensor<float> a = eg::index_select(p, axis, some);
        const Tensor<float> b = eg::gather(p, axis, each);
        a.backward(a.value());
        b.backward(b.value());
        return std::vector{a.value(), b.value(), p.grad()};
      });
    }
  }
}

TEST_CASE("gather: the caller may refill the indices before backward") {
  const NdArray<double> x = test::random({4, 3});
  NdArray<Index> some({2}, {3, 1});
  CHECK_REFILL(x, some, Index{0},
               [](const auto& t, const auto& indices) { return eg::index_select(t, 0, indices); });
  NdArray<Index> each({2, 3}, {3, 1, 2, 1, 3, 2});
  CHECK_REFILL(x, each, Index{0},
               [](const auto& t, const auto& indices) { return eg::gather(t, 0, indices); });
}

TEST_CASE("gather: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::index_select(x, 2, NdArray<Index>({1}, {0})), eg::ShapeError,
              "[index_select] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::index_select(x, 0, NdArray<Index>({1, 1}, {0})), eg::ShapeError,
              "[index_select] indices must have one axis: (1, 1)");
  CHECK_ERROR(eg::index_select(x, 1, NdArray<Index>({3}, {0, 3, -1})), eg::ValueError,
              "[index_select] index 3 at (1) must be in [0, 3): x (2, 3)");
  CHECK_ERROR(eg::gather(x, 1, NdArray<Index>({2, 2}, {0, 1, 2, -1})), eg::ValueError,
              "[gather] index -1 at (1, 1) must be in [0, 3): x (2, 3)");
  CHECK_ERROR(eg::gather(x, 1, NdArray<Index>({3, 1}, {0, 0, 0})), eg::ShapeError,
              "[gather] indices must fit into x on all axes but 1: indices (3, 1), x (2, 3)");
  CHECK_ERROR(eg::gather(x, 1, NdArray<Index>({2}, {0, 0})), eg::ShapeError,
              "[gather] indices must fit into x on all axes but 1: indices (2), x (2, 3)");
  CHECK_ERROR(eg::gather(x, 2, NdArray<Index>({1, 1}, {0})), eg::ShapeError,
              "[gather] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::index_select(Tensor<float>::zeros({0, 3}), 0, NdArray<Index>({1}, {0})),
              eg::ValueError, "[index_select] index 0 at (0) must be in [0, 0): x (0, 3)");
}

TEMPLATE_TEST_CASE("gather: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("gather");
  const test::ReferenceTolerance tolerance{
      .gradient = sizeof(T) == 4 ? 1e-6 : 1e-14};  // the values move only
  for (const Index axis : {0, 1, 2}) {
    const std::string number = std::to_string(axis);
    const auto some = reference.get<Index>("some" + number);
    const auto each = reference.get<Index>("each" + number);
    reference.check<T>("index_select" + number, tolerance,
                       [&](const auto& x) { return eg::index_select(x[0], axis, some); });
    reference.check<T>("gather" + number, tolerance,
                       [&](const auto& x) { return eg::gather(x[0], axis, each); });
  }
}
