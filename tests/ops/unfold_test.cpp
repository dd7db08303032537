// SPDX-License-Identifier: MIT
#include <eigengrad/ops/unfold.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Tensor;

TEMPLATE_TEST_CASE("unfold: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK_SAME(eg::unfold(x, {.kernel = 2}).value(),
             NdArray<T>({1, 4, 4}, {1, 2, 4, 5, 2, 3, 5, 6, 4, 5, 7, 8, 5, 6, 8, 9}));
  CHECK_SAME(eg::unfold(x, {.kernel = {1, 3}, .padding = {0, 1}}).value(),
             NdArray<T>({1, 3, 9}, {0, 1, 2, 0, 4, 5, 0, 7, 8, 1, 2, 3, 4, 5,
                                    6, 7, 8, 9, 2, 3, 0, 5, 6, 0, 8, 9, 0}));
  CHECK_SAME(eg::unfold(x, {.kernel = 2, .stride = 2, .padding = 1}).value(),
             NdArray<T>({1, 4, 4}, {0, 0, 0, 5, 0, 0, 4, 6, 0, 2, 0, 8, 1, 3, 7, 9}));
  CHECK_SAME(eg::unfold(x, {.kernel = 2, .dilation = 2}).value(),
             NdArray<T>({1, 4, 1}, {1, 3, 7, 9}));
}

TEMPLATE_TEST_CASE("fold: value", "", float, double) {
  using T = TestType;
  const Tensor<T> ones = Tensor<T>::ones({1, 4, 4});
  // Each pixel counts the 2x2 windows that cover it.
  CHECK_SAME(eg::fold(ones, 3, {.kernel = 2}).value(),
             NdArray<T>({1, 1, 3, 3}, {1, 2, 1, 2, 4, 2, 1, 2, 1}));
  const Tensor<T> cols({1, 2, 2}, {1, 2, 10, 20});
  CHECK_SAME(eg::fold(cols, {1, 3}, {.kernel = {1, 2}}).value(),
             NdArray<T>({1, 1, 1, 3}, {1, 12, 20}));
  // Patches without overlap come back as they were.
  const Tensor<T> x(test::random<T>({2, 3, 4, 6}));
  const eg::UnfoldArguments patch{.kernel = 2, .stride = 2};
  CHECK_SAME(eg::fold(eg::unfold(x, patch), {4, 6}, patch).value(), x.value());
}

TEST_CASE("unfold: gradient") {
  for (const eg::UnfoldArguments& options :
       {eg::UnfoldArguments{.kernel = 3, .padding = 1},
        eg::UnfoldArguments{.kernel = 2, .stride = 2},
        eg::UnfoldArguments{.kernel = {2, 3}, .stride = {1, 2}, .padding = {2, 1}},
        eg::UnfoldArguments{.kernel = 2, .dilation = {2, 3}}}) {
    const NdArray<double> x = test::random({2, 2, 5, 7});
    CHECK_GRADIENT(eg::unfold(x[0], options), {x});
    const NdArray<double> cols = eg::unfold(Tensor<double>(x), options).value();
    CHECK_GRADIENT(eg::fold(x[0], {5, 7}, options), {cols});
  }
}

TEMPLATE_TEST_CASE("unfold: edge", "", float, double) {
  using T = TestType;
  SECTION("empty batch, no channels, no pixels but padding") {
    CHECK(eg::unfold(Tensor<T>::zeros({0, 2, 3, 3}), {.kernel = 2}).shape() ==
          eg::Shape({0, 8, 4}));
    CHECK(eg::unfold(Tensor<T>::zeros({2, 0, 3, 3}), {.kernel = 2}).shape() ==
          eg::Shape({2, 0, 4}));
    CHECK_SAME(eg::unfold(Tensor<T>::zeros({1, 1, 0, 2}), {.kernel = 2, .padding = 1}).value(),
               NdArray<T>::zeros({1, 4, 3}));
    CHECK(eg::fold(Tensor<T>::zeros({0, 4, 4}), 3, {.kernel = 2}).shape() ==
          eg::Shape({0, 1, 3, 3}));
  }
  SECTION("a tap that reads nothing but padding") {
    const Tensor<T> x({1, 1, 1, 1}, {7});
    CHECK_SAME(eg::unfold(x, {.kernel = 1, .stride = 3, .padding = 3}).value(),
               NdArray<T>({1, 1, 9}, {0, 0, 0, 0, 7, 0, 0, 0, 0}));
    CHECK_SAME(eg::unfold(x, {.kernel = {1, 3}, .padding = {0, 1}}).value(),
               NdArray<T>({1, 3, 1}, {0, 7, 0}));
  }
  SECTION("any width: each tap reads its own pixels, as the definition says") {
    for (test::Index width : {1, 2, 7, 8, 15, 16, 17, 33}) {
      for (test::Index stride : {1, 2, 3}) {
        const Tensor<T> x(test::random<T>({1, 2, 4, width}));
        const eg::UnfoldArguments options{.kernel = 3, .stride = {1, stride}, .padding = 1};
        const NdArray<T> cols = eg::unfold(x, options).value();
        const test::Index cols_w = (width - 1) / stride + 1;
        REQUIRE(cols.shape() == eg::Shape({1, 18, 4 * cols_w}));
        for (test::Index n = 0; n < cols.numel(); ++n) {
          const test::Index row = n / (4 * cols_w);
          const test::Index position = n % (4 * cols_w);
          const test::Index y = position / cols_w + row % 9 / 3 - 1;
          const test::Index z = position % cols_w * stride + row % 3 - 1;
          const bool inside = y >= 0 && y < 4 && z >= 0 && z < width;
          REQUIRE(cols.data()[n] == (inside ? x.value()(0, row / 9, y, z) : T(0)));
        }
      }
    }
  }
  SECTION("infinities are copied, not multiplied") {
    const T inf = std::numeric_limits<T>::infinity();
    CHECK_SAME(eg::unfold(Tensor<T>({1, 1, 1, 2}, {inf, -inf}), {.kernel = 1}).value(),
               NdArray<T>({1, 1, 2}, {inf, -inf}));
  }
}

TEST_CASE("unfold: error") {
  const auto x = Tensor<double>::zeros({1, 2, 3, 4});
  CHECK_ERROR(eg::unfold(Tensor<double>::zeros({2, 3, 4}), {.kernel = 2}), eg::ShapeError,
              "[unfold] x must be (B, C, H, W): x (2, 3, 4)");
  CHECK_ERROR(eg::unfold(x, {}), eg::ValueError, "[unfold] kernel must be positive: kernel (0, 0)");
  CHECK_ERROR(eg::unfold(x, {.kernel = 2, .stride = {1, 0}}), eg::ValueError,
              "[unfold] stride must be positive: stride (1, 0)");
  CHECK_ERROR(eg::unfold(x, {.kernel = 2, .padding = -1}), eg::ValueError,
              "[unfold] padding must not be negative: padding (-1, -1)");
  CHECK_ERROR(eg::unfold(x, {.kernel = 2, .dilation = test::Index{1} << 40}), eg::ValueError,
              "[unfold] dilation must be at most 1073741824: dilation (1099511627776, "
              "1099511627776)");
  CHECK_ERROR(eg::unfold(x, {.kernel = 4}), eg::ShapeError,
              "[unfold] the kernel must fit into the padded input: kernel (4, 4), dilation (1, 1), "
              "input (3, 4), padding (0, 0)");
  CHECK_ERROR(eg::unfold(x, {.kernel = 2, .padding = test::Index{1} << 30}), eg::ShapeError,
              "[unfold] the windows have too many elements: kernel (2, 2), output (2147483650, "
              "2147483651)");
  CHECK_ERROR(eg::fold(x, 3, {.kernel = 2}), eg::ShapeError,
              "[fold] the columns must have axes (B, C kh kw, L): cols (1, 2, 3, 4)");
  CHECK_ERROR(eg::fold(Tensor<double>::zeros({1, 6, 4}), 3, {.kernel = 2}), eg::ShapeError,
              "[fold] the columns must be (B, C * 4, 4) for output size (3, 3), kernel (2, 2): "
              "cols (1, 6, 4)");
  CHECK_ERROR(eg::fold(Tensor<double>::zeros({1, 4, 5}), 3, {.kernel = 2}), eg::ShapeError,
              "[fold] the columns must be (B, C * 4, 4) for output size (3, 3), kernel (2, 2): "
              "cols (1, 4, 5)");
}

TEMPLATE_TEST_CASE("unfold: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
  const test::Reference reference("unfold");
  const std::pair<std::string, eg::UnfoldArguments> windows[] = {
      {"same", {.kernel = 3, .padding = 1}},
      {"patch", {.kernel = 2, .stride = 2}},
      {"mixed", {.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 3}}}};
  for (const auto& [window, options] : windows) {
    for (const std::string op : {"unfold_", "fold_"}) {
      const std::string name = op + window;
      reference.check<T>(name, tolerance, [&, o = options](const auto& x) {
        return op == "fold_" ? eg::fold(x[0], {7, 6}, o) : eg::unfold(x[0], o);
      });
    }
  }
}
