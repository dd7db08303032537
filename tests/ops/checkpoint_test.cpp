// SPDX-License-Identifier: MIT
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

#include <eigengrad/nn.hpp>
#include <eigengrad/ops.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

/// What a step computes: the result, then the gradients.
template <class F>
std::vector<NdArray<double>> step(F&& f, std::vector<Tensor<double>> leaves) {
  const Tensor<double> y = f();
  y.backward(test::random(y.shape(), 99));
  std::vector<NdArray<double>> out = {y.value()};
  for (Tensor<double>& x : leaves) {
    out.push_back(x.grad());
    x.zero_grad();
  }
  return out;
}

void check_same(const std::vector<NdArray<double>>& a, const std::vector<NdArray<double>>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK_SAME(a[i], b[i]);
}

struct Block {
  Tensor<double> weight{test::random({6, 6}, 2), true};
  Tensor<double> operator()(const Tensor<double>& x) const {
    return x + eg::linear(eg::layer_norm(x), weight, {}, {.activation = eg::Activation::kGelu});
  }
};

}  // namespace

TEST_CASE("checkpoint: the same bits as without") {
  const Tensor<double> x(test::random({4, 6}), true);
  const Block f;
  SECTION("once") {
    check_same(step([&] { return eg::checkpoint(f, x); }, {x, f.weight}),
               step([&] { return f(x); }, {x, f.weight}));
  }
  SECTION("twice with the same parameters, x used outside as well") {
    check_same(step([&] { return eg::checkpoint(f, eg::checkpoint(f, x)) * x; }, {x, f.weight}),
               step([&] { return f(f(x)) * x; }, {x, f.weight}));
  }
  SECTION("after ops whose result can be made again, and whose handle is gone") {
    const auto norm = [&] { return eg::layer_norm(x * 2.0); };
    check_same(step([&] { return eg::checkpoint(f, norm()); }, {x, f.weight}),
               step([&] { return f(norm()); }, {x, f.weight}));
  }
  SECTION("one inside another") {
    const auto outer = [&](const Tensor<double>& z) {
      return eg::tanh(eg::checkpoint(f, eg::checkpoint(f, z)));
    };
    check_same(step([&] { return eg::checkpoint(outer, x); }, {x, f.weight}),
               step([&] { return eg::tanh(f(f(x))); }, {x, f.weight}));
  }
  SECTION("of several inputs, one of which needs no gradient, and of an undefined one") {
    const Tensor<double> fixed(test::random({4, 6}, 7));
    const auto g = [&](const Tensor<double>& a, const Tensor<double>& b, const Tensor<double>& c) {
      return c.defined() ? a : f(a) * b;
    };
    check_same(step([&] { return eg::checkpoint(g, x, fixed, Tensor<double>()); }, {x, f.weight}),
               step([&] { return g(x, fixed, {}); }, {x, f.weight}));
  }
  SECTION("with a graph that is retained") {
    const auto twice = [](const Tensor<double>& y) {
      y.backward(test::random(y.shape(), 5), {.retain_graph = true});
      return y;
    };
    check_same(step([&] { return twice(eg::checkpoint(f, x)); }, {x, f.weight}),
               step([&] { return twice(f(x)); }, {x, f.weight}));
  }
  SECTION("of a function that returns its input") {
    const auto same = [](const Tensor<double>& z) { return z; };
    check_same(step([&] { return eg::checkpoint(same, x * 3.0) + x; }, {x}),
               step([&] { return x * 3.0 + x; }, {x}));
  }
}

TEST_CASE("checkpoint: a parameter inside gets its gradient though no input requires one") {
  const Tensor<double> x(test::random({4, 6}));
  const Block f;
  check_same(step([&] { return eg::checkpoint(f, x); }, {f.weight}),
             step([&] { return f(x); }, {f.weight}));
  const auto plain = [](const Tensor<double>& z) { return z * 2.0; };
  CHECK_FALSE(eg::checkpoint(plain, x).requires_grad());
}

TEST_CASE("checkpoint: random numbers are drawn again, and the generator moves on once") {
  const Tensor<double> x(test::random({40, 6}), true);
  const auto run = [&](bool checkpointed) {
    eg::Generator rng(3);
    const auto f = [&](const Tensor<double>& z) { return eg::dropout(z * z, 0.5, rng); };
    const auto call = [&](const Tensor<double>& z) {
      return checkpointed ? eg::checkpoint({&rng}, f, z) : f(z);
    };
    auto out = step([&] { return call(call(x)); }, {x});
    const eg::Generator expected = [] {
      eg::Generator g(3);
      g.next();
      g.next();
      return g;
    }();
    CHECK(rng.state() == expected.state());
    return out;
  };
  check_same(run(true), run(false));
}

TEST_CASE("checkpoint: hooks see a parameter's whole gradient once") {
  const Tensor<double> x(test::random({4, 6}), true);
  Block f;
  int calls = 0;
  f.weight.register_hook([&](const NdArray<double>& g) {
    ++calls;
    return NdArray<double>(10 * g.matrix());
  });
  const auto expected = step([&] { return f(f(x)); }, {x, f.weight});
  calls = 0;
  check_same(step([&] { return eg::checkpoint(f, eg::checkpoint(f, x)); }, {x, f.weight}),
             expected);
  CHECK(calls == 1);
}

TEST_CASE("checkpoint: gradients") {
  const Block f;
  CHECK_GRADIENT(eg::checkpoint(f, x[0]), {test::random({4, 6})});
  const auto g = [](const Tensor<double>& a, const Tensor<double>& b) {
    return eg::tanh(a) * b + a;
  };
  CHECK_GRADIENT(eg::checkpoint(g, x[0], x[1]), {test::random({4, 6}), test::random({6}, 2)});
  CHECK_GRADIENT(eg::checkpoint(g, x[0], x[0]), {test::random({4, 6})});
}

TEST_CASE("checkpoint: without gradients it is a call") {
  const Tensor<double> x(test::random({4, 6}), true);
  const Block f;
  const eg::NoGrad guard;
  const Tensor<double> y = eg::checkpoint(f, x);
  CHECK(y.is_leaf());
  CHECK_SAME(y.value(), f(x).value());
}

TEST_CASE("checkpoint: what goes wrong in the second call") {
  Tensor<double> x(test::random({4, 6}), true);
  eg::Generator rng(3);
  int calls = 0;
  SECTION("an exception comes through and leaves generators and gradients alone") {
    const auto f = [&](const Tensor<double>& z) {
      rng.next();
      if (++calls == 2) throw std::runtime_error("second call");
      return z * 2.0;
    };
    const Tensor<double> y = eg::checkpoint({&rng}, f, x * 1.0);
    const auto state = rng.state();
    CHECK_ERROR(y.backward(y.value()), std::runtime_error, "second call");
    CHECK(rng.state() == state);
    CHECK(eg::grad_enabled());
    CHECK_FALSE(x.has_grad());
    y.backward(NdArray<double>::ones({4, 6}));
    CHECK_SAME(x.grad(), NdArray<double>::full({4, 6}, 2));
  }
  SECTION("another shape") {
    const auto f = [&](const Tensor<double>& z) {
      return ++calls == 2 ? eg::sum(z, {0}) : z * 2.0;
    };
    const Tensor<double> y = eg::checkpoint(f, x);
    CHECK_ERROR(y.backward(y.value()), eg::ShapeError,
                "[checkpoint] the result must have the same shape again: first (4, 6), then (6)");
  }
  SECTION("a graph that has been freed") {
    const Tensor<double> y = eg::checkpoint(Block(), x);
    y.backward(y.value());
    CHECK_ERROR(y.backward(y.value()), eg::StateError,
                "[backward] the graph through checkpoint has been freed by an earlier backward; "
                "pass {.retain_graph = true} to that one");
  }
}

TEST_CASE("checkpoint: memory grows by the inputs alone") {
  constexpr Index rows = 2000;
  const std::size_t array = rows * 64 * sizeof(float);
  eg::Generator rng(1);
  const eg::nn::Mlp<float> mlp({.in = 64}, rng);
  const Tensor<float> x(test::random<float>({rows, 64}), true);
  const auto peak = [&](bool checkpointed) {
    const std::size_t before = eg::memory_in_use();
    eg::reset_peak_memory();
    Tensor<float> y = x;
    for (int i = 0; i < 6; ++i) y = checkpointed ? eg::checkpoint(mlp, y) : mlp(y);
    const std::size_t kept = eg::memory_in_use() - before;
    y.backward(NdArray<float>::ones({rows, 64}));
    return std::pair(kept, eg::peak_memory() - before);
  };
  peak(false);  // the parameters have gradients from now on
  const auto plain = peak(false);
  const auto saving = peak(true);
  CHECK(saving.first < 7 * array);
  CHECK(plain.first > 6 * 5 * array);
  CHECK(saving.second < plain.second / 2);
}
