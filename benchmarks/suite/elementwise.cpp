// SPDX-License-Identifier: MIT
#include <benchmarks/suite/harness.hpp>
#include <benchmarks/suite/naive.hpp>

#include <eigengrad/ops/activation.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/dropout.hpp>

namespace bench {
namespace {

void add_activation(Suite& suite, const Shape& shape) {
  const double n = double(shape.numel());
  suite.add("gelu " + shape.str(), floats(2 * n), 1e-5, [=] {
    const Tensor x(random(shape));
    return Kernel{
        .run = [=] { eg::gelu(x); },
        .error = [=] { return difference(eg::gelu(x).value(), each(x.value(), naive_gelu)); }};
  });
  suite.add("gelu backward " + shape.str(), floats(3 * n), 1e-5, [=] {
    const Tensor x(random(shape), true);
    const Array dout = random(shape, 2);
    return backward_kernel({x}, eg::gelu(x), dout, [=] {
      Exact dx = each(x.value(), naive_gelu_slope);
      for (Index i = 0; i < dx.numel(); ++i) dx.data()[i] *= dout.data()[i];
      return std::vector<Exact>{dx};
    });
  });
}

/// x (rows, columns) with y (rows, columns) or with one row or one column of it.
void add_binary(Suite& suite, const Shape& shape, const Shape& other) {
  const double moved = 2 * double(shape.numel()) + double(other.numel());
  auto at = [=](const Array& y, Index i, Index j) {
    return double(y(other[0] == 1 ? 0 : i, other[1] == 1 ? 0 : j));
  };
  auto add = [&](const char* name, auto op, auto naive) {
    suite.add(std::string(name) + shape.str() + " " + other.str(), floats(moved), 1e-6, [=] {
      const Tensor x(random(shape, 1)), y(random(other, 2));
      return Kernel{.run = [=] { op(x, y); },
                    .error =
                        [=] {
                          Exact expected(shape);
                          for (Index i = 0; i < shape[0]; ++i) {
                            for (Index j = 0; j < shape[1]; ++j) {
                              expected(i, j) = naive(x.value()(i, j), at(y.value(), i, j));
                            }
                          }
                          return difference(op(x, y).value(), expected);
                        }};
    });
  };
  add(
      "add ", [](const Tensor& x, const Tensor& y) { return x + y; },
      [](double x, double y) { return x + y; });
  add(
      "mul ", [](const Tensor& x, const Tensor& y) { return x * y; },
      [](double x, double y) { return x * y; });
}

/// How far `y` is from x with some samples or elements zero and the others scaled: the share of
/// zeros must be within five deviations of p, and all of a group share their fate.
double dropout_error(const Array& x, const Array& y, double p, Index group) {
  Exact expected(x.shape());
  double kept = 0;
  for (Index i = 0; i < x.numel(); ++i) {
    const bool keep = y.data()[i / group * group] != 0;
    kept += keep;
    expected.data()[i] = keep ? x.data()[i] / (1 - p) : 0;
  }
  const double n = double(x.numel());
  const double deviation = std::sqrt(p * (1 - p) * double(group) / n);
  if (std::abs(kept / n - (1 - p)) > 5 * deviation) return 1;
  return difference(y, expected);
}

void add_dropout(Suite& suite, const Shape& shape, bool samples) {
  const std::string name = samples ? "stochastic_depth " : "dropout ";
  const Index group = samples ? shape.numel() / shape[0] : 1;
  auto op = [samples](const Tensor& x) {
    eg::Generator generator(7);
    return samples ? eg::stochastic_depth(x, 0.1, generator) : eg::dropout(x, 0.1, generator);
  };
  suite.add(name + shape.str(), floats(2 * double(shape.numel())), 1e-6, [=] {
    const Tensor x(Array::ones(shape));
    return Kernel{.run = [=] { op(x); },
                  .error = [=] { return dropout_error(x.value(), op(x).value(), 0.1, group); }};
  });
  suite.add(name + "backward " + shape.str(), floats(2 * double(shape.numel())), 1e-6, [=] {
    // Where input and incoming gradient are ones, the gradient equals the result.
    const Tensor x(Array::ones(shape), true);
    const Tensor y = op(x);
    return backward_kernel({x}, y, Array::ones(shape),
                           [=] { return std::vector<Exact>{exact(y.value())}; });
  });
}

}  // namespace

void elementwise_benchmarks(Suite& suite) {
  add_activation(suite, {4160, 768});
  for (const Shape& other : {Shape{4160, 192}, Shape{1, 192}, Shape{4160, 1}}) {
    add_binary(suite, {4160, 192}, other);
  }
  add_dropout(suite, {4160, 768}, false);
  add_dropout(suite, {64, 65, 192}, true);
}

}  // namespace bench
