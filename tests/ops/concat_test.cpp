// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/ops/concat.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("concat: value", "", float, double) {
  using T = TestType;
  const Tensor<T> a({2, 2}, {1, 2, 3, 4});
  const Tensor<T> b({2, 1}, {5, 6});
  const Tensor<T> c({1, 2}, {7, 8});
  CHECK_SAME(eg::cat({a, b}, 1).value(), NdArray<T>({2, 3}, {1, 2, 5, 3, 4, 6}));
  CHECK_SAME(eg::cat({b, a, b}, -1).value(), NdArray<T>({2, 4}, {5, 1, 2, 5, 6, 3, 4, 6}));
  CHECK_SAME(eg::cat(std::vector<Tensor<T>>{a, c}).value(), NdArray<T>({3, 2}, {1, 2, 3, 4, 7, 8}));
  CHECK_SAME(eg::stack({a, a}).value(), NdArray<T>({2, 2, 2}, {1, 2, 3, 4, 1, 2, 3, 4}));
  CHECK_SAME(eg::stack({a, a}, 1).value(), NdArray<T>({2, 2, 2}, {1, 2, 1, 2, 3, 4, 3, 4}));
  CHECK_SAME(eg::stack(std::vector<Tensor<T>>{a, a}, -1).value(),
             NdArray<T>({2, 2, 2}, {1, 1, 2, 2, 3, 3, 4, 4}));
}

TEST_CASE("concat: gradient") {
  const NdArray<double> a = test::random({2, 3, 2}, 1);
  for (Index n : {1, 7, 17}) {
    const NdArray<double> b = test::random({2, n, 2}, 2);
    CHECK_GRADIENT(eg::cat({x[0], x[1]}, 1), {a, b});
    CHECK_GRADIENT(eg::cat({x[1], x[0], x[1]}, -2), {a, b});  // twice: gradients add up
  }
  const NdArray<double> c = test::random({2, 3, 2}, 3);
  for (Index axis : {0, 1, 2, 3}) CHECK_GRADIENT(eg::stack({x[0], x[1], x[0]}, axis), {a, c});

  SECTION("an input that wants no gradient gets none") {
    const Tensor<double> p = Tensor<double>::ones({2, 1}, true);
    const Tensor<double> q = Tensor<double>::ones({2, 2});
    eg::cat({q, p}, 1).backward(NdArray<double>({2, 3}, {1, 2, 3, 4, 5, 6}));
    CHECK_SAME(p.grad(), NdArray<double>({2, 1}, {3, 6}));
    CHECK(!q.has_grad());
  }
}

TEST_CASE("concat: edge") {
  const Tensor<float> a({1, 2}, {1, 2});
  CHECK_SAME(eg::cat({a}, 0).value(), a.value());
  CHECK_SAME(eg::cat({a, Tensor<float>::zeros({0, 2})}).value(), a.value());
  CHECK(eg::cat({Tensor<float>::zeros({0, 2}), Tensor<float>::zeros({0, 3})}, 1).shape() ==
        Shape{0, 5});
  CHECK_SAME(eg::stack({Tensor<float>::scalar(1), Tensor<float>::scalar(2)}).value(),
             NdArray<float>({2}, {1, 2}));
  CHECK(eg::stack({Tensor<float>::zeros({2, 0})}, 2).shape() == Shape{2, 0, 1});

  SECTION("the same bits on any number of threads") {
    const NdArray<float> x = test::random<float>({70, 300}, 1);
    const NdArray<float> y = test::random<float>({70, 301}, 2);
    const NdArray<float> twice = NdArray<float>((x.array() * 2.0f).matrix()).reshape({70, 300});
    test::check_threads([&] {
      const Tensor<float> p(x, true);
      const Tensor<float> joined = eg::cat({p, Tensor<float>(y), p}, 1);
      joined.backward(joined.value());
      CHECK_SAME(p.grad(), twice);
      return std::vector{joined.value(), p.grad()};
    });
  }
}

TEST_CASE("concat: error") {
  const auto x = Tensor<float>::zeros({2, 3});
  CHECK_ERROR(eg::cat(std::vector<Tensor<float>>{}), eg::ValueError,
              "[cat] needs at least one tensor");
  CHECK_ERROR(eg::cat({x, Tensor<float>::zeros({2, 4})}, 0), eg::ShapeError,
              "[cat] sizes must agree on all axes but 0: input 0 (2, 3), input 1 (2, 4)");
  CHECK_ERROR(eg::cat({x, x, Tensor<float>::zeros({2})}, 1), eg::ShapeError,
              "[cat] sizes must agree on all axes but 1: input 0 (2, 3), input 2 (2)");
  CHECK_ERROR(eg::cat({x}, 2), eg::ShapeError, "[cat] axis 2 is out of range for 2 axes");
  CHECK_ERROR(eg::cat({Tensor<float>::scalar(1)}), eg::ShapeError,
              "[cat] axis 0 is out of range for 0 axes");
  CHECK_ERROR(eg::stack(std::vector<Tensor<float>>{}), eg::ValueError,
              "[stack] needs at least one tensor");
  CHECK_ERROR(eg::stack({x, Tensor<float>::zeros({3, 2})}), eg::ShapeError,
              "[stack] shapes must be equal: input 0 (2, 3), input 1 (3, 2)");
  CHECK_ERROR(eg::stack({x}, 3), eg::ShapeError, "[stack] axis 3 is out of range for 3 axes");
}

TEMPLATE_TEST_CASE("concat: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("concat");
  const test::ReferenceTolerance tolerance{
      .gradient = sizeof(T) == 4 ? 1e-6 : 1e-14};  // the values move only
  const auto check = [&](const std::string& name, auto op) {
    reference.check<T>(name, tolerance, op);
  };
  check("cat1", [](const auto& x) { return eg::cat({x[0], x[1], x[0]}, 1); });
  check("cat2", [](const auto& x) { return eg::cat({x[1], x[0]}, -1); });
  check("stack1", [](const auto& x) { return eg::stack({x[0], x[1]}, 1); });
  check("stack3", [](const auto& x) { return eg::stack({x[0], x[1]}, 3); });
}
