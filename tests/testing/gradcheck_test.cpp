// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/testing/gradcheck.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using Tensor = test::Tensor<double>;

namespace {

/// x^2, with `factor` x as its derivative: 2 is right.
Tensor square(const Tensor& x, double factor) {
  const NdArray<double> in = x.value().clone();
  return eg::make_result(
      "square", NdArray<double>((in.array() * in.array()).eval()),
      [in, factor](eg::BackwardContext<double>& context) {
        const NdArray<double> dout = context.dout();
        context.accumulate(0, NdArray<double>((dout.array() * in.array() * factor).eval()));
      },
      x);
}

eg::testing::GradcheckResult check(double factor, double step = 1e-6) {
  return eg::testing::gradcheck([&](const std::vector<Tensor>& x) { return square(x[0], factor); },
                                {NdArray<double>({3}, {1, -2, 0.5})}, {.step = step});
}

}  // namespace

TEST_CASE("gradcheck: a right gradient passes, a wrong one is named") {
  const auto right = check(2);
  CHECK(right);
  CHECK(right.message == "all gradients agree");
  const auto wrong = check(2.01);
  CHECK(!wrong);
  CHECK(wrong.message.find("input 0 (3), element 0: gradient ") == 0);
  CHECK(!check(-2));
  // The difference quotient's own error: (x + h)^2 has none of second order, whatever the step.
  CHECK(check(2, 0.25));
}

TEST_CASE("gradcheck: a gradient that is missing is said") {
  const NdArray<double> x({2}, {1, 2});
  const auto detached =
      eg::testing::gradcheck([](const std::vector<Tensor>& in) { return in[0].detach(); }, {x});
  CHECK(detached.message == "the result does not depend on any input's graph");
  const auto unused = eg::testing::gradcheck(
      [](const std::vector<Tensor>& in) { return square(in[0], 2); }, {x, x});
  CHECK(unused.message == "input 1 received no gradient");
}
