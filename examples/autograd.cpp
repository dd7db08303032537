// SPDX-License-Identifier: MIT
// Autograd in 30 lines: fit a line to noisy points by gradient descent.
#include <cstdio>

#include <eigengrad/eigengrad.hpp>

namespace eg = eigengrad;

int main() {
  // Points on y = 3 x - 1, with noise.
  eg::Generator rng(1);
  const eg::Tensor<float> x(rng.uniform<float>({100, 1}, -1, 1));
  const eg::Tensor<float> noise(rng.normal<float>({100, 1}, 0, 0.1f));
  const eg::Tensor<float> y = 3 * x - 1 + noise;

  // Two numbers to find. `true` says that they want a gradient.
  eg::Tensor<float> slope = eg::Tensor<float>::zeros({1}, true);
  eg::Tensor<float> offset = eg::Tensor<float>::zeros({1}, true);

  for (int step = 0; step <= 100; ++step) {
    const eg::Tensor<float> error = x * slope + offset - y;
    const eg::Tensor<float> loss = eg::mean(error * error);
    loss.backward();  // fills slope.grad() and offset.grad()
    if (step % 20 == 0) {
      std::printf("step %3d  loss %.4f  y = %.3f x %+.3f\n", step, double(loss.item()),
                  double(slope.value()(0)), double(offset.value()(0)));
    }
    for (eg::Tensor<float>* parameter : {&slope, &offset}) {
      parameter->mutable_value().array() -= 0.3f * parameter->grad().array();
      parameter->zero_grad();
    }
  }
}
