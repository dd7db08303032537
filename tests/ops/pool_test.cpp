// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include <eigengrad/ops/pool.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

template <class T>
struct Pooled {
  NdArray<T> y, dx;
};

template <class T, class F>
Pooled<T> run(const NdArray<T>& x, F&& pool) {
  const Tensor<T> leaf(x, true);
  const Tensor<T> y = pool(leaf);
  y.backward(test::random<T>(y.shape(), 4));
  return {y.value(), leaf.grad()};
}

}  // namespace

TEMPLATE_TEST_CASE("max_pool2d: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({1, 1, 3, 4}, {1, 5, 2, 0, 4, 3, 9, 7, 6, 8, -1, -2}, true);
  CHECK_SAME(eg::max_pool2d(x, {.kernel = 2}).value(), NdArray<T>({1, 1, 1, 2}, {5, 9}));
  CHECK_SAME(eg::max_pool2d(x, {.kernel = 3, .stride = 2, .padding = 1}).value(),
             NdArray<T>({1, 1, 2, 2}, {5, 9, 8, 9}));
  CHECK_SAME(eg::max_pool2d(x, {.kernel = {3, 1}, .stride = 1}).value(),
             NdArray<T>({1, 1, 1, 4}, {6, 8, 9, 7}));
  // 9 is the maximum of two windows.
  eg::max_pool2d(x, {.kernel = 3, .stride = 2, .padding = 1})
      .backward(NdArray<T>({1, 1, 2, 2}, {1, 10, 100, 1000}));
  CHECK_SAME(x.grad(), NdArray<T>({1, 1, 3, 4}, {0, 1, 0, 0, 0, 0, 1010, 0, 0, 100, 0, 0}));
}

TEMPLATE_TEST_CASE("avg_pool2d: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  CHECK_SAME(eg::avg_pool2d(x, {.kernel = 2}).value(), NdArray<T>({1, 1, 1, 2}, {3.5, 5.5}));
  CHECK_SAME(eg::avg_pool2d(x, {.kernel = 2, .stride = 2, .padding = 1}).value(),
             NdArray<T>({1, 1, 2, 3}, {0.25, 1.25, 1, 1.25, 3.25, 2}));
  CHECK_SAME(eg::avg_pool2d(x, {.kernel = 2, .stride = 2, .padding = 1, .count_include_pad = false})
                 .value(),
             NdArray<T>({1, 1, 2, 3}, {1, 2.5, 4, 5, 6.5, 8}));
}

TEMPLATE_TEST_CASE("adaptive_avg_pool2d: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  CHECK_SAME(eg::adaptive_avg_pool2d(x, 1).value(), NdArray<T>({1, 1, 1, 1}, {4.5}));
  CHECK_SAME(eg::adaptive_avg_pool2d(x, {1, 2}).value(), NdArray<T>({1, 1, 1, 2}, {3.5, 5.5}));
  // Columns [0, 2), [1, 3) and [2, 4): the windows overlap.
  CHECK_SAME(eg::adaptive_avg_pool2d(x, {2, 3}).value(),
             NdArray<T>({1, 1, 2, 3}, {1.5, 2.5, 3.5, 5.5, 6.5, 7.5}));
}

TEST_CASE("pool: gradient") {
  // Distinct values, far apart: no difference step changes a maximum.
  NdArray<double> x({2, 2, 5, 6});
  const NdArray<Index> order = eg::Generator(3).permutation(x.numel());
  for (Index i = 0; i < x.numel(); ++i) x.data()[i] = 0.1 * double(order.data()[i]);
  struct Window {
    eg::HeightWidth kernel, stride, padding;
  };
  for (const Window& w : {Window{3, 2, 1}, Window{2, 0, 0}, Window{{1, 3}, {2, 1}, {0, 1}},
                          Window{2, 3, 1}, Window{{5, 4}, 1, {2, 2}}, Window{2, 4, 0}}) {
    CHECK_GRADIENT(eg::max_pool2d(x[0], {w.kernel, w.stride, w.padding}), {x});
    CHECK_GRADIENT(eg::avg_pool2d(x[0], {w.kernel, w.stride, w.padding, true}), {x});
    CHECK_GRADIENT(eg::avg_pool2d(x[0], {w.kernel, w.stride, w.padding, false}), {x});
  }
  for (const eg::HeightWidth& output :
       {eg::HeightWidth(1), eg::HeightWidth(3, 4), eg::HeightWidth(5, 7)}) {
    CHECK_GRADIENT(eg::adaptive_avg_pool2d(x[0], output), {x});
  }
}

TEMPLATE_TEST_CASE("pool: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  SECTION("sizes 0 and 1") {
    CHECK(eg::max_pool2d(Tensor<T>::zeros({0, 2, 4, 4}), {.kernel = 2}).shape() ==
          eg::Shape({0, 2, 2, 2}));
    CHECK(eg::avg_pool2d(Tensor<T>::zeros({2, 0, 4, 4}), {.kernel = 2}).numel() == 0);
    const Tensor<T> one({1, 1, 1, 1}, {-3}, true);
    CHECK(eg::max_pool2d(one, {.kernel = 3, .stride = 2, .padding = 1}).item() == T(-3));
    CHECK(eg::max_pool2d(one, {.kernel = 1, .stride = Index{1} << 30}).item() == T(-3));
    CHECK(eg::avg_pool2d(one, {.kernel = 2, .stride = 2, .padding = 1}).item() == T(-0.75));
  }
  SECTION("padding never wins; a window of -inf gives its first pixel the gradient") {
    const Tensor<T> x(NdArray<T>::full({1, 1, 3, 3}, -inf), true);
    const Tensor<T> y = eg::max_pool2d(x, {.kernel = 3, .stride = 2, .padding = 1});
    CHECK_SAME(y.value(), NdArray<T>::full({1, 1, 2, 2}, -inf));
    y.backward(NdArray<T>::ones({1, 1, 2, 2}));
    CHECK_SAME(x.grad(), NdArray<T>({1, 1, 3, 3}, {1, 1, 0, 1, 1, 0, 0, 0, 0}));
  }
  SECTION("of equal maxima the first receives the gradient") {
    const Tensor<T> x({1, 1, 2, 4}, {1, 7, 7, 0, 7, 1, 0, 7}, true);
    eg::max_pool2d(x, {.kernel = 2}).backward(NdArray<T>({1, 1, 1, 2}, {1, 2}));
    CHECK_SAME(x.grad(), NdArray<T>({1, 1, 2, 4}, {0, 1, 2, 0, 0, 0, 0, 0}));
  }
  SECTION("NaN propagates from any place in the window, large numbers stay") {
    for (Index i = 0; i < 9; ++i) {
      NdArray<T> x = test::random<T>({1, 1, 3, 3});
      x.data()[i] = T(NAN);
      CHECK(std::isnan(eg::max_pool2d(Tensor<T>(x), {.kernel = 3}).item()));
      x.data()[i] = -T(NAN);
      CHECK(std::isnan(eg::max_pool2d(Tensor<T>(x), {.kernel = 3}).item()));
    }
    CHECK_SAME(eg::max_pool2d(Tensor<T>({1, 1, 1, 2}, {T(-1e30), inf}), {.kernel = {1, 2}}).value(),
               NdArray<T>({1, 1, 1, 1}, {inf}));
  }
  SECTION("any width and stride: the maximum and the mean of what the window covers") {
    for (Index width : {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 70}) {
      for (Index stride : {1, 2, 3, 5}) {
        const Tensor<T> x(test::random<T>({2, 3, 5, width}, 1, -2, -1), true);
        const Index kernel = std::min<Index>(3, width + 2);
        const Tensor<T> most =
            eg::max_pool2d(x, {.kernel = {3, kernel}, .stride = {2, stride}, .padding = 1});
        const NdArray<T> mean = eg::avg_pool2d(x, {.kernel = {3, kernel},
                                                   .stride = {2, stride},
                                                   .padding = 1,
                                                   .count_include_pad = false})
                                    .value();
        most.backward(NdArray<T>::ones(most.shape()));
        NdArray<T> dx = NdArray<T>::zeros(x.shape());
        for (Index n = 0; n < most.numel(); ++n) {
          const Index q = n % most.dim(3);
          const Index r = n / most.dim(3) % 3;
          const Index plane = n / most.dim(3) / 3;
          Index best = -1;
          double sum = 0;
          int count = 0;
          for (Index i = std::max<Index>(0, 2 * r - 1); i < std::min<Index>(5, 2 * r + 2); ++i) {
            for (Index j = std::max<Index>(0, stride * q - 1);
                 j < std::min(width, stride * q - 1 + kernel); ++j) {
              const Index at = (plane * 5 + i) * width + j;
              if (best < 0 || x.value().data()[at] > x.value().data()[best]) best = at;
              sum += double(x.value().data()[at]);
              ++count;
            }
          }
          REQUIRE(most.value().data()[n] == x.value().data()[best]);
          REQUIRE(std::abs(double(mean.data()[n]) - sum / count) < 1e-6);
          dx.data()[best] += 1;
        }
        CHECK_SAME(x.grad(), dx);
      }
    }
  }
  SECTION("windows taller than the rows that are read at a time, and rows between windows") {
    const NdArray<T> x = test::random<T>({1, 1, 40, 3});
    const NdArray<T> tall = eg::max_pool2d(Tensor<T>(x), {.kernel = {21, 3}, .stride = 1}).value();
    for (Index r = 0; r < 20; ++r) {
      CHECK(tall.data()[r] == *std::max_element(x.data() + 3 * r, x.data() + 3 * (r + 21)));
    }
    const NdArray<T> apart =
        eg::max_pool2d(Tensor<T>(x), {.kernel = {2, 3}, .stride = {13, 1}}).value();
    for (Index r = 0; r < 3; ++r) {
      CHECK(apart.data()[r] == *std::max_element(x.data() + 39 * r, x.data() + 39 * r + 6));
    }
  }
  SECTION("zeros of both signs are equal, so the first receives the gradient") {
    const Tensor<T> x({1, 1, 1, 4}, {T(-0.), T(0.), -1, T(-0.)}, true);
    eg::max_pool2d(x, {.kernel = {1, 4}}).backward(NdArray<T>::ones({1, 1, 1, 1}));
    CHECK_SAME(x.grad(), NdArray<T>({1, 1, 1, 4}, {1, 0, 0, 0}));
  }
  SECTION("without a graph the maxima are the same") {
    const Tensor<T> x(test::random<T>({2, 3, 8, 8}), true);
    const eg::MaxPool2dArguments options{.kernel = 3, .stride = 2, .padding = 1};
    CHECK_SAME(eg::max_pool2d(x.detach(), options).value(), eg::max_pool2d(x, options).value());
  }
}

TEMPLATE_TEST_CASE("pool: the same bits on any number of threads", "", float, double) {
  using T = TestType;
  const NdArray<T> x = test::random<T>({7, 33, 16, 17});
  test::check_threads([&] {
    const Pooled<T> most = run(x, [](const Tensor<T>& t) {
      return eg::max_pool2d(t, {.kernel = 3, .stride = 2, .padding = 1});
    });
    const Pooled<T> mean = run(x, [](const Tensor<T>& t) {
      return eg::avg_pool2d(t, {.kernel = 3, .stride = 2, .padding = 1});
    });
    const Pooled<T> even = run(x, [](const Tensor<T>& t) {
      return eg::adaptive_avg_pool2d(t, {5, 7});
    });
    return std::vector{most.y, most.dx, mean.y, mean.dx, even.y, even.dx};
  });
}

TEST_CASE("pool: error") {
  const auto x = Tensor<double>::zeros({1, 2, 3, 4});
  CHECK_ERROR(eg::max_pool2d(Tensor<double>::zeros({3, 4}), {.kernel = 2}), eg::ShapeError,
              "[max_pool2d] x must be (B, C, H, W): x (3, 4)");
  CHECK_ERROR(eg::max_pool2d(x, {}), eg::ValueError,
              "[max_pool2d] kernel must be positive: kernel (0, 0)");
  CHECK_ERROR(eg::avg_pool2d(x, {.kernel = 2, .stride = {0, 1}}), eg::ValueError,
              "[avg_pool2d] stride must be positive: stride (0, 1)");
  CHECK_ERROR(eg::max_pool2d(x, {.kernel = 3, .padding = {1, 2}}), eg::ValueError,
              "[max_pool2d] padding must be at most half the kernel: padding (1, 2), "
              "kernel (3, 3)");
  CHECK_ERROR(eg::avg_pool2d(x, {.kernel = 4}), eg::ShapeError,
              "[avg_pool2d] the kernel must fit into the padded input: kernel (4, 4), "
              "dilation (1, 1), input (3, 4), padding (0, 0)");
  CHECK_ERROR(eg::max_pool2d(Tensor<double>::zeros({1, 1, 0, 2}), {.kernel = 2, .padding = 1}),
              eg::ShapeError,
              "[max_pool2d] a channel must have from 1 to 2147483647 pixels: x (1, 1, 0, 2)");
  CHECK_ERROR(eg::adaptive_avg_pool2d(Tensor<double>::zeros({3, 4}), 1), eg::ShapeError,
              "[adaptive_avg_pool2d] x must be (B, C, H, W): x (3, 4)");
  CHECK_ERROR(eg::adaptive_avg_pool2d(x, {1, 0}), eg::ValueError,
              "[adaptive_avg_pool2d] output must be positive: output (1, 0)");
  CHECK_ERROR(eg::adaptive_avg_pool2d(Tensor<double>::zeros({1, 1, 0, 2}), 1), eg::ShapeError,
              "[adaptive_avg_pool2d] a channel must have pixels: x (1, 1, 0, 2)");
}

TEMPLATE_TEST_CASE("pool: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
  const test::Reference reference("pool");
  struct Window {
    std::string name;
    eg::HeightWidth kernel, stride, padding;
  };
  for (const Window& w : {Window{"overlap", 3, 2, 1}, Window{"tiles", 2, 2, 0},
                          Window{"mixed", {3, 4}, {1, 3}, {1, 2}}}) {
    for (const std::string kind : {"max_", "max_ties_", "avg_", "avg_inside_"}) {
      const std::string name = kind + w.name;
      reference.check<T>(name, tolerance, [&](const auto& x) {
        return kind[0] == 'm'
                   ? eg::max_pool2d(x[0], {w.kernel, w.stride, w.padding})
                   : eg::avg_pool2d(x[0], {w.kernel, w.stride, w.padding, kind == "avg_"});
      });
    }
  }
  for (const eg::HeightWidth& output : {eg::HeightWidth(1), {7, 3}, {3, 4}, {9, 11}}) {
    const std::string name =
        "adaptive_" + std::to_string(output.h) + "x" + std::to_string(output.w);
    reference.check<T>(name, tolerance,
                       [&](const auto& x) { return eg::adaptive_avg_pool2d(x[0], output); });
  }
}
