// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/ops/conv2d.hpp>
#include <eigengrad/ops/slice.hpp>
#include <eigengrad/ops/unfold.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

template <class T>
struct Result {
  NdArray<T> y, dx, dweight, db;
};

template <class T>
Result<T> run(const NdArray<T>& x, const NdArray<T>& weight, const NdArray<T>& bias,
              const eg::Conv2dArguments& options, const NdArray<T>& dout) {
  const Tensor<T> tx(x, true);
  const Tensor<T> tw(weight, true);
  const Tensor<T> tb(bias, true);
  const Tensor<T> y = eg::conv2d(tx, tw, tb, options);
  y.backward(dout);
  return {y.value(), tx.grad(), tw.grad(), tb.grad()};
}

/// What the definition says: products, by Eigen, with the columns of unfold.
template <class T>
Result<T> by_columns(const NdArray<T>& x, const NdArray<T>& weight, const NdArray<T>& bias,
                     const eg::Conv2dArguments& o, const NdArray<T>& dout) {
  const eg::UnfoldArguments window{{weight.dim(2), weight.dim(3)}, o.stride, o.padding, o.dilation};
  const NdArray<T> cols = eg::unfold(Tensor<T>(x), window).value();
  const Index m = weight.dim(0);
  const Index k = cols.dim(1);
  const Index n = cols.dim(2);
  NdArray<T> dcols(cols.shape());
  NdArray<T> y(dout.shape());
  NdArray<T> dweight = NdArray<T>::zeros(weight.shape());
  NdArray<T> db = NdArray<T>::zeros(bias.shape());
  const eg::ConstMatrixMap<T> w(weight.data(), m, k);
  for (Index b = 0; b < x.dim(0); ++b) {
    const eg::ConstMatrixMap<T> c(cols.data() + b * k * n, k, n);
    const eg::ConstMatrixMap<T> d(dout.data() + b * m * n, m, n);
    eg::MatrixMap<T>(y.data() + b * m * n, m, n) = (w * c).colwise() + bias.array().matrix();
    eg::MatrixMap<T>(dcols.data() + b * k * n, k, n) = w.transpose() * d;
    eg::MatrixMap<T>(dweight.data(), m, k) += d * c.transpose();
    db.array() += d.rowwise().sum().array();
  }
  return {y, eg::fold(Tensor<T>(dcols), {x.dim(2), x.dim(3)}, window).value(), dweight, db};
}

struct Case {
  Shape x, weight;
  eg::Conv2dArguments options = {};
};

template <class T>
NdArray<T> dout_of(const Case& c) {
  eg::NoGrad guard;
  return test::random<T>(
      eg::conv2d(Tensor<T>::zeros(c.x), Tensor<T>::zeros(c.weight), {}, c.options).shape(), 4);
}

template <class T>
void check_against_columns(const Case& c) {
  INFO("x " << c.x.str() << " weight " << c.weight.str());
  const NdArray<T> x = test::random<T>(c.x, 1);
  const NdArray<T> weight = test::random<T>(c.weight, 2);
  const NdArray<T> bias = test::random<T>({c.weight[0]}, 3);
  const NdArray<T> dout = dout_of<T>(c);
  const Result<T> actual = run(x, weight, bias, c.options, dout);
  const Result<T> expected = by_columns(x, weight, bias, c.options, dout);
  // Rounding grows with the length of a sum; its terms are in (-1, 1).
  const double epsilon = 20 * static_cast<double>(std::numeric_limits<T>::epsilon());
  const double positions = std::sqrt(double(dout.numel() / std::max<Index>(1, c.weight[0])));
  CHECK_CLOSE(actual.y, expected.y, epsilon * 10);
  CHECK_CLOSE(actual.dx, expected.dx, epsilon * 10);
  CHECK_CLOSE(actual.dweight, expected.dweight, epsilon * positions);
  CHECK_CLOSE(actual.db, expected.db, epsilon * positions);
}

}  // namespace

TEMPLATE_TEST_CASE("conv2d: value", "", float, double) {
  using T = TestType;
  const Tensor<T> x({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Tensor<T> weight({2, 1, 2, 2}, {1, 0, 0, -1, 1, 2, 3, 4});
  const Tensor<T> bias({2}, {10, 100});
  CHECK_SAME(eg::conv2d(x, weight).value(),
             NdArray<T>({1, 2, 2, 2}, {-4, -4, -4, -4, 37, 47, 67, 77}));
  CHECK_SAME(eg::conv2d(x, weight, bias, {.stride = 2, .padding = 1}).value(),
             NdArray<T>({1, 2, 2, 2}, {9, 7, 3, 6, 104, 118, 136, 177}));
  CHECK_SAME(eg::conv2d(x, weight, {}, {.dilation = 2}).value(),
             NdArray<T>({1, 2, 1, 1}, {-8, 64}));
  // Channels add up.
  CHECK_SAME(
      eg::conv2d(Tensor<T>({1, 2, 1, 2}, {1, 2, 3, 4}), Tensor<T>({1, 2, 1, 1}, {10, 100})).value(),
      NdArray<T>({1, 1, 1, 2}, {310, 420}));
}

TEST_CASE("conv2d: gradient") {
  const std::vector<Case> cases = {
      {{2, 2, 5, 4}, {3, 2, 3, 3}, {.padding = 1}},
      {{1, 2, 4, 5}, {2, 2, 2, 3}},
      {{2, 1, 4, 4}, {3, 1, 2, 2}, {.stride = 2}},
      {{1, 2, 5, 6}, {2, 2, 3, 2}, {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}}},
      {{1, 1, 5, 5}, {2, 1, 2, 2}, {.stride = {1, 2}, .dilation = {3, 1}}},
      {{1, 2, 3, 3}, {2, 2, 1, 1}, {.padding = 2}},  // more padding than the window can reach
      {{1, 1, 2, 17}, {1, 1, 1, 3}, {.padding = {0, 1}}},
      // 16 positions, which fill a vector: tiles within an image.
      {{2, 2, 4, 4}, {3, 2, 3, 3}, {.padding = 1}},
      {{1, 2, 8, 8}, {2, 2, 2, 2}, {.stride = 2}},
      {{1, 1, 6, 6}, {2, 1, 2, 2}, {.dilation = 2}},
  };
  for (const Case& c : cases) {
    CHECK_GRADIENT(
        eg::conv2d(x[0], x[1], x[2], c.options),
        {test::random(c.x, 1), test::random(c.weight, 2), test::random({c.weight[0]}, 3)});
    CHECK_GRADIENT(eg::conv2d(x[0], x[1], {}, c.options),
                   {test::random(c.x, 1), test::random(c.weight, 2)});
  }
}

TEMPLATE_TEST_CASE("conv2d: edge", "", float, double) {
  using T = TestType;
  SECTION("widths and channels around those of tiles") {
    for (Index width : {1, 2, 7, 8, 15, 16, 17, 33, 64}) {
      check_against_columns<T>({{2, 3, 4, width}, {9, 3, 3, 3}, {.padding = 1}});
      check_against_columns<T>({{2, 3, 150, width}, {9, 3, 3, 3}, {.padding = 1}});
    }
    for (Index m : {1, 4, 7, 8, 15, 16, 17, 33, 48, 64}) {
      check_against_columns<T>({{2, 3, 6, 5}, {m, 3, 3, 3}, {.padding = 1}});
    }
    for (Index c : {1, 31, 32, 33, 70}) {
      check_against_columns<T>({{3, c, 5, 4}, {8, c, 2, 3}, {.padding = 1}});
      check_against_columns<T>({{3, c, 15, 14}, {8, c, 2, 3}, {.padding = 1}});
    }
  }
  SECTION("images: fewer and more than chunks, and grouped with one left over") {
    for (Index images : {1, 7, 8, 9, 33}) {
      check_against_columns<T>({{images, 4, 8, 8}, {8, 4, 3, 3}, {.padding = 1}});
      check_against_columns<T>({{images, 4, 7, 7}, {8, 4, 3, 3}, {.padding = 1}});
    }
  }
  SECTION("images cut into bands") {
    check_against_columns<T>({{1, 40, 64, 64}, {8, 40, 3, 3}, {.padding = 1}});
    check_against_columns<T>({{1, 40, 64, 64}, {8, 40, 3, 3}, {.stride = 2, .padding = 1}});
    check_against_columns<T>({{17, 2, 130, 40}, {3, 2, 5, 3}, {.padding = 2, .dilation = {7, 1}}});
    check_against_columns<T>({{2, 1, 5, 1500}, {3, 1, 2, 2}});
  }
  SECTION("strides") {
    for (const eg::HeightWidth stride : {eg::HeightWidth(1, 2), eg::HeightWidth(2, 1),
                                         eg::HeightWidth(4), eg::HeightWidth(3, 5)}) {
      check_against_columns<T>({{3, 3, 16, 16}, {6, 3, 4, 4}, {.stride = stride}});
    }
  }
  SECTION("empty axes") {
    check_against_columns<T>({{0, 2, 3, 3}, {4, 2, 2, 2}});
    check_against_columns<T>({{2, 0, 3, 3}, {4, 0, 2, 2}});
    check_against_columns<T>({{2, 2, 3, 3}, {0, 2, 2, 2}});
    check_against_columns<T>({{2, 2, 0, 3}, {4, 2, 2, 2}, {.padding = 1}});
    check_against_columns<T>({{2, 2, 0, 3}, {4, 2, 2, 2}, {.stride = 2, .padding = 1}});
  }
  SECTION("large magnitudes; a NaN reaches the windows that hold it and no other") {
    const Tensor<T> x({1, 1, 1, 4}, {T(1e30), T(-1e30), T(NAN), 1});
    const NdArray<T> y = eg::conv2d(x, Tensor<T>::ones({1, 1, 1, 1})).value();
    CHECK_SAME(y, x.value());
  }
  SECTION("only what is asked for is computed") {
    const Tensor<T> x(test::random<T>({2, 2, 4, 4}));
    const Tensor<T> weight(test::random<T>({3, 2, 3, 3}), true);
    const Tensor<T> bias(test::random<T>({3}));
    const Tensor<T> y = eg::conv2d(x, weight, bias);
    y.backward(NdArray<T>::ones(y.shape()));
    CHECK(weight.has_grad());
    CHECK_FALSE(x.has_grad());
    CHECK_FALSE(bias.has_grad());
  }
  SECTION("gradients add up") {
    const Tensor<T> x(test::random<T>({2, 2, 4, 4}), true);
    const Tensor<T> weight(test::random<T>({3, 2, 3, 3}), true);
    const NdArray<T> ones = NdArray<T>::ones({2, 3, 2, 2});
    eg::conv2d(x, weight).backward(ones);
    const NdArray<T> once = weight.grad().clone();
    eg::conv2d(x, weight).backward(ones);
    CHECK_SAME(weight.grad(), NdArray<T>(once.array() * T(2)).reshape(once.shape()));
  }
}

TEMPLATE_TEST_CASE("conv2d: the same bits on any number of threads", "", float, double) {
  using T = TestType;
  const std::vector<Case> cases = {
      {{11, 36, 8, 8}, {24, 36, 3, 3}, {.padding = 1}},
      {{11, 36, 7, 7}, {24, 36, 3, 3}, {.padding = 1}},
      {{11, 3, 32, 32}, {16, 3, 3, 3}, {.padding = 1}},
      {{5, 3, 32, 32}, {48, 3, 4, 4}, {.stride = 4}},
      {{1, 8, 40, 40}, {8, 8, 3, 3}, {.stride = 2, .padding = 1}},
  };
  for (const Case& c : cases) {
    test::check_threads([&] {
      const Result<T> r = run(test::random<T>(c.x, 1), test::random<T>(c.weight, 2),
                              test::random<T>({c.weight[0]}, 3), c.options, dout_of<T>(c));
      return std::vector{r.y, r.dx, r.dweight, r.db};
    });
  }
}

TEST_CASE("conv2d: an image has the same bits in any batch") {
  for (const Index side : {3, 7, 8}) {
    const auto x = test::random<float>({19, 5, side, side}, 1);
    const Tensor<float> weight(test::random<float>({9, 5, 3, 3}, 2));
    const Tensor<float> all = eg::conv2d(Tensor<float>(x), weight, {}, {.padding = 1});
    const Tensor<float> last =
        eg::conv2d(eg::slice(Tensor<float>(x), 0, 18, 19), weight, {}, {.padding = 1});
    CHECK_SAME(last.value(), eg::slice(all, 0, 18, 19).value());
  }
}

TEST_CASE("conv2d: error") {
  const auto x = Tensor<double>::zeros({1, 2, 3, 4});
  const auto weight = Tensor<double>::zeros({5, 2, 2, 2});
  CHECK_ERROR(eg::conv2d(Tensor<double>::zeros({2, 3, 4}), weight), eg::ShapeError,
              "[conv2d] x must be (B, C, H, W): x (2, 3, 4)");
  CHECK_ERROR(
      eg::conv2d(x, Tensor<double>::zeros({5, 3, 2, 2})), eg::ShapeError,
      "[conv2d] the filters are for 3 channels, x has 2: x (1, 2, 3, 4), weight (5, 3, 2, 2)");
  CHECK_ERROR(eg::conv2d(x, Tensor<double>::zeros({5, 8})), eg::ShapeError,
              "[conv2d] weight must be (O, C, kh, kw): weight (5, 8)");
  CHECK_ERROR(eg::conv2d(x, weight, Tensor<double>::zeros({4})), eg::ShapeError,
              "[conv2d] bias must have one value per filter: bias (4), weight (5, 2, 2, 2)");
  CHECK_ERROR(eg::conv2d(x, weight, {}, {.stride = 0}), eg::ValueError,
              "[conv2d] stride must be positive: stride (0, 0)");
  CHECK_ERROR(eg::conv2d(x, Tensor<double>::zeros({5, 2, 0, 2})), eg::ValueError,
              "[conv2d] kernel must be positive: kernel (0, 2)");
  CHECK_ERROR(eg::conv2d(x, weight, {}, {.dilation = 3}), eg::ShapeError,
              "[conv2d] the kernel must fit into the padded input: kernel (2, 2), dilation (3, 3), "
              "input (3, 4), padding (0, 0)");
}

TEMPLATE_TEST_CASE("conv2d: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("conv2d");
  const double tolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
  const std::pair<std::string, eg::Conv2dArguments> cases[] = {
      {"same", {.padding = 1}},
      {"patch", {.stride = 4}},
      {"mixed", {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 3}}}};
  for (const auto& [name, options] : cases) {
    reference.check<T>(name, tolerance,
                       [o = options](const auto& x) { return eg::conv2d(x[0], x[1], x[2], o); });
  }
}
