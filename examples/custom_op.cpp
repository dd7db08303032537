// SPDX-License-Identifier: MIT
// An op of one's own, outside the library: softsign(x) = x / (1 + |x|), whose derivative is
// 1 / (1 + |x|)^2. Its gradient is checked as the library checks its own.
#include <cmath>
#include <cstdio>

#include <eigengrad/eigengrad.hpp>
#include <eigengrad/testing/gradcheck.hpp>

namespace eg = eigengrad;

template <class T>
eg::Tensor<T> softsign(const eg::Tensor<T>& x) {
  // 1. Compute the value, from arrays.
  const eg::NdArray<T> in = x.value();
  eg::NdArray<T> out(in.shape());
  for (eg::Index i = 0; i < in.numel(); ++i) {
    const T v = in.data()[i];
    out.data()[i] = v / (1 + std::abs(v));
  }
  // 2. Register how a gradient flows back. The closure keeps the arrays that it captures.
  auto backward = [in](eg::BackwardContext<T>& context) {
    eg::NdArray<T> dx(in.shape());
    for (eg::Index i = 0; i < in.numel(); ++i) {
      const T size = 1 + std::abs(in.data()[i]);
      dx.data()[i] = context.dout().data()[i] / (size * size);
    }
    context.accumulate(0, std::move(dx));  // 0: the first input
  };
  return eg::make_result("softsign", std::move(out), backward, x);
}

int main() {
  eg::Generator rng(1);
  const eg::NdArray<double> x = rng.normal<double>({4, 5}, 0, 3);

  // 3. Compare with central differences.
  const auto check = eg::testing::gradcheck(
      [](const std::vector<eg::Tensor<double>>& inputs) { return softsign(inputs[0]); }, {x});
  std::printf("gradient check: %s\n", check.message.c_str());

  // It composes with everything else.
  const eg::Tensor<double> leaf(x, true);
  eg::mean(softsign(leaf) * leaf).backward();
  std::printf("d mean(x softsign(x)) / dx[0, 0] = %.6f\n", leaf.grad()(0, 0));
  return check ? 0 : 1;
}
