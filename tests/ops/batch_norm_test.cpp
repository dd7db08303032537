// SPDX-License-Identifier: MIT
#include <eigengrad/ops/batch_norm.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("batch_norm2d: value", "", float, double) {
  using T = TestType;
  // Channel 0 holds 1, 3, 5, 7: mean 4, variance 5, unbiased 20/3. Channel 1 is 10 everywhere.
  const Tensor<T> x({2, 2, 1, 2}, {1, 3, 10, 10, 5, 7, 10, 10});
  const Tensor<T> weight({2}, {2, 3});
  const Tensor<T> bias({2}, {1, -1});
  NdArray<T> mean({2}, {0, 2});
  NdArray<T> var({2}, {1, 4});
  SECTION("training") {
    const double a = 1 / std::sqrt(5.);
    CHECK_CLOSE(
        eg::batch_norm2d(x, weight, bias, mean, var, {.training = true, .eps = 1e-12}).value(),
        NdArray<double>({2, 2, 1, 2}, {1 - 6 * a, 1 - 2 * a, -1, -1, 1 + 2 * a, 1 + 6 * a, -1, -1}),
        1e-6);
    CHECK_CLOSE(mean, NdArray<double>({2}, {0.4, 2.8}), 1e-6);
    CHECK_CLOSE(var, NdArray<double>({2}, {0.9 + 2 / 3., 3.6}), 1e-6);
  }
  SECTION("momentum 1 forgets what was") {
    const NdArray<T> other = mean;
    eg::batch_norm2d(x, {}, {}, mean, var, {.training = true, .momentum = 1});
    CHECK_CLOSE(mean, NdArray<double>({2}, {4, 10}), 1e-6);
    CHECK_CLOSE(var, NdArray<double>({2}, {20 / 3., 0}), 1e-6);
    CHECK_SAME(other, NdArray<T>({2}, {0, 2}));  // a copy of the array is left alone
  }
  SECTION("evaluation") {
    CHECK_CLOSE(eg::batch_norm2d(x, weight, bias, mean, var, {.eps = 0}).value(),
                NdArray<double>({2, 2, 1, 2}, {3, 7, 11, 11, 11, 15, 11, 11}), 1e-6);
    CHECK_SAME(mean, NdArray<T>({2}, {0, 2}));
    CHECK_SAME(var, NdArray<T>({2}, {1, 4}));
  }
}

TEST_CASE("batch_norm2d: gradient") {
  NdArray<double> mean({3}, {0.5, -1, 2});
  NdArray<double> var({3}, {1, 2, 0.5});
  for (Index width : {1, 2, 7, 8, 15, 16, 17, 33}) {
    const NdArray<double> x = test::random({2, 3, 1, width}, 5, -3, 3);
    const NdArray<double> w = test::random({3}, 6);
    const NdArray<double> b = test::random({3}, 7);
    for (bool training : {true, false}) {
      // Two values of a channel always become -1 and 1 but for eps, which makes the check sharp.
      const eg::BatchNorm2dArguments options{.training = training, .eps = 0.5};
      CHECK_GRADIENT(eg::batch_norm2d(x[0], x[1], x[2], mean, var, options), {x, w, b});
      CHECK_GRADIENT(eg::batch_norm2d(x[0], {}, {}, mean, var, options), {x});
      const Tensor<double> fixed(x);
      CHECK_GRADIENT(eg::batch_norm2d(fixed, x[0], x[1], mean, var, options), {w, b});
      if (training) mean.fill(0.25), var.fill(1.5);
    }
  }
}

TEMPLATE_TEST_CASE("batch_norm2d: edge", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-12;
  SECTION("an empty batch or none of the channels in evaluation") {
    for (const test::Shape& shape : {test::Shape{0, 3, 2, 2}, test::Shape{2, 0, 2, 2}}) {
      NdArray<T> mean = NdArray<T>::zeros({shape[1]});
      NdArray<T> var = NdArray<T>::ones({shape[1]});
      const Tensor<T> x = Tensor<T>::zeros(shape, true);
      const Tensor<T> weight = Tensor<T>::ones({shape[1]}, true);
      const Tensor<T> y = eg::batch_norm2d(x, weight, weight, mean, var);
      CHECK(y.shape() == shape);
      y.backward(NdArray<T>(shape));
      CHECK(x.grad().shape() == shape);
      CHECK_SAME(weight.grad(), NdArray<T>::zeros({shape[1]}));
    }
  }
  SECTION("a large mean loses nothing") {
    NdArray<T> near({3, 2, 5, 7});
    for (Index i = 0; i < near.numel(); ++i) near.data()[i] = static_cast<T>(i * 37 % 53);
    NdArray<T> far(near.shape());
    far.array() = near.array() + T(1 << 20);
    const NdArray<T> dout = test::random<T>(near.shape(), 8);
    NdArray<T> mean = NdArray<T>::zeros({2});
    NdArray<T> var = NdArray<T>::ones({2});
    const Tensor<T> a(near, true);
    const Tensor<T> b(far, true);
    const Tensor<T> y = eg::batch_norm2d(a, {}, {}, mean, var, {.training = true});
    const Tensor<T> z = eg::batch_norm2d(b, {}, {}, mean, var, {.training = true});
    CHECK_CLOSE(z.value(), y.value(), tolerance);
    y.backward(dout);
    z.backward(dout);
    CHECK_CLOSE(b.grad(), a.grad(), tolerance);
  }
  SECTION("training after evaluation leaves the earlier gradient alone") {
    NdArray<T> mean = NdArray<T>::zeros({1});
    NdArray<T> var = NdArray<T>::full({1}, 4);
    const Tensor<T> x({1, 1, 1, 2}, {1, 2}, true);
    const Tensor<T> y = eg::batch_norm2d(x, {}, {}, mean, var, {.eps = 0});
    eg::batch_norm2d(x, {}, {}, mean, var, {.training = true});
    y.backward(NdArray<T>::ones({1, 1, 1, 2}));
    CHECK_CLOSE(x.grad(), NdArray<T>::full({1, 1, 1, 2}, T(0.5)), 1e-6);
  }
}

TEST_CASE("batch_norm2d: the same bits on any number of threads") {
  const test::Shape shape{7, 19, 9, 11};
  test::check_threads([&] {
    NdArray<float> mean = NdArray<float>::zeros({19});
    NdArray<float> var = NdArray<float>::ones({19});
    const Tensor<float> x(test::random<float>(shape, 1, -3, 3), true);
    const Tensor<float> weight(test::random<float>({19}, 3), true);
    const Tensor<float> bias(test::random<float>({19}, 4), true);
    const Tensor<float> y = eg::batch_norm2d(x, weight, bias, mean, var, {.training = true});
    y.backward(test::random<float>(shape, 2));
    return std::vector{y.value(), x.grad(), weight.grad(), bias.grad(), mean, var};
  });
}

TEST_CASE("batch_norm2d: error") {
  const auto x = Tensor<double>::zeros({2, 3, 4, 4});
  const auto two = Tensor<double>::zeros({2});
  NdArray<double> mean = NdArray<double>::zeros({3});
  NdArray<double> var = NdArray<double>::ones({3});
  NdArray<double> wrong = NdArray<double>::ones({1});
  CHECK_ERROR(eg::batch_norm2d(two, {}, {}, mean, var), eg::ShapeError,
              "[batch_norm2d] x must be (B, C, H, W): x (2)");
  CHECK_ERROR(
      eg::batch_norm2d(x, two, {}, mean, var), eg::ShapeError,
      "[batch_norm2d] weight must have one element per channel: weight (2), x (2, 3, 4, 4)");
  CHECK_ERROR(eg::batch_norm2d(x, {}, two, mean, var), eg::ShapeError,
              "[batch_norm2d] bias must have one element per channel: bias (2), x (2, 3, 4, 4)");
  CHECK_ERROR(eg::batch_norm2d(x, {}, {}, wrong, var), eg::ShapeError,
              "[batch_norm2d] running_mean must have one element per channel: running_mean (1), x "
              "(2, 3, 4, 4)");
  CHECK_ERROR(eg::batch_norm2d(x, {}, {}, mean, wrong), eg::ShapeError,
              "[batch_norm2d] running_var must have one element per channel: running_var (1), x "
              "(2, 3, 4, 4)");
  CHECK_ERROR(eg::batch_norm2d(x, {}, {}, mean, var, {.momentum = 2}), eg::ValueError,
              "[batch_norm2d] momentum must be in [0, 1]: 2");
  CHECK_ERROR(eg::batch_norm2d(x, {}, {}, mean, var, {.eps = -1}), eg::ValueError,
              "[batch_norm2d] eps must not be negative: -1");
  const auto one = Tensor<double>::zeros({1, 3, 1, 1});
  CHECK_ERROR(eg::batch_norm2d(one, {}, {}, mean, var, {.training = true}), eg::ShapeError,
              "[batch_norm2d] training needs at least two values per channel: x (1, 3, 1, 1)");
  CHECK_ERROR(eg::batch_norm1d(x, {}, {}, mean, var), eg::ShapeError,
              "[batch_norm1d] x must be (B, C) or (B, C, T): x (2, 3, 4, 4)");
  CHECK_ERROR(
      eg::batch_norm1d(Tensor<double>::zeros({1, 3}), {}, {}, mean, var, {.training = true}),
      eg::ShapeError, "[batch_norm1d] training needs at least two values per channel: x (1, 3)");
  CHECK_SAME(mean, NdArray<double>::zeros({3}));
}

TEMPLATE_TEST_CASE("batch_norm2d: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-12;
  const test::Reference reference("batch_norm");
  NdArray<T> mean = reference.get<T>("mean");
  NdArray<T> var = reference.get<T>("var");
  const auto run = [&](const std::string& name, const eg::BatchNorm2dArguments& options) {
    reference.check<T>(name, tolerance, [&](const auto& x) {
      const bool affine = x.size() == 3;
      return eg::batch_norm2d(x[0], affine ? x[1] : Tensor<T>(), affine ? x[2] : Tensor<T>(), mean,
                              var, options);
    });
  };
  run("eval", {});
  run("training", {.training = true});
  CHECK_CLOSE(mean, reference.get<T>("mean1"), tolerance);
  CHECK_CLOSE(var, reference.get<T>("var1"), tolerance);
  run("plain", {.training = true, .momentum = 0.25, .eps = 0.1});
  CHECK_CLOSE(mean, reference.get<T>("mean2"), tolerance);
  CHECK_CLOSE(var, reference.get<T>("var2"), tolerance);
  for (const std::string name : {"vectors", "sequences"}) {
    reference.check<T>(name, tolerance, [&](const auto& x) {
      return eg::batch_norm1d(x[0], x[1], x[2], mean, var, {.training = true});
    });
  }
  CHECK_CLOSE(mean, reference.get<T>("mean3"), tolerance);
  CHECK_CLOSE(var, reference.get<T>("var3"), tolerance);
}
