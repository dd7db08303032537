// SPDX-License-Identifier: MIT
#include <utility>
#include <vector>

#include <eigengrad/ops/interpolate.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::HeightWidth;
using eg::InterpolateArguments;
using eg::Interpolation;
using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

struct Case {
  std::string name;
  InterpolateArguments options;
};

const std::vector<Case> kCases = {
    {"nearest", {.mode = Interpolation::kNearest}},
    {"bilinear", {.mode = Interpolation::kBilinear}},
    {"bilinear_corners", {.mode = Interpolation::kBilinear, .align_corners = true}},
    {"bicubic", {.mode = Interpolation::kBicubic}},
    {"bicubic_corners", {.mode = Interpolation::kBicubic, .align_corners = true}},
};

}  // namespace

TEMPLATE_TEST_CASE("interpolate: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({1, 1, 1, 2}, {0, 8});
  const auto row = [&](Index w, const InterpolateArguments& options) {
    return eg::interpolate(x, {1, w}, options).value();
  };
  CHECK_SAME(row(4, {.mode = Interpolation::kNearest}), NdArray<T>({1, 1, 1, 4}, {0, 0, 8, 8}));
  CHECK_SAME(row(3, {.mode = Interpolation::kNearest}), NdArray<T>({1, 1, 1, 3}, {0, 0, 8}));
  CHECK_SAME(row(4, {}), NdArray<T>({1, 1, 1, 4}, {0, 2, 6, 8}));
  CHECK_SAME(row(3, {.align_corners = true}), NdArray<T>({1, 1, 1, 3}, {0, 4, 8}));
  CHECK_SAME(row(1, {}), NdArray<T>({1, 1, 1, 1}, {4}));
  CHECK_SAME(row(1, {.align_corners = true}), NdArray<T>({1, 1, 1, 1}, {0}));
  // Half-way between two pixels Keys' weights with a = -0.75 are -3/32, 19/32, 19/32, -3/32.
  const Tensor<T> y({1, 1, 1, 4}, {1, 2, 4, 8});
  CHECK_CLOSE(eg::interpolate(y, {1, 7}, {.mode = Interpolation::kBicubic, .align_corners = true})
                  .value()
                  .reshape({7}),
              NdArray<T>({7}, {1, T(19 * 3 - 3 * 5) / 32, 2, T(19 * 6 - 3 * 9) / 32, 4,
                               T(19 * 12 - 3 * 10) / 32, 8}),
              1e-6);
  const Tensor<T> square({1, 1, 2, 2}, {0, 4, 8, 12});
  CHECK_SAME(eg::interpolate(square, 3, {.align_corners = true}).value(),
             NdArray<T>({1, 1, 3, 3}, {0, 2, 4, 4, 6, 8, 8, 10, 12}));
}

TEST_CASE("interpolate: gradient") {
  for (const Case& c : kCases) {
    INFO(c.name);
    for (const HeightWidth size : {HeightWidth(5, 7), HeightWidth(4, 17), HeightWidth(2, 3),
                                   HeightWidth(1, 1), HeightWidth(3, 9)}) {
      const NdArray<double> x = test::random({2, 1, 4, 5}, 5);
      CHECK_GRADIENT(eg::interpolate(x[0], size, c.options), {x});
    }
  }
}

TEST_CASE("interpolate: edge") {
  SECTION("no images") {
    CHECK(eg::interpolate(Tensor<float>::zeros({0, 3, 4, 4}), 2).shape() == Shape{0, 3, 2, 2});
  }
  SECTION("one pixel, and constants, stay what they are") {
    for (const Case& c : kCases) {
      INFO(c.name);
      CHECK_CLOSE(eg::interpolate(Tensor<float>({1, 1, 1, 1}, {3}), {5, 17}, c.options).value(),
                  NdArray<float>::full({1, 1, 5, 17}, 3), 1e-6);
      CHECK_CLOSE(eg::interpolate(Tensor<float>::ones({1, 2, 33, 7}), {15, 40}, c.options).value(),
                  NdArray<float>::ones({1, 2, 15, 40}), 1e-6);
    }
  }
  SECTION("the same size shares the storage") {
    const auto x = Tensor<float>::ones({1, 1, 2, 3});
    const auto same = eg::interpolate(x, {2, 3});
    CHECK(same.value().data() == x.value().data());
  }
  SECTION("an infinite pixel reaches its neighbours alone") {
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const Tensor<float> x({1, 1, 1, 3}, {kInf, 1, 2}, true);
    const Tensor<float> y = eg::interpolate(x, {1, 7}, {.mode = Interpolation::kNearest});
    CHECK_SAME(y.value(), NdArray<float>({1, 1, 1, 7}, {kInf, kInf, kInf, 1, 1, 2, 2}));
    y.backward(NdArray<float>({1, 1, 1, 7}, {1, 1, 1, 1, 1, 1, kInf}));
    CHECK_SAME(x.grad(), NdArray<float>({1, 1, 1, 3}, {3, 2, kInf}));
  }
  SECTION("the same bits on any number of threads") {
    const NdArray<float> x = test::random<float>({3, 2, 70, 65}, 1);
    for (const Case& c : kCases) {
      for (const HeightWidth size : {HeightWidth(150, 90), HeightWidth(20, 33)}) {
        INFO(c.name);
        test::check_threads([&] {
          const Tensor<float> p(x, true);
          const Tensor<float> y = eg::interpolate(p, size, c.options);
          y.backward(y.value());
          return std::vector{y.value(), p.grad()};
        });
      }
    }
  }
}

TEST_CASE("interpolate: error") {
  const auto x = Tensor<float>::zeros({1, 1, 2, 3});
  CHECK_ERROR(eg::interpolate(Tensor<float>::zeros({2, 3}), 4), eg::ShapeError,
              "[interpolate] x must be (B, C, H, W): x (2, 3)");
  CHECK_ERROR(eg::interpolate(Tensor<float>::zeros({1, 1, 0, 3}), 4), eg::ShapeError,
              "[interpolate] H and W must be positive: x (1, 1, 0, 3)");
  CHECK_ERROR(eg::interpolate(x, {2, 0}), eg::ValueError,
              "[interpolate] size must be positive: (2, 0)");
  CHECK_ERROR(eg::interpolate(x, 4, {.mode = Interpolation::kNearest, .align_corners = true}),
              eg::ValueError,
              "[interpolate] align_corners needs kBilinear or kBicubic, mode is kNearest");
}

TEMPLATE_TEST_CASE("interpolate: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 3e-6 : 1e-13;
  const test::Reference reference("interpolate");
  for (const Case& c : kCases) {
    for (const HeightWidth size : {HeightWidth(7, 10), HeightWidth(9, 11), HeightWidth(11, 5),
                                   HeightWidth(3, 4), HeightWidth(1, 17), HeightWidth(5, 1)}) {
      const std::string key = eg::detail::concat(c.name, "_", size.h, "x", size.w);
      reference.check<T>(key, tolerance,
                         [&](const auto& x) { return eg::interpolate(x[0], size, c.options); });
    }
  }
  for (const auto& [n, m] : {std::pair<Index, Index>(2, 82), {26, 22}, {29, 41}, {97, 31}}) {
    const Tensor<T> row(NdArray<T>::arange(n).reshape({1, 1, 1, n}));
    CHECK_SAME(eg::interpolate(row, {1, m}, {.mode = Interpolation::kNearest}).value(),
               reference.get<T>(eg::detail::concat("pixels_", n, "_", m)));
  }
}
