// SPDX-License-Identifier: MIT
// Convolution is a matrix product with unfolded windows; with kernel = stride, that is the patch
// embedding of a vision transformer.
#include <eigengrad/ops/conv2d.hpp>
#include <eigengrad/ops/linear.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reshape.hpp>
#include <eigengrad/ops/unfold.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

template <class T>
struct Inputs {
  Tensor<T> x, weight, bias;

  Inputs(const Shape& image, const Shape& filter)
      : x(test::random<T>(image, 1), true),
        weight(test::random<T>(filter, 2), true),
        bias(test::random<T>({filter[0]}, 3), true) {}
};

template <class T>
void check_equal(const Inputs<T>& a, const Tensor<T>& ya, const Inputs<T>& b, const Tensor<T>& yb) {
  const double tolerance = 1e3 * static_cast<double>(std::numeric_limits<T>::epsilon());
  CHECK_CLOSE(ya.value(), yb.value(), tolerance);
  const NdArray<T> dout = test::random<T>(ya.shape(), 4);
  ya.backward(dout);
  yb.backward(dout);
  CHECK_CLOSE(a.x.grad(), b.x.grad(), tolerance);
  CHECK_CLOSE(a.weight.grad(), b.weight.grad(), tolerance);
  CHECK_CLOSE(a.bias.grad(), b.bias.grad(), tolerance);
}

}  // namespace

TEMPLATE_TEST_CASE("conv2d equals linear of unfold, forward and gradients", "", float, double) {
  using T = TestType;
  struct Window {
    eg::HeightWidth kernel;
    eg::Conv2dArguments options;
  };
  for (const Window& window :
       {Window{3, {.padding = 1}}, Window{{2, 3}, {.stride = {2, 1}, .padding = 2}},
        Window{3, {.dilation = 2}}, Window{1, {}},
        // Patch embedding.
        Window{2, {.stride = 2}}, Window{4, {.stride = 4}}, Window{8, {.stride = 8}}}) {
    const auto& [kernel, options] = window;
    const Shape image{3, 5, 8, 16};
    const Shape filter{20, 5, kernel.h, kernel.w};
    const Inputs<T> a(image, filter);
    const Tensor<T> y = eg::conv2d(a.x, a.weight, a.bias, options);
    const Inputs<T> b(image, filter);
    const Tensor<T> columns =
        eg::unfold(b.x, {kernel, options.stride, options.padding, options.dilation});
    const Tensor<T> tokens =
        eg::linear(eg::permute(columns, {0, 2, 1}), eg::reshape(b.weight, {20, -1}), b.bias);
    check_equal(a, y, b, eg::reshape(eg::permute(tokens, {0, 2, 1}), y.shape()));
  }
}
