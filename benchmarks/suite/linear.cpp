// SPDX-License-Identifier: MIT
#include <benchmarks/suite/harness.hpp>
#include <benchmarks/suite/naive.hpp>

#include <eigengrad/ops/linear.hpp>

namespace bench {
namespace {

/// y = act(x W^T + b) + residual, at the sizes of a ViT's tokens.
struct Case {
  const char* what;
  Index rows, out, in;
  bool gelu, residual;

  std::string name(const char* phase) const {
    return std::string("linear ") + what + " " + phase + std::to_string(rows) + " x " +
           std::to_string(out) + " x " + std::to_string(in);
  }
  double flop() const { return 2.0 * double(rows) * double(out) * double(in); }
};

/// The operands, and the naive results.
struct Inputs {
  explicit Inputs(const Case& c)
      : gelu(c.gelu),
        x(random({c.rows, c.in}, 1), true),
        weight(random({c.out, c.in}, 2), true),
        bias(random({c.out}, 3), true),
        dout(random({c.rows, c.out}, 5)) {
    if (c.residual) residual = Tensor(random({c.rows, c.out}, 4), true);
  }

  Tensor forward() const {
    const auto activation = gelu ? eg::Activation::kGelu : eg::Activation::kNone;
    return eg::linear(x, weight, bias, {.activation = activation, .residual = residual});
  }
  Exact sums() const {
    Exact out = naive_product(exact(x.value()), transposed(weight.value()));
    for (Index i = 0; i < out.dim(0); ++i) {
      for (Index j = 0; j < out.dim(1); ++j) out(i, j) += bias.value()(j);
    }
    return out;
  }
  Exact naive() const {
    Exact y = sums();
    for (Index i = 0; i < y.numel(); ++i) {
      if (gelu) y.data()[i] = naive_gelu(y.data()[i]);
      if (residual.defined()) y.data()[i] += residual.value().data()[i];
    }
    return y;
  }
  /// The gradients of x, weight, bias and the residual.
  std::vector<Exact> naive_gradients() const {
    Exact d = exact(dout);
    const Exact pre = sums();
    Exact dbias = Exact::zeros(bias.shape());
    for (Index i = 0; i < d.dim(0); ++i) {
      for (Index j = 0; j < d.dim(1); ++j) {
        if (gelu) d(i, j) *= naive_gelu_slope(pre(i, j));
        dbias(j) += d(i, j);
      }
    }
    return {naive_product(d, exact(weight.value())), naive_product(transposed(d), exact(x.value())),
            dbias, exact(dout)};
  }

  bool gelu;
  Tensor x, weight, bias, residual;
  Array dout;
};

void add(Suite& suite, const Case& c) {
  suite.add(c.name(""), flop(c.flop()), 1e-5, [c] {
    const Inputs in(c);
    auto forward = [in] {
      const eg::NoGrad no_grad;
      return in.forward();
    };
    return Kernel{.run = [=] { forward(); },
                  .error = [=] { return difference(forward().value(), in.naive()); }};
  });
  suite.add(c.name("backward "), flop(2 * c.flop()), 1e-5, [c] {
    const Inputs in(c);
    std::vector<Tensor> leaves = {in.x, in.weight, in.bias};
    if (c.residual) leaves.push_back(in.residual);
    return backward_kernel(leaves, in.forward(), in.dout, [in] { return in.naive_gradients(); });
  });
}

}  // namespace

void linear_benchmarks(Suite& suite) {
  add(suite, {"bias", 4160, 576, 192, false, false});
  add(suite, {"bias residual", 4160, 192, 192, false, true});
  add(suite, {"bias gelu", 4160, 768, 192, true, false});
  add(suite, {"bias residual", 4160, 192, 768, false, true});
  add(suite, {"bias", 64, 10, 192, false, false});
}

}  // namespace bench
