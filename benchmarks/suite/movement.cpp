// SPDX-License-Identifier: MIT
// What sums over axes, reorders, joins and picks.
#include <benchmarks/suite/harness.hpp>
#include <benchmarks/suite/naive.hpp>

#include <eigengrad/ops/concat.hpp>
#include <eigengrad/ops/embedding.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reduce.hpp>

namespace bench {
namespace {

/// Sum or mean of x (a, b, c) over some axes.
void add_reduction(Suite& suite, const Shape& shape, const Shape& axes, bool mean) {
  auto op = [=](const Tensor& x) { return mean ? eg::mean(x, axes) : eg::sum(x, axes); };
  suite.add((mean ? "mean " : "sum ") + shape.str() + " over " + axes.str(),
            floats(double(shape.numel())), 1e-5, [=] {
              const Tensor x(random(shape));
              return Kernel{.run = [=] { op(x); },
                            .error =
                                [=] {
                                  Shape kept = shape;
                                  for (Index axis : axes) kept[axis] = 1;
                                  Exact y = Exact::zeros(kept);
                                  for (Index i = 0; i < shape[0]; ++i) {
                                    for (Index j = 0; j < shape[1]; ++j) {
                                      for (Index k = 0; k < shape[2]; ++k) {
                                        y(i % kept[0], j % kept[1], k % kept[2]) +=
                                            x.value()(i, j, k);
                                      }
                                    }
                                  }
                                  if (mean)
                                    y.array() *= double(kept.numel()) / double(shape.numel());
                                  return difference(op(x).value(), y);
                                }};
            });
}

void add_permute(Suite& suite, const Shape& shape, const Shape& axes) {
  suite.add("permute " + shape.str() + " to " + axes.str(), floats(2 * double(shape.numel())), 0,
            [=] {
              const Tensor x(random(shape));
              return Kernel{.run = [=] { eg::permute(x, axes); },
                            .error =
                                [=] {
                                  const Tensor y = eg::permute(x, axes);
                                  Exact expected(y.shape());
                                  // Each element of the result: its index there, moved to where it
                                  // came from.
                                  for (Index at = 0; at < y.numel(); ++at) {
                                    Index rest = at;
                                    Index index[4] = {};
                                    for (Index axis = 3; axis >= 0; --axis) {
                                      index[axes[axis]] = rest % y.dim(axis);
                                      rest /= y.dim(axis);
                                    }
                                    expected.data()[at] =
                                        x.value()(index[0], index[1], index[2], index[3]);
                                  }
                                  return difference(y.value(), expected);
                                }};
            });
}

void add_transpose(Suite& suite, const Shape& shape) {
  suite.add("transpose " + shape.str(), floats(2 * double(shape.numel())), 0, [=] {
    const Tensor x(random(shape));
    return Kernel{
        .run = [=] { eg::transpose(x, 0, 1); },
        .error = [=] { return difference(eg::transpose(x, 0, 1).value(), transposed(x.value())); }};
  });
}

/// A class token before the tokens (B, T, C).
void add_cat(Suite& suite, const Shape& shape) {
  const Shape first{shape[0], 1, shape[2]};
  const double n = double(shape.numel() + first.numel());
  suite.add("cat " + first.str() + " " + shape.str(), floats(2 * n), 0, [=] {
    const Tensor token(random(first, 1)), x(random(shape, 2));
    return Kernel{.run =
                      [=] {
                        eg::cat({token, x}, 1);
                      },
                  .error =
                      [=] {
                        Exact y(Shape{shape[0], shape[1] + 1, shape[2]});
                        for (Index i = 0; i < shape[0]; ++i) {
                          for (Index j = 0; j <= shape[1]; ++j) {
                            for (Index k = 0; k < shape[2]; ++k) {
                              y(i, j, k) = j == 0 ? token.value()(i, 0, k) : x.value()(i, j - 1, k);
                            }
                          }
                        }
                        return difference(eg::cat({token, x}, 1).value(), y);
                      }};
  });
}

void add_embedding(Suite& suite, Index count, const Shape& table) {
  const double n = double(count * table[1]);
  auto indices = [=] {
    eg::NdArray<Index> out({count});
    for (Index i = 0; i < count; ++i) out.data()[i] = i * 31 % table[0];
    return out;
  };
  const std::string name = std::to_string(count) + " of " + table.str();
  suite.add("embedding " + name, floats(2 * n), 0, [=] {
    const Tensor weight(random(table));
    auto run = [=, at = indices()] { return eg::embedding(at, weight); };
    return Kernel{.run = [=] { run(); },
                  .error =
                      [=, at = indices()] {
                        Exact y(Shape{count, table[1]});
                        for (Index i = 0; i < count; ++i) {
                          for (Index k = 0; k < table[1]; ++k) {
                            y(i, k) = weight.value()(at.data()[i], k);
                          }
                        }
                        return difference(run().value(), y);
                      }};
  });
  suite.add("embedding backward " + name, floats(n + double(table.numel())), 1e-6, [=] {
    const Tensor weight(random(table), true);
    const Array dout = random({count, table[1]}, 2);
    return backward_kernel({weight}, eg::embedding(indices(), weight), dout, [=, at = indices()] {
      Exact dweight = Exact::zeros(table);
      for (Index i = 0; i < count; ++i) {
        for (Index k = 0; k < table[1]; ++k) dweight(at.data()[i], k) += dout(i, k);
      }
      return std::vector<Exact>{dweight};
    });
  });
}

}  // namespace

void movement_benchmarks(Suite& suite) {
  for (const Shape& axes : {Shape{0}, Shape{1}, Shape{2}, Shape{0, 1}, Shape{0, 1, 2}}) {
    add_reduction(suite, {64, 65, 192}, axes, false);
  }
  add_reduction(suite, {64, 65, 192}, {1}, true);
  add_permute(suite, {64, 65, 3, 64}, {0, 2, 1, 3});  // tokens to heads
  add_permute(suite, {64, 192, 8, 8}, {0, 2, 3, 1});  // images to tokens
  add_transpose(suite, {4160, 192});
  add_cat(suite, {64, 64, 192});
  add_embedding(suite, 4160, {1000, 192});
}

}  // namespace bench
