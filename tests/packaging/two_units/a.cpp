// SPDX-License-Identifier: MIT
#include <eigengrad/eigengrad.hpp>

eigengrad::Tensor<float> from_b(const eigengrad::Tensor<float>& x);

int main() {
  const eigengrad::Tensor<float> x({1, 2}, {1, 2}, true);
  const eigengrad::Tensor<float> here =
      eigengrad::softmax(eigengrad::matmul(x, eigengrad::transpose(x, 0, 1)));
  return from_b(x).item() == here.item() ? 0 : 1;
}
