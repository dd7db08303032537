// SPDX-License-Identifier: MIT
#include <array>
#include <benchmarks/suite/harness.hpp>
#include <benchmarks/suite/naive.hpp>

#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/reduce.hpp>
#include <eigengrad/optim/adam.hpp>
#include <eigengrad/optim/clip.hpp>
#include <eigengrad/optim/muon.hpp>

namespace bench {
namespace {

constexpr Index kDim = 192, kDepth = 6;

/// The parameters of the encoder layers of a ViT, 2.7 million, zero and with random gradients.
std::vector<Tensor> parameters(bool matrices_only) {
  std::vector<Tensor> out;
  for (Index layer = 0; layer < kDepth; ++layer) {
    for (const Shape& shape : {Shape{3 * kDim, kDim}, Shape{kDim, kDim}, Shape{4 * kDim, kDim},
                               Shape{kDim, 4 * kDim}, Shape{3 * kDim}, Shape{kDim}, Shape{4 * kDim},
                               Shape{kDim}, Shape{kDim}, Shape{kDim}, Shape{kDim}, Shape{kDim}}) {
      if (matrices_only && shape.rank() == 1) continue;
      Tensor x(Array::zeros(shape), true);
      // The gradient of sum(x g) is g.
      eg::sum(x * Tensor(random(shape, out.size() + 1))).backward();
      out.push_back(x);
    }
  }
  return out;
}

double count(const std::vector<Tensor>& tensors) {
  double n = 0;
  for (const Tensor& x : tensors) n += double(x.numel());
  return n;
}

/// Parameters that begin at zero are, at a rate of 1, the sum of the steps.
void add_adamw(Suite& suite) {
  const double n = count(parameters(false));
  suite.add("adamw step, 2.7 M parameters", floats(7 * n), 1e-4, [] {
    const std::vector<Tensor> x = parameters(false);
    auto adam = std::make_shared<eg::optim::AdamW<float>>(
        x, eg::optim::AdamWOptions{.lr = 1, .weight_decay = 0.05});
    return Kernel{.run = [=] { adam->step(); },
                  .error =
                      [=] {
                        constexpr int kSteps = 3;
                        for (int step = 0; step < kSteps; ++step) adam->step();
                        double worst = 0;
                        for (const Tensor& p : x) {
                          const Exact w = each(p.grad(), [](double g) {
                            double value = 0, m = 0, v = 0;
                            for (int t = 1; t <= kSteps; ++t) {
                              m = 0.9 * m + 0.1 * g;
                              v = 0.999 * v + 0.001 * g * g;
                              value *= 1 - 0.05;
                              value -= m / (1 - std::pow(0.9, t)) /
                                       (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
                            }
                            return value;
                          });
                          worst = std::max(worst, difference(p.value(), w));
                        }
                        return worst;
                      }};
  });
}

/// Five rounds of x -> (a + b s + c s^2) x with s = x x^T, from x over its Frobenius norm.
Exact naive_orthogonal(Exact x) {
  double squares = 0;
  for (double v : x) squares += v * v;
  for (double& v : x) v /= std::sqrt(squares);
  for (int round = 0; round < 5; ++round) {
    const Exact s = naive_product(x, transposed(x));
    const Exact sx = naive_product(s, x);
    const Exact ssx = naive_product(s, sx);
    for (Index i = 0; i < x.numel(); ++i) {
      x.data()[i] = 3.4445 * x.data()[i] - 4.775 * sx.data()[i] + 2.0315 * ssx.data()[i];
    }
  }
  return x;
}

void add_muon(Suite& suite) {
  // Products with the shorter side in front: n^2 m for s, n^3 for s^2, n^2 m for the result; the
  // first two are symmetric, so half of them is enough.
  double products = 0;
  for (const Tensor& x : parameters(true)) {
    const double rows = double(x.dim(0)), cols = double(x.dim(1));
    const double n = std::min(rows, cols), m = std::max(rows, cols);
    products += 5 * (n * n * m / 2 + n * n * n / 2 + n * n * m);
  }
  suite.add("muon step, 2.7 M parameters", flop(2 * products), 1e-3, [] {
    const std::vector<Tensor> x = parameters(true);
    auto muon = std::make_shared<eg::optim::Muon<float>>(
        x, eg::optim::MuonOptions{.lr = 1, .weight_decay = 0});
    return Kernel{.run = [=] { muon->step(); },
                  .error =
                      [=] {
                        muon->step();  // the first has the direction of the gradient
                        double worst = 0;
                        for (std::size_t i = 0; i < 4; ++i) {  // a layer has all the shapes
                          const double rows = double(x[i].dim(0)), cols = double(x[i].dim(1));
                          const bool tall = rows > cols;
                          const Exact g = exact(x[i].grad());
                          Exact w = naive_orthogonal(tall ? transposed(g) : g);
                          if (tall) w = transposed(w);
                          for (double& v : w) v *= -std::sqrt(std::max(1.0, rows / cols));
                          const double d = difference(x[i].value(), w);
                          if (!(d <= worst)) worst = d;
                          if (std::isnan(d)) break;
                        }
                        return worst;
                      }};
  });
}

void add_clip(Suite& suite) {
  const double n = count(parameters(false));
  suite.add("clip_grad_norm, 2.7 M parameters", floats(3 * n), 1e-6, [] {
    const std::vector<Tensor> x = parameters(false);
    // Half of the norm, so that each call has to scale again.
    auto clip = [=] { return eg::optim::clip_grad_norm(x, eg::optim::grad_norm(x) / 2); };
    return Kernel{.run = [=] { eg::optim::clip_grad_norm(x, 0.0); },
                  .error =
                      [=] {
                        double squares = 0;
                        std::vector<Exact> expected;
                        for (const Tensor& p : x) {
                          expected.push_back(each(p.grad(), [](double g) { return g / 2; }));
                          for (double v : expected.back()) squares += 4 * v * v;
                        }
                        double worst = std::abs(clip() / std::sqrt(squares) - 1);
                        for (std::size_t i = 0; i < x.size(); ++i) {
                          worst = std::max(worst, difference(x[i].grad(), expected[i]));
                        }
                        return worst;
                      }};
  });
}

}  // namespace

void optimizer_benchmarks(Suite& suite) {
  add_adamw(suite);
  add_muon(suite);
  add_clip(suite);
}

}  // namespace bench
