// SPDX-License-Identifier: MIT
#include <eigengrad/models/positions.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
namespace models = eg::models;

TEMPLATE_TEST_CASE("positions: value", "", float, double) {
  using T = TestType;
  // dim 8: waves of 1 and 0.01 radians per step.
  const NdArray<T> p = models::sincos_2d<T>(2, 3, 8, 1);
  CHECK(p.shape() == eg::Shape{1, 7, 8});
  const auto token = [&](test::Index t) {
    return NdArray<T>({8}, std::span<const T>(p.data() + 8 * t, 8));
  };
  CHECK_SAME(token(0), NdArray<T>::zeros({8}));
  CHECK_SAME(token(1), NdArray<T>({8}, {0, 0, 1, 1, 0, 0, 1, 1}));
  // x = 2, y = 1 is token 1 + 1 * 3 + 2.
  CHECK_CLOSE(token(6),
              NdArray<double>({8}, {std::sin(2.), std::sin(0.02), std::cos(2.), std::cos(0.02),
                                    std::sin(1.), std::sin(0.01), std::cos(1.), std::cos(0.01)}),
              1e-6);
}

TEST_CASE("positions: edge") { CHECK(models::sincos_2d<double>(0, 3, 4).numel() == 0); }

TEST_CASE("positions: error") {
  CHECK_ERROR(models::sincos_2d<double>(2, 2, 6), eg::ValueError,
              "[sincos_2d] dim must be divisible by 4: dim 6");
}

TEMPLATE_TEST_CASE("sincos_1d: value", "", float, double) {
  using T = TestType;
  const NdArray<T> p = models::sincos_1d<T>(60, 6);
  REQUIRE(p.shape() == eg::Shape{60, 6});
  // PE(pos, 2i) = sin(pos / 10000^(2i / dim)), PE(pos, 2i + 1) = cos(pos / 10000^(2i / dim)).
  for (Index pos = 0; pos < 60; ++pos) {
    for (Index i = 0; i < 3; ++i) {
      const double angle = double(pos) / std::pow(10000, 2. * double(i) / 6);
      CHECK(double(p(pos, 2 * i)) == Approx(std::sin(angle)).margin(1e-6));
      CHECK(double(p(pos, 2 * i + 1)) == Approx(std::cos(angle)).margin(1e-6));
    }
  }
  // 10000^(2/3) = 464.1589.
  CHECK(double(p(50, 4)) == Approx(std::sin(50 / 464.1588833612779)));
  CHECK(models::sincos_1d<T>(0, 2).shape() == eg::Shape{0, 2});
}

TEST_CASE("sincos_1d: places that are as far apart are a rotation apart") {
  // The paper's reason: PE(pos + k) is a linear function of PE(pos), the same for all pos.
  const NdArray<double> p = models::sincos_1d<double>(40, 8);
  const auto product = [&](Index a, Index b) { return p.matrix().row(a).dot(p.matrix().row(b)); };
  for (Index pos = 0; pos < 30; ++pos) CHECK(product(pos, pos + 9) == Approx(product(0, 9)));
}

TEST_CASE("sincos_1d: error") {
  CHECK_ERROR(models::sincos_1d<double>(2, 5), eg::ValueError,
              "[sincos_1d] dim must be even and positive: dim 5");
  CHECK_ERROR(models::sincos_1d<double>(2, 0), eg::ValueError,
              "[sincos_1d] dim must be even and positive: dim 0");
}

TEMPLATE_TEST_CASE("rotary_2d: value", "", float, double) {
  using T = TestType;
  // Two rows and three columns, angles y w0, y w1, x w0, x w1 with w = 1 and 1 / 4.
  const NdArray<T> table = models::rotary_2d<T>(2, 3, 8, 16, 1);
  REQUIRE(table.shape() == eg::Shape{7, 8});
  for (Index t = 0; t < 7; ++t) {
    const double y = t == 0 ? 0 : double((t - 1) / 3), x = t == 0 ? 0 : double((t - 1) % 3);
    const double angles[] = {y, y / 4, x, x / 4};
    for (Index i = 0; i < 4; ++i) {
      CHECK(double(table(t, i)) == Approx(std::cos(angles[i])));
      CHECK(double(table(t, 4 + i)) == Approx(std::sin(angles[i])).margin(1e-9));
    }
  }
  CHECK(models::rotary_2d<T>(0, 3, 4).shape() == eg::Shape{0, 4});
}

TEST_CASE("rotary_2d: error") {
  CHECK_ERROR(models::rotary_2d<float>(2, 2, 6), eg::ValueError,
              "[rotary_2d] dim must be divisible by 4 and base positive: dim 6, base 100");
  CHECK_ERROR(models::rotary_2d<float>(2, 2, 8, 0), eg::ValueError,
              "[rotary_2d] dim must be divisible by 4 and base positive: dim 8, base 0");
}
