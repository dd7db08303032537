// SPDX-License-Identifier: MIT
// An MLP learns to tell three interleaved spirals apart, and draws what it has learned.
#include <cmath>
#include <cstdio>

#include <eigengrad/eigengrad.hpp>

namespace eg = eigengrad;

namespace {

struct Points {
  eg::NdArray<float> x;          // (N, 2)
  eg::NdArray<eg::Index> label;  // (N)
};

Points spirals(eg::Index per_class, eg::Generator& rng) {
  Points points{eg::NdArray<float>({3 * per_class, 2}), eg::NdArray<eg::Index>({3 * per_class})};
  for (eg::Index i = 0; i < 3 * per_class; ++i) {
    const eg::Index label = i % 3;
    const double radius = rng.uniform();
    const double angle = 4 * radius + 2.0944 * double(label) + 0.1 * rng.normal();
    points.x(i, 0) = float(radius * std::cos(angle));
    points.x(i, 1) = float(radius * std::sin(angle));
    points.label(i) = label;
  }
  return points;
}

eg::Index best_class(const eg::NdArray<float>& logits, eg::Index row) {
  eg::Index best = 0;
  for (eg::Index k = 1; k < logits.cols(); ++k) {
    if (logits(row, k) > logits(row, best)) best = k;
  }
  return best;
}

}  // namespace

int main() {
  eg::Generator rng(3);
  const Points train = spirals(200, rng);
  const eg::Tensor<float> x(train.x);

  eg::nn::Mlp<float> model({.in = 2, .hidden = 64, .out = 3}, rng);
  eg::optim::AdamW<float> optimizer(model.parameters(), {.lr = 0.01f});
  for (int step = 0; step <= 300; ++step) {
    optimizer.zero_grad();
    const eg::Tensor<float> loss = eg::cross_entropy(model(x), train.label);
    loss.backward();
    optimizer.step();
    if (step % 100 == 0) std::printf("step %3d  loss %.4f\n", step, double(loss.item()));
  }

  const eg::NoGrad no_grad;
  const Points test = spirals(100, rng);
  const eg::NdArray<float> logits = model(eg::Tensor<float>(test.x)).value();
  int correct = 0;
  for (eg::Index i = 0; i < 300; ++i) correct += best_class(logits, i) == test.label(i);
  std::printf("%d of 300 new points are right\n\n", correct);

  // The plane, 31 rows of 63: which spiral does each place belong to?
  eg::NdArray<float> plane({31 * 63, 2});
  for (eg::Index row = 0; row < 31; ++row) {
    for (eg::Index col = 0; col < 63; ++col) {
      plane(row * 63 + col, 0) = float(col - 31) / 31;
      plane(row * 63 + col, 1) = float(15 - row) / 15;
    }
  }
  const eg::NdArray<float> answer = model(eg::Tensor<float>(plane)).value();
  for (eg::Index row = 0; row < 31; ++row) {
    for (eg::Index col = 0; col < 63; ++col)
      std::putchar(" .#"[best_class(answer, row * 63 + col)]);
    std::putchar('\n');
  }
}
