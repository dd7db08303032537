// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/core/observer.hpp>
#include <eigengrad/inspect.hpp>
#include <eigengrad/ops.hpp>
#include <tests/support/test.hpp>

using test::Tensor;

namespace {

/// Multiply-adds of all that is computed while it lives.
struct Count : eg::Observer {
  double forward = 0, backward = 0;
  void observe(const Event& event) override {
    std::vector<eg::Shape> shapes;
    for (const Seen& x : event.inputs) shapes.push_back(x.shape);
    const eg::inspect::OpShapes op{event.op, shapes, event.result.shape};
    if (event.phase == Phase::kForward) forward += eg::inspect::forward_macs(op);
    if (event.phase == Phase::kBackward) {
      backward += eg::inspect::backward_macs(
          op, [&](std::size_t i) { return event.inputs[i].requires_grad; });
    }
  }
};

Tensor<float> leaf(const eg::Shape& shape, bool wanted = true) {
  return Tensor<float>(test::random<float>(shape), wanted);
}

/// Forward and backward of f().
template <class F>
void check(double forward, double backward, const F& f) {
  Count count;
  const Tensor<float> y = f();
  y.backward(test::NdArray<float>::ones(y.shape()));
  CHECK(count.forward == forward);
  CHECK(count.backward == backward);
}

}  // namespace

TEST_CASE("work: products by hand") {
  const bool data = false;
  check(2 * 3 * 5 * 4, 2 * 3 * 5 * 4, [] {
    return eg::linear(leaf({2, 3, 4}, data), leaf({5, 4}), leaf({5}));
  });
  check(2 * 3 * 5 * 4, 2 * (2 * 3 * 5 * 4), [] {
    return eg::linear(leaf({2, 3, 4}), leaf({5, 4}));
  });
  check(2 * 3 * 4 * 5, 2 * (2 * 3 * 4 * 5), [] {
    return eg::matmul(leaf({2, 3, 4}), leaf({2, 4, 5}));
  });
  // 2 images, 6 x 6 windows of 3 channels and 9 taps, 5 filters.
  check(2 * 36 * 27 * 5, 2 * 36 * 27 * 5, [] {
    return eg::conv2d(leaf({2, 3, 8, 8}, data), leaf({5, 3, 3, 3}));
  });
  // An mlp 4 -> 7 -> 3 on 6 rows, with biases and without.
  for (const bool bias : {true, false}) {
    const auto mlp = [&](bool wanted) {
      return eg::mlp(leaf({6, 4}, wanted), leaf({7, 4}), bias ? leaf({7}) : Tensor<float>(),
                     leaf({3, 7}), bias ? leaf({3}) : Tensor<float>());
    };
    check(6 * 7 * (4 + 3), 6 * 7 * (4 + 3 + 3), [&] { return mlp(false); });
    check(6 * 7 * (4 + 3), 2 * 6 * 7 * (4 + 3), [&] { return mlp(true); });
  }
  // 2 samples, 5 tokens, 3 heads of 4; scores and their use.
  check(2 * 3 * 5 * 5 * (4 + 4), 2 * 2 * 3 * 5 * 5 * (4 + 4), [] {
    return eg::self_attention(leaf({2, 5, 36}), 3);
  });
  check(2 * 3 * 5 * 7 * (4 + 4), 2 * 2 * 3 * 5 * 7 * (4 + 4), [] {
    return eg::cross_attention(leaf({2, 5, 12}), leaf({2, 7, 24}), 3);
  });
  check(2 * 3 * 5 * 7 * (4 + 6), 2 * 2 * 3 * 5 * 7 * (4 + 6), [] {
    return eg::scaled_dot_product_attention(leaf({2, 3, 5, 4}), leaf({2, 3, 7, 4}),
                                            leaf({2, 3, 7, 6}));
  });
  check(0, 0, [] { return eg::softmax(leaf({3, 4}) + leaf({4})); });
}
