// SPDX-License-Identifier: MIT
#include <utility>
#include <vector>

#include <eigengrad/ops/matmul.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("matmul: value", "", float, double) {
  using T = TestType;
  const Tensor<T> a({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor<T> b({3, 2}, {1, 0, -1, 2, 1, 1});
  CHECK_SAME(eg::matmul(a, b).value(), NdArray<T>({2, 2}, {2, 7, 5, 16}));
  const Tensor<T> v({3}, {1, -1, 2});
  CHECK_SAME(eg::matmul(a, v).value(), NdArray<T>({2}, {5, 11}));
  CHECK_SAME(eg::matmul(v, b).value(), NdArray<T>({2}, {4, 0}));
  CHECK_SAME(eg::matmul(v, v).value(), NdArray<T>::scalar(6));
  // Two matrices against one, and one against two.
  const Tensor<T> two({2, 1, 3}, {1, 0, 0, 0, 0, 2});
  CHECK_SAME(eg::matmul(two, b).value(), NdArray<T>({2, 1, 2}, {1, 0, 2, 2}));
  const Tensor<T> columns({2, 3, 1}, {1, 0, 0, 0, 0, 2});
  CHECK_SAME(eg::matmul(a, columns).value(), NdArray<T>({2, 2, 1}, {1, 4, 6, 12}));
}

TEST_CASE("matmul: gradients by hand") {
  const Tensor<double> a({1, 2}, {2, 3}, true);
  const Tensor<double> b({2, 2, 1}, {1, 10, 100, 1000}, true);
  eg::matmul(a, b).backward(NdArray<double>({2, 1, 1}, {1, 2}));
  CHECK_SAME(a.grad(), NdArray<double>({1, 2}, {201, 2010}));
  CHECK_SAME(b.grad(), NdArray<double>({2, 2, 1}, {2, 3, 4, 6}));
}

TEST_CASE("matmul: gradient") {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{3}, {3}},
      {{3}, {3, 2}},
      {{2, 3}, {3}},
      {{2, 3}, {3, 17}},
      {{2, 3, 4}, {4, 2}},
      {{3, 4}, {2, 4, 2}},
      {{2, 3, 4}, {2, 4, 2}},
      {{2, 1, 3, 4}, {3, 4, 2}},
      {{3, 1, 2}, {1, 2, 4}},
      {{3}, {2, 2, 3, 4}},
      {{2, 2, 4, 3}, {3}},
      {{1, 5, 1, 2, 2}, {4, 1, 2, 2, 3}},
  };
  for (const auto& [a, b] : shapes) {
    INFO(a.str() << " and " << b.str());
    CHECK_GRADIENT(eg::matmul(x[0], x[1]), {test::random(a, 1), test::random(b, 2)});
  }
  CHECK_GRADIENT(eg::matmul(x[0], x[0]), {test::random({2, 3, 3}, 3)});
}

TEST_CASE("matmul: batches equal one product after the other") {
  const auto a = test::random<float>({3, 1, 9, 17}, 1);
  const auto b = test::random<float>({4, 17, 33}, 2);
  const NdArray<float> c = eg::matmul(Tensor<float>(a), Tensor<float>(b)).value();
  REQUIRE(c.shape() == Shape{3, 4, 9, 33});
  for (Index i = 0; i < 3; ++i) {
    for (Index j = 0; j < 4; ++j) {
      const eg::ConstMatrixMap<float> x(a.data() + i * 9 * 17, 9, 17);
      const eg::ConstMatrixMap<float> y(b.data() + j * 17 * 33, 17, 33);
      const eg::ConstMatrixMap<float> z(c.data() + (i * 4 + j) * 9 * 33, 9, 33);
      CHECK_CLOSE(NdArray<float>(z), NdArray<double>(x.cast<double>() * y.cast<double>()), 1e-6);
    }
  }
}

TEST_CASE("matmul: gradients add to what is there, and only where they are wanted") {
  const Tensor<double> a(test::random({2, 3, 4}, 1), true);
  const Tensor<double> b(test::random({4, 5}, 2));
  const auto dout = test::random({2, 3, 5}, 3);
  eg::matmul(a, b).backward(dout);
  const NdArray<double> once = a.grad().clone();
  eg::matmul(a, b).backward(dout);
  CHECK_CLOSE(NdArray<double>(a.grad().matrix()), NdArray<double>(once.matrix() * 2), 1e-15);
  CHECK_FALSE(b.has_grad());
}

TEMPLATE_TEST_CASE("matmul: edge", "", float, double) {
  using T = TestType;
  const auto ones = [](const Shape& shape) { return Tensor<T>(NdArray<T>::ones(shape), true); };
  SECTION("nothing to sum gives zeros") {
    CHECK_SAME(eg::matmul(ones({2, 0}), ones({0, 3})).value(), NdArray<T>::zeros({2, 3}));
    CHECK_SAME(eg::matmul(ones({0}), ones({0})).value(), NdArray<T>::scalar(0));
  }
  SECTION("empty results") {
    CHECK(eg::matmul(ones({0, 2}), ones({2, 3})).shape() == Shape{0, 3});
    CHECK(eg::matmul(ones({2, 2}), ones({2, 0})).shape() == Shape{2, 0});
    CHECK(eg::matmul(ones({0, 2, 2}), ones({2, 3})).shape() == Shape{0, 2, 3});
  }
  SECTION("an operand that nothing uses gets a gradient of zeros") {
    for (const Shape& batch : {Shape{1, 2, 2}, Shape{2, 2}}) {
      const Tensor<T> a = ones({0, 2, 2});
      const Tensor<T> b = ones(batch);
      // Fresh memory must not pass for zeros.
      const auto poison = [&] { NdArray<T>::full(batch, T(NAN)); };
      poison();
      eg::matmul(a, b).backward(NdArray<T>({0, 2, 2}));
      CHECK_SAME(b.grad(), NdArray<T>::zeros(batch));
      b.node_ptr()->grad = NdArray<T>();
      poison();
      eg::matmul(b, a).backward(NdArray<T>({0, 2, 2}));
      CHECK_SAME(b.grad(), NdArray<T>::zeros(batch));
    }
    const Tensor<T> a = ones({2, 0});
    const Tensor<T> b = ones({0, 2});
    eg::matmul(b, a).backward(NdArray<T>({0, 0}));
    CHECK(a.grad().shape() == Shape{2, 0});
  }
  SECTION("odd sizes") {
    for (const Index n : {1, 7, 8, 15, 16, 17, 33}) {
      const auto a = test::random<T>({n, n + 1}, 1);
      const auto b = test::random<T>({n + 1, n + 2}, 2);
      CHECK_CLOSE(
          eg::matmul(Tensor<T>(a), Tensor<T>(b)).value(),
          NdArray<double>(a.matrix().template cast<double>() * b.matrix().template cast<double>()),
          sizeof(T) == 4 ? 2e-6 : 1e-14);
    }
  }
  SECTION("large magnitudes") {
    CHECK_SAME(
        eg::matmul(Tensor<T>({1, 2}, {T(1e30), T(1e30)}), Tensor<T>({2, 1}, {1, -1})).value(),
        NdArray<T>({1, 1}, {0}));
  }
}

TEST_CASE("matmul: the same bits on any number of threads") {
  for (const auto& [first, second] :
       std::vector<std::pair<Shape, Shape>>{{{200, 300}, {300, 130}},
                                            {{2, 100, 70}, {2, 70, 90}},
                                            {{40, 1, 30, 20}, {3, 20, 50}},
                                            {{60, 70}, {20, 70, 30}}}) {
    test::check_threads([a_shape = first, b_shape = second] {
      const Tensor<float> a(test::random<float>(a_shape, 1), true);
      const Tensor<float> b(test::random<float>(b_shape, 2), true);
      const auto c = eg::matmul(a, b);
      c.backward(test::random<float>(c.shape(), 3));
      return std::vector{c.value(), a.grad(), b.grad()};
    });
  }
}

TEST_CASE("matmul: error") {
  const auto zeros = [](const Shape& shape) { return Tensor<double>::zeros(shape); };
  CHECK_ERROR(eg::matmul(zeros({2, 3}), zeros({4, 5})), eg::ShapeError,
              "[matmul] inner dimensions must match: a (2, 3), b (4, 5)");
  CHECK_ERROR(eg::matmul(zeros({3}), zeros({4})), eg::ShapeError,
              "[matmul] inner dimensions must match: a (3), b (4)");
  CHECK_ERROR(eg::matmul(zeros({}), zeros({4})), eg::ShapeError,
              "[matmul] operands need at least one axis: a (), b (4); use *");
  CHECK_ERROR(eg::matmul(zeros({2, 3, 4}), zeros({3, 4, 5})), eg::ShapeError,
              "[matmul] shapes do not broadcast: (2), (3); aligned from the right, sizes must be "
              "equal or 1");
}

TEMPLATE_TEST_CASE("matmul: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("matmul");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  for (int i = 0; i < 11; ++i) {
    reference.check<T>("case" + std::to_string(i), tolerance,
                       [](const auto& x) { return eg::matmul(x[0], x[1]); });
  }
}
