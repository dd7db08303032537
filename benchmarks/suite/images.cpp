// SPDX-License-Identifier: MIT
#include <benchmarks/suite/harness.hpp>
#include <benchmarks/suite/naive.hpp>
#include <limits>

#include <eigengrad/ops/batch_norm.hpp>
#include <eigengrad/ops/conv2d.hpp>
#include <eigengrad/ops/pool.hpp>
#include <eigengrad/ops/unfold.hpp>

namespace bench {
namespace {

/// Square images (batch, channels, side, side) under windows of `kernel` x `kernel`.
struct Case {
  Index batch, channels, side, kernel, stride, padding;

  Shape images() const { return {batch, channels, side, side}; }
  Index positions() const { return (side + 2 * padding - kernel) / stride + 1; }
  std::string name() const {
    return images().str() + " " + std::to_string(kernel) + "/" + std::to_string(stride);
  }
  /// Calls f(x, y, i, j) where tap (i, j) of the window at (r, q) meets pixel (y, x) of the image.
  template <class F>
  void taps(Index r, Index q, F&& f) const {
    for (Index i = 0; i < kernel; ++i) {
      for (Index j = 0; j < kernel; ++j) {
        const Index y = r * stride + i - padding;
        const Index x = q * stride + j - padding;
        if (y >= 0 && y < side && x >= 0 && x < side) f(y, x, i, j);
      }
    }
  }
};

/// The convolution y, and the gradients of x and weight, each in a pass of its own.
struct NaiveConvolution {
  const Case& c;
  const Array& x;
  const Array& weight;
  const Array& dout;
  Index out = weight.dim(0);
  Index p = c.positions();

  /// Calls f(b, r, q) at each position of each image, images in parallel.
  template <class F>
  void each_position(F&& f) const {
    eg::parallel_for(c.batch, 1, [&](Index begin, Index end) {
      for (Index at = begin * p * p; at < end * p * p; ++at) f(at / p / p, at / p % p, at % p);
    });
  }

  Exact result() const {
    Exact y = Exact::zeros(Shape{c.batch, out, p, p});
    each_position([&](Index b, Index r, Index q) {
      for (Index o = 0; o < out; ++o) {
        for (Index in = 0; in < c.channels; ++in) {
          c.taps(r, q, [&](Index h, Index w, Index i, Index j) {
            y(b, o, r, q) += double(weight(o, in, i, j)) * x(b, in, h, w);
          });
        }
      }
    });
    return y;
  }
  Exact dx() const {
    Exact d = Exact::zeros(x.shape());
    each_position([&](Index b, Index r, Index q) {
      for (Index o = 0; o < out; ++o) {
        for (Index in = 0; in < c.channels; ++in) {
          c.taps(r, q, [&](Index h, Index w, Index i, Index j) {
            d(b, in, h, w) += double(weight(o, in, i, j)) * dout(b, o, r, q);
          });
        }
      }
    });
    return d;
  }
  Exact dweight() const {
    Exact d = Exact::zeros(weight.shape());
    eg::parallel_for(out, 1, [&](Index begin, Index end) {
      for (Index o = begin; o < end; ++o) {
        for (Index at = 0; at < c.batch * p * p; ++at) {
          const Index b = at / p / p, r = at / p % p, q = at % p;
          for (Index in = 0; in < c.channels; ++in) {
            c.taps(r, q, [&](Index h, Index w, Index i, Index j) {
              d(o, in, i, j) += double(dout(b, o, r, q)) * x(b, in, h, w);
            });
          }
        }
      }
    });
    return d;
  }
};

void add_convolution(Suite& suite, const Case& c, Index out, bool first) {
  const Shape filters{out, c.channels, c.kernel, c.kernel};
  const double work =
      2.0 * double(c.batch * c.positions() * c.positions()) * double(filters.numel());
  const std::string name = c.images().str() + " " + filters.str();
  const eg::Conv2dArguments options{.stride = c.stride, .padding = c.padding};
  suite.add("conv2d " + name, flop(work), 1e-5, [=] {
    const Tensor x(random(c.images(), 1)), weight(random(filters, 2));
    auto run = [=] { return eg::conv2d(x, weight, {}, options); };
    return Kernel{.run = [=] { run(); },
                  .error =
                      [=] {
                        const NaiveConvolution naive{c, x.value(), weight.value(), {}};
                        return difference(run().value(), naive.result());
                      }};
  });
  // The first layer's images need no gradient.
  suite.add("conv2d backward " + name, flop(first ? work : 2 * work), 1e-5, [=] {
    const Tensor x(random(c.images(), 1), !first), weight(random(filters, 2), true);
    const Array dout = random({c.batch, out, c.positions(), c.positions()}, 3);
    std::vector<Tensor> leaves = {weight};
    if (!first) leaves.push_back(x);
    return backward_kernel(leaves, eg::conv2d(x, weight, {}, options), dout, [=] {
      const NaiveConvolution naive{c, x.value(), weight.value(), dout};
      std::vector<Exact> gradients = {naive.dweight()};
      if (!first) gradients.push_back(naive.dx());
      return gradients;
    });
  });
}

/// Result and gradient of x; the first of equal maxima gets it.
std::pair<Exact, Exact> naive_max_pool(const Case& c, const Array& x, const Array& dout) {
  const Index p = c.positions();
  Exact y(Shape{c.batch, c.channels, p, p});
  Exact dx = Exact::zeros(x.shape());
  for (Index at = 0; at < y.numel(); ++at) {
    const Index b = at / p / p / c.channels, ch = at / p / p % c.channels;
    const Index r = at / p % p, q = at % p;
    double best = -std::numeric_limits<double>::infinity();
    double* owner = nullptr;
    c.taps(r, q, [&](Index h, Index w, Index, Index) {
      if (x(b, ch, h, w) > best) {
        best = x(b, ch, h, w);
        owner = &dx(b, ch, h, w);
      }
    });
    y.data()[at] = best;
    if (dout.defined()) *owner += dout.data()[at];
  }
  return {y, dx};
}

void add_max_pool(Suite& suite, const Case& c) {
  const Shape pooled{c.batch, c.channels, c.positions(), c.positions()};
  const double moved = double(c.images().numel() + pooled.numel());
  const eg::MaxPool2dArguments options{
      .kernel = c.kernel, .stride = c.stride, .padding = c.padding};
  suite.add("max_pool2d " + c.name(), floats(moved), 0, [=] {
    const Tensor x(random(c.images()));
    return Kernel{.run = [=] { eg::max_pool2d(x, options); },
                  .error =
                      [=] {
                        return difference(eg::max_pool2d(x, options).value(),
                                          naive_max_pool(c, x.value(), {}).first);
                      }};
  });
  suite.add("max_pool2d backward " + c.name(), floats(moved), 1e-6, [=] {
    const Tensor x(random(c.images()), true);
    const Array dout = random(pooled, 2);
    return backward_kernel({x}, eg::max_pool2d(x, options), dout, [=] {
      return std::vector<Exact>{naive_max_pool(c, x.value(), dout).second};
    });
  });
}

void add_unfold(Suite& suite, const Case& c) {
  const Index p = c.positions(), k = c.kernel;
  const Shape shape{c.batch, c.channels * k * k, p * p};
  const double moved = double(c.images().numel() + shape.numel());
  const eg::UnfoldArguments options{.kernel = k, .stride = c.stride, .padding = c.padding};
  // Element (b, (channel, i, j), (r, q)) of the columns, for each pixel under the window.
  auto each_element = [=](auto f) {
    for (Index b = 0; b < c.batch; ++b) {
      for (Index ch = 0; ch < c.channels; ++ch) {
        for (Index at = 0; at < p * p; ++at) {
          c.taps(at / p, at % p, [&](Index h, Index w, Index i, Index j) {
            f(b, (ch * k + i) * k + j, at, ch, h, w);
          });
        }
      }
    }
  };
  suite.add("unfold " + c.name(), floats(moved), 0, [=] {
    const Tensor x(random(c.images()));
    return Kernel{.run = [=] { eg::unfold(x, options); },
                  .error =
                      [=] {
                        Exact y = Exact::zeros(shape);
                        each_element([&](Index b, Index row, Index at, Index ch, Index h, Index w) {
                          y(b, row, at) = x.value()(b, ch, h, w);
                        });
                        return difference(eg::unfold(x, options).value(), y);
                      }};
  });
  suite.add("fold " + c.name(), floats(moved), 1e-6, [=] {
    const Tensor cols(random(shape));
    auto run = [=] { return eg::fold(cols, {c.side, c.side}, options); };
    return Kernel{.run = [=] { run(); },
                  .error =
                      [=] {
                        Exact x = Exact::zeros(c.images());
                        each_element([&](Index b, Index row, Index at, Index ch, Index h, Index w) {
                          x(b, ch, h, w) += cols.value()(b, row, at);
                        });
                        return difference(run().value(), x);
                      }};
  });
}

/// Result in training, and the gradients of x, weight and bias.
std::vector<Exact> naive_batch_norm(const Array& x, const Array& weight, const Array& bias,
                                    const Array& dout) {
  const Index plane = x.dim(2) * x.dim(3), channels = x.dim(1);
  const double n = double(x.dim(0) * plane);
  Exact y(x.shape()), dx(x.shape());
  Exact dweight = Exact::zeros(weight.shape()), dbias = Exact::zeros(bias.shape());
  for (Index c = 0; c < channels; ++c) {
    auto each_pixel = [&](auto f) {
      for (Index b = 0; b < x.dim(0); ++b) {
        for (Index i = 0; i < plane; ++i) f((b * channels + c) * plane + i);
      }
    };
    double mean = 0, variance = 0;
    each_pixel([&](Index i) { mean += x.data()[i] / n; });
    each_pixel([&](Index i) { variance += std::pow(x.data()[i] - mean, 2) / n; });
    const double rstd = 1 / std::sqrt(variance + 1e-5);
    each_pixel([&](Index i) {
      const double normal = (x.data()[i] - mean) * rstd;
      y.data()[i] = normal * weight(c) + bias(c);
      dweight(c) += dout.data()[i] * normal;
      dbias(c) += dout.data()[i];
    });
    each_pixel([&](Index i) {
      const double normal = (x.data()[i] - mean) * rstd;
      dx.data()[i] = weight(c) * rstd * (dout.data()[i] - dbias(c) / n - normal * dweight(c) / n);
    });
  }
  return {y, dx, dweight, dbias};
}

void add_batch_norm(Suite& suite, const Shape& shape) {
  const double n = double(shape.numel());
  struct Inputs {
    explicit Inputs(const Shape& s)
        : x(random(s, 1), true),
          weight(random({s[1]}, 2), true),
          bias(random({s[1]}, 3), true),
          dout(random(s, 4)),
          mean(Array::zeros({s[1]})),
          variance(Array::ones({s[1]})) {}
    Tensor forward() {
      return eg::batch_norm2d(x, weight, bias, mean, variance, {.training = true});
    }
    std::vector<Exact> naive() const {
      return naive_batch_norm(x.value(), weight.value(), bias.value(), dout);
    }
    Tensor x, weight, bias;
    Array dout, mean, variance;
  };
  suite.add("batch_norm2d " + shape.str(), floats(2 * n), 1e-5, [=] {
    auto run = [in = Inputs(shape)]() mutable {
      const eg::NoGrad no_grad;
      return in.forward();
    };
    return Kernel{
        .run = [=]() mutable { run(); },
        .error = [=]() mutable { return difference(run().value(), Inputs(shape).naive()[0]); }};
  });
  suite.add("batch_norm2d backward " + shape.str(), floats(3 * n), 1e-5, [=] {
    Inputs in(shape);
    return backward_kernel({in.x, in.weight, in.bias}, in.forward(), in.dout, [in] {
      auto all = in.naive();
      all.erase(all.begin());
      return all;
    });
  });
}

}  // namespace

void image_benchmarks(Suite& suite) {
  // The convolutional tokenizer of dim 192 on 128 images.
  add_convolution(suite, {128, 3, 32, 3, 1, 1}, 32, true);
  add_convolution(suite, {128, 32, 16, 3, 1, 1}, 96, false);
  add_convolution(suite, {128, 96, 8, 3, 1, 1}, 192, false);
  add_convolution(suite, {128, 192, 7, 3, 1, 1}, 192, false);  // positions that fill no vectors
  add_convolution(suite, {128, 192, 3, 3, 1, 1}, 192, false);
  add_max_pool(suite, {128, 32, 32, 3, 2, 1});
  add_max_pool(suite, {128, 192, 8, 3, 2, 1});
  add_unfold(suite, {64, 3, 32, 4, 4, 0});   // patches
  add_unfold(suite, {64, 32, 16, 3, 1, 1});  // windows that overlap
  add_batch_norm(suite, {128, 32, 32, 32});
}

}  // namespace bench
