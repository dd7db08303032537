// SPDX-License-Identifier: MIT
#include <eigengrad/core/observer.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

/// Writes down what it sees: phase, op, ids, shapes.
class Recorder : public eg::Observer {
 public:
  struct Line {
    Phase phase;
    std::string op;
    std::uint64_t result;
    std::vector<std::uint64_t> inputs;
    Index bad;  // results and gradients that are not finite
  };
  std::vector<Line> lines;

  void observe(const Event& event) override {
    Line line{event.phase, event.op, event.result.id, {}, event.result.value.count_not_finite()};
    for (const Seen& x : event.inputs) {
      line.inputs.push_back(x.id);
      if (event.phase == Phase::kBackward) line.bad += x.grad.count_not_finite();
    }
    lines.push_back(line);
  }
};

}  // namespace

TEST_CASE("observer: sees ops and their backwards, and who is whose input") {
  const Tensor<double> a({2}, {1, 2}, true);
  const Tensor<double> b({2}, {0, 4});
  Recorder recorder;
  const Tensor<double> y = a / b;  // 1 / 0
  const Tensor<double> z = y + a;
  z.backward(NdArray<double>::ones({2}));
  REQUIRE(recorder.lines.size() == 4);
  const auto id = [](const Tensor<double>& x) { return x.node_ptr()->id; };
  CHECK(recorder.lines[0].result == id(y));
  CHECK(recorder.lines[0].inputs == std::vector<std::uint64_t>{id(a), id(b)});
  CHECK(recorder.lines[0].bad == 1);
  CHECK(recorder.lines[1].inputs == std::vector<std::uint64_t>{id(y), id(a)});
  CHECK(recorder.lines[2].phase == eg::Observer::Phase::kBackward);
  CHECK(recorder.lines[2].op == recorder.lines[1].op);
  CHECK(recorder.lines[3].result == id(y));
  CHECK(recorder.lines[3].bad == 1 + 1);  // the result, and 1 / 0 again in the gradient of a
}

TEST_CASE("observer: ops without a graph are seen too, and a second observer takes over") {
  const eg::NoGrad guard;
  Recorder outer;
  const Tensor<float> x({1}, {2});
  {
    Recorder inner;
    const Tensor<float> y = x * x;
    CHECK(inner.lines.size() == 1);
    CHECK(inner.lines[0].result == y.node_ptr()->id);
  }
  CHECK(outer.lines.empty());
  CHECK(eg::Observer::active() == &outer);
}

TEST_CASE("observer: counts numbers that are not finite") {
  const float inf = std::numeric_limits<float>::infinity();
  const float floats[] = {1, inf, -inf, std::nanf("")};
  CHECK(eg::NumbersView(floats, 4).count_not_finite() == 3);
  const double doubles[] = {1, 1e308};
  CHECK(eg::NumbersView(doubles, 2).count_not_finite() == 0);
  CHECK(eg::NumbersView().count_not_finite() == 0);
}
