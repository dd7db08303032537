// SPDX-License-Identifier: MIT
#include <eigengrad/ops/scatter.hpp>
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

TEMPLATE_TEST_CASE("scatter: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({2, 3}, {1, 2, 3, 4, 5, 6});
  const NdArray<Index> indices({2, 2}, {2, 0, 1, 1});
  const Tensor<T> source({2, 2}, {10, 20, 30, 40});
  CHECK_SAME(eg::scatter(x, 1, indices, source).value(),
             NdArray<T>({2, 3}, {20, 2, 10, 4, 40, 6}));  // the last of two for one place
  CHECK_SAME(eg::scatter_add(x, -1, indices, source).value(),
             NdArray<T>({2, 3}, {21, 2, 13, 4, 75, 6}));
  CHECK_SAME(eg::scatter(x, 1, indices, 7).value(), NdArray<T>({2, 3}, {7, 2, 7, 4, 7, 6}));
  CHECK_SAME(eg::scatter(x, 0, NdArray<Index>({1, 2}, {1, 0}), Tensor<T>({1, 2}, {8, 9})).value(),
             NdArray<T>({2, 3}, {1, 9, 3, 8, 5, 6}));
  CHECK_SAME(x.value(), NdArray<T>({2, 3}, {1, 2, 3, 4, 5, 6}));  // x is as it was
}

TEST_CASE("scatter: gradient") {
  for (const Index n : {1, 2, 7, 17}) {
    const NdArray<double> x = test::random({2, n, 3}, 5);
    for (const Index axis : {0, 1, 2}) {
      Shape shape = x.shape();
      shape[axis] = 4;  // several numbers for one place
      const NdArray<double> source = test::random(shape, 6);
      const NdArray<Index> indices = numbers(shape, x.shape()[axis]);
      CHECK_GRADIENT(eg::scatter(x[0], axis, indices, x[1]), {x, source});
      CHECK_GRADIENT(eg::scatter(x[0], axis, indices, 3), {x});
      CHECK_GRADIENT(eg::scatter_add(x[0], axis, indices, x[1]), {x, source});
      const NdArray<Index> few = numbers({1, 1, 2}, x.shape()[axis]);
      CHECK_GRADIENT(eg::scatter(x[0], axis, few, x[1]), {x, test::random({1, 1, 2}, 7)});
    }
  }
  SECTION("a number that another one replaced gets nothing") {
    const Tensor<double> source({3}, {1, 2, 3}, true);
    eg::scatter(Tensor<double>::zeros({2}), 0, NdArray<Index>({3}, {1, 1, 0}), source)
        .backward(NdArray<double>({2}, {10, 100}));
    CHECK_SAME(source.grad(), NdArray<double>({3}, {0, 100, 10}));
  }
}

TEST_CASE("scatter: edge") {
  const Tensor<float> x({2, 3}, {1, 2, 3, 4, 5, 6});
  const NdArray<Index> none({2, 0});
  CHECK_SAME(eg::scatter(x, 1, none, Tensor<float>::zeros({2, 0})).value(), x.value());
  CHECK_SAME(eg::scatter_add(x, 1, none, Tensor<float>::zeros({2, 0})).value(), x.value());
  CHECK(eg::scatter(Tensor<float>::zeros({2, 0}), 1, none, 1).shape() == Shape{2, 0});

  SECTION("the same bits on any number of threads") {
    const NdArray<float> big = test::random<float>({3, 50, 90}, 1);
    for (const Index axis : {0, 1, 2}) {
      Shape shape = big.shape();
      shape[axis] = 300;
      const NdArray<Index> indices = numbers(shape, big.shape()[axis]);
      const NdArray<float> numbers_of_source = test::random<float>(shape, 2);
      test::check_threads([&] {
        const Tensor<float> p(big, true), source(numbers_of_source, true);
        const Tensor<float> a = eg::scatter(p, axis, indices, source);
        const Tensor<float> b = eg::scatter_add(p, axis, indices, source);
        a.backward(a.value());
        b.backward(b.value());
        return std::vector{a.value(), b.value(), p.grad(), source.grad()};
      });
    }
  }
}

TEST_CASE("scatter: the caller may refill the indices before backward") {
  const NdArray<double> x = test::random({4, 3});
  NdArray<Index> indices({2, 3}, {3, 1, 2, 1, 3, 2});
  const Tensor<double> source(test::random({2, 3}, 2));
  CHECK_REFILL(x, indices, Index{0},
               [&](const auto& t, const auto& i) { return eg::scatter(t, 0, i, source); });
  CHECK_REFILL(x, indices, Index{0},
               [](const auto& t, const auto& i) { return eg::scatter(t, 0, i, 2); });
  CHECK_REFILL(source.value(), indices, Index{0}, [&](const auto& t, const auto& i) {
    return eg::scatter_add(Tensor<double>(x), 0, i, t);
  });
}

TEST_CASE("scatter: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  const NdArray<Index> indices({2, 2}, {0, 1, 2, 2});
  CHECK_ERROR(eg::scatter(x, 1, indices, Tensor<float>::zeros({2, 3})), eg::ShapeError,
              "[scatter] source must have the shape of indices: source (2, 3), indices (2, 2)");
  CHECK_ERROR(eg::scatter_add(x, 0, indices, Tensor<float>::zeros({2, 2})), eg::ValueError,
              "[scatter_add] index 2 at (1, 0) must be in [0, 2): x (2, 3)");
  CHECK_ERROR(eg::scatter(x, 1, NdArray<Index>({3, 1}, {0, 0, 0}), 1), eg::ShapeError,
              "[scatter] indices must fit into x on all axes but 1: indices (3, 1), x (2, 3)");
  CHECK_ERROR(eg::scatter(x, 2, indices, 1), eg::ShapeError,
              "[scatter] axis 2 is out of range for 2 axes");
}

TEMPLATE_TEST_CASE("scatter: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("scatter");
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
  for (const Index axis : {0, 1, 2}) {
    const std::string number = std::to_string(axis);
    const auto once = reference.get<Index>("once" + number);
    const auto many = reference.get<Index>("many" + number);
    reference.check<T>("scatter" + number, tolerance,
                       [&](const auto& x) { return eg::scatter(x[0], axis, once, x[1]); });
    reference.check<T>("value" + number, tolerance,
                       [&](const auto& x) { return eg::scatter(x[0], axis, once, 2.5); });
    reference.check<T>("scatter_add" + number, tolerance,
                       [&](const auto& x) { return eg::scatter_add(x[0], axis, many, x[1]); });
  }
}
