// SPDX-License-Identifier: MIT
// What works on each row alone: softmax, norms, the loss.
#include <benchmarks/suite/harness.hpp>
#include <benchmarks/suite/naive.hpp>

#include <eigengrad/ops/cross_entropy.hpp>
#include <eigengrad/ops/layer_norm.hpp>
#include <eigengrad/ops/softmax.hpp>

namespace bench {
namespace {

Exact naive_softmax(const Array& x) {
  Exact y = each(x, [](double v) { return std::exp(v); });
  const Index n = x.shape().back();
  for (Index row = 0; row < x.numel() / n; ++row) {
    double total = 0;
    for (Index j = 0; j < n; ++j) total += y.data()[row * n + j];
    for (Index j = 0; j < n; ++j) y.data()[row * n + j] /= total;
  }
  return y;
}

/// dx = p (dout - sum(p dout)); of the logarithm dout - p sum(dout).
Exact naive_softmax_gradient(const Array& x, const Array& dout, bool log) {
  const Exact p = naive_softmax(x);
  Exact dx(x.shape());
  const Index n = x.shape().back();
  for (Index row = 0; row < x.numel() / n; ++row) {
    double sum = 0;
    for (Index i = row * n; i < (row + 1) * n; ++i) {
      sum += double(dout.data()[i]) * (log ? 1 : p.data()[i]);
    }
    for (Index i = row * n; i < (row + 1) * n; ++i) {
      const double d = dout.data()[i];
      dx.data()[i] = log ? d - p.data()[i] * sum : p.data()[i] * (d - sum);
    }
  }
  return dx;
}

void add_softmax(Suite& suite, const Shape& shape, bool log) {
  const std::string name = log ? "log_softmax " : "softmax ";
  const double n = double(shape.numel());
  auto op = [log](const Tensor& x) { return log ? eg::log_softmax(x) : eg::softmax(x); };
  suite.add(name + shape.str(), floats(2 * n), 1e-5, [=] {
    const Tensor x(random(shape));
    return Kernel{.run = [=] { op(x); },
                  .error =
                      [=] {
                        Exact y = naive_softmax(x.value());
                        for (double& v : y) v = log ? std::log(v) : v;
                        return difference(op(x).value(), y);
                      }};
  });
  suite.add(name + "backward " + shape.str(), floats(3 * n), 1e-5, [=] {
    const Tensor x(random(shape), true);
    const Array dout = random(shape, 2);
    return backward_kernel({x}, op(x), dout, [=] {
      return std::vector<Exact>{naive_softmax_gradient(x.value(), dout, log)};
    });
  });
}

/// The results y, and the gradients of x, weight and bias.
std::vector<Exact> naive_layer_norm(const Array& x, const Array& weight, const Array& bias,
                                    const Array& dout) {
  const Index c = x.dim(1);
  Exact y(x.shape()), dx(x.shape());
  Exact dweight = Exact::zeros(Shape{c}), dbias = Exact::zeros(Shape{c});
  for (Index i = 0; i < x.dim(0); ++i) {
    double mean = 0, variance = 0, d_mean = 0, dn_mean = 0;
    for (Index j = 0; j < c; ++j) mean += x(i, j) / double(c);
    for (Index j = 0; j < c; ++j) variance += std::pow(x(i, j) - mean, 2) / double(c);
    const double rstd = 1 / std::sqrt(variance + 1e-5);
    for (Index j = 0; j < c; ++j) {
      const double normal = (x(i, j) - mean) * rstd;
      y(i, j) = normal * weight(j) + bias(j);
      dweight(j) += dout(i, j) * normal;
      dbias(j) += dout(i, j);
      d_mean += double(dout(i, j)) * weight(j) / double(c);
      dn_mean += double(dout(i, j)) * weight(j) * normal / double(c);
    }
    for (Index j = 0; j < c; ++j) {
      const double normal = (x(i, j) - mean) * rstd;
      dx(i, j) = rstd * (double(dout(i, j)) * weight(j) - d_mean - normal * dn_mean);
    }
  }
  return {y, dx, dweight, dbias};
}

void add_layer_norm(Suite& suite, const Shape& shape) {
  const double n = double(shape.numel());
  auto make = [shape] {
    return std::vector<Tensor>{Tensor(random(shape, 1), true), Tensor(random({shape[1]}, 2), true),
                               Tensor(random({shape[1]}, 3), true), Tensor(random(shape, 4))};
  };
  suite.add("layer_norm " + shape.str(), floats(2 * n), 1e-5, [=] {
    const auto in = make();
    auto run = [in] {
      const eg::NoGrad no_grad;
      return eg::layer_norm(in[0], in[1], in[2]);
    };
    return Kernel{.run = [=] { run(); },
                  .error =
                      [=] {
                        return difference(run().value(),
                                          naive_layer_norm(in[0].value(), in[1].value(),
                                                           in[2].value(), in[3].value())[0]);
                      }};
  });
  suite.add("layer_norm backward " + shape.str(), floats(3 * n), 1e-5, [=] {
    const auto in = make();
    return backward_kernel(
        {in[0], in[1], in[2]}, eg::layer_norm(in[0], in[1], in[2]), in[3].value(), [in] {
          auto all = naive_layer_norm(in[0].value(), in[1].value(), in[2].value(), in[3].value());
          all.erase(all.begin());
          return all;
        });
  });
}

void add_cross_entropy(Suite& suite, const Shape& shape) {
  const double n = double(shape.numel());
  auto labels = [shape] {
    eg::NdArray<Index> out({shape[0]});
    for (Index i = 0; i < shape[0]; ++i) out.data()[i] = i * 7 % shape[1];
    return out;
  };
  suite.add("cross_entropy " + shape.str(), floats(n), 1e-5, [=] {
    const Tensor x(random(shape));
    auto run = [=, y = labels()] { return eg::cross_entropy(x, y); };
    return Kernel{.run = [=] { run(); },
                  .error =
                      [=, y = labels()] {
                        const Exact p = naive_softmax(x.value());
                        double loss = 0;
                        for (Index i = 0; i < shape[0]; ++i) {
                          loss -= std::log(p(i, y.data()[i])) / double(shape[0]);
                        }
                        return difference(run().value(), Exact::scalar(loss));
                      }};
  });
  suite.add("cross_entropy backward " + shape.str(), floats(2 * n), 1e-5, [=] {
    const Tensor x(random(shape), true);
    const eg::NdArray<Index> y = labels();
    return backward_kernel({x}, eg::cross_entropy(x, y), Array::scalar(1), [=] {
      Exact dx = naive_softmax(x.value());
      for (Index i = 0; i < shape[0]; ++i) dx(i, y.data()[i]) -= 1;
      for (double& v : dx) v /= double(shape[0]);
      return std::vector<Exact>{dx};
    });
  });
}

}  // namespace

void row_benchmarks(Suite& suite) {
  for (const Shape& shape : {Shape{64, 3, 65, 65}, Shape{4096, 1000}}) {
    add_softmax(suite, shape, false);
    add_softmax(suite, shape, true);
  }
  add_layer_norm(suite, {4160, 192});
  add_layer_norm(suite, {2048, 192});
  add_layer_norm(suite, {1576, 768});
  add_cross_entropy(suite, {64, 10});
  add_cross_entropy(suite, {512, 1000});
}

}  // namespace bench
