// SPDX-License-Identifier: MIT
// What a project that uses eigengrad looks like, at its smallest.
#include <cmath>
#include <cstdio>

#include <eigengrad/eigengrad.hpp>

int main() {
  eigengrad::Tensor<float> x({2}, {1, 2}, true);
  auto y = eigengrad::sum(x * x);
  y.backward();
  std::printf("version %s, y %g, dy/dx %g %g\n", EIGENGRAD_VERSION, double(y.item()),
              double(x.grad()(0)), double(x.grad()(1)));
  return y.item() == 5 && x.grad()(0) == 2 && x.grad()(1) == 4 ? 0 : 1;
}
