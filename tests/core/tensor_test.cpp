// SPDX-License-Identifier: MIT
#include <memory>
#include <vector>

#include <eigengrad/core/tensor.hpp>
#include <tests/support/test.hpp>

using test::NdArray;
using test::Shape;
using Tensor = test::Tensor<double>;
using Context = eg::BackwardContext<double>;

namespace {

/// The smallest op: y = 2 x.
Tensor twice(const Tensor& x) {
  return eg::make_result(
      "twice", NdArray<double>(x.value().array() * 2),
      [](Context& context) {
        NdArray<double> dx = context.take_dout();
        dx.array() *= 2;
        context.accumulate(0, dx);
      },
      x);
}

}  // namespace

TEST_CASE("tensor: construction") {
  const Tensor a({2, 2}, {1, 2, 3, 4});
  CHECK(a.shape() == Shape{2, 2});
  CHECK(a.rank() == 2);
  CHECK(a.dim(-1) == 2);
  CHECK(a.numel() == 4);
  CHECK_FALSE(a.requires_grad());
  CHECK(Tensor({1}, {1}, true).requires_grad());
  CHECK(Tensor::scalar(3).item() == 3);
  CHECK(Tensor::zeros({2}, true).requires_grad());
  CHECK_SAME(Tensor::ones({2}).value(), NdArray<double>({2}, {1, 1}));
  CHECK_SAME(Tensor::full({2}, 5).value(), NdArray<double>({2}, {5, 5}));
  CHECK_SAME(Tensor::zeros({2}).value(), NdArray<double>({2}, {0, 0}));
}

TEST_CASE("tensor: an empty handle says so") {
  const Tensor none;
  CHECK_FALSE(none.defined());
  CHECK_ERROR(none.value(), eg::StateError, "[tensor] this tensor is empty; assign one first");
  CHECK_ERROR(none.requires_grad(), eg::StateError,
              "[tensor] this tensor is empty; assign one first");
  CHECK_ERROR(none.backward(), eg::StateError, "[tensor] this tensor is empty; assign one first");
}

TEST_CASE("tensor: copies are handles of one tensor") {
  Tensor a({1}, {1}, true);
  const Tensor b = a;
  a.mutable_value()(0) = 7;
  CHECK(b.item() == 7);
  twice(b).backward();
  CHECK(a.grad().item() == 2);
  CHECK(a.node_ptr() == b.node_ptr());
}

TEST_CASE("tensor: detach keeps the numbers, not the graph") {
  const Tensor x({1}, {3}, true);
  const Tensor y = twice(x).detach();
  CHECK(y.item() == 6);
  CHECK(y.is_leaf());
  CHECK_FALSE(y.requires_grad());
}

TEST_CASE("tensor: leaves and results") {
  Tensor x({1}, {3}, true);
  Tensor y = twice(x);
  CHECK(x.is_leaf());
  CHECK(std::string(x.op_name()) == "leaf");
  CHECK_FALSE(y.is_leaf());
  CHECK(std::string(y.op_name()) == "twice");
  CHECK(y.requires_grad());
  x.set_requires_grad(false);
  CHECK_FALSE(x.requires_grad());
  CHECK_FALSE(twice(x).requires_grad());
  CHECK_ERROR(y.set_requires_grad(false), eg::StateError,
              "[requires_grad] only leaves can change it; this is the result of twice; use "
              "detach()");
}

TEST_CASE("tensor: gradients are there after backward, and gone after zero_grad") {
  Tensor x({2}, {3, 4}, true);
  CHECK_FALSE(x.has_grad());
  CHECK_ERROR(x.grad(), eg::StateError,
              "[grad] this tensor has no gradient; it needs requires_grad and a backward() "
              "(retain_grad() too when an op made it)");
  CHECK_THROWS_AS(x.mutable_grad(), eg::StateError);
  twice(x).backward(NdArray<double>::ones({2}));
  CHECK_SAME(x.grad(), NdArray<double>({2}, {2, 2}));
  const NdArray<double> kept = x.grad();
  x.mutable_grad().fill(9);
  CHECK_SAME(kept, NdArray<double>({2}, {2, 2}));
  CHECK_SAME(x.grad(), NdArray<double>({2}, {9, 9}));
  x.zero_grad();
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("tensor: nothing is recorded that nobody needs") {
  // The closure's captures live as long as the graph.
  const auto alive = std::make_shared<int>(0);
  auto op = [&](const Tensor& x) {
    return eg::make_result(
        "op", x.value(), [alive](Context&) {}, x);
  };
  SECTION("without requires_grad") {
    const Tensor y = op(Tensor({1}, {1}));
    CHECK(alive.use_count() == 1);
    CHECK(y.is_leaf());
  }
  SECTION("without gradients") {
    const eg::NoGrad guard;
    const Tensor y = op(Tensor({1}, {1}, true));
    CHECK(alive.use_count() == 1);
    CHECK_FALSE(y.requires_grad());
  }
  SECTION("otherwise until the result dies") {
    {
      const Tensor y = op(Tensor({1}, {1}, true));
      CHECK(alive.use_count() == 2);
    }
    CHECK(alive.use_count() == 1);
  }
  SECTION("or backward has run") {
    const Tensor y = op(Tensor({1}, {1}, true));
    y.backward();
    CHECK(alive.use_count() == 1);
  }
}

TEST_CASE("tensor: undefined inputs keep their place and need nothing") {
  const Tensor x({1}, {1}, true);
  std::vector<bool> needs;
  auto record = [&](Context& context) {
    for (std::size_t i = 0; i < 3; ++i) needs.push_back(context.needs(i));
    context.accumulate(0, context.dout());  // no effect
    context.accumulate(1, context.dout());
    context.accumulate(2, context.dout());
  };
  SECTION("as arguments") {
    eg::make_result("op", x.value(), record, Tensor(), x, Tensor({1}, {1})).backward();
  }
  SECTION("as a list") {
    const std::vector<Tensor> inputs{Tensor(), x, Tensor({1}, {1})};
    eg::make_result("op", x.value(), record, std::span<const Tensor>(inputs)).backward();
  }
  CHECK(needs == std::vector<bool>{false, true, false});
  CHECK(x.grad().item() == 1);
}

TEST_CASE("tensor: all inputs undefined, or none, is a constant") {
  auto nothing = [](Context&) {};
  CHECK(eg::make_result("op", NdArray<double>::scalar(1), nothing, Tensor()).is_leaf());
  CHECK(eg::make_result("op", NdArray<double>::scalar(1), nothing, std::span<const Tensor>())
            .is_leaf());
}

TEST_CASE("tensor: a list of inputs whose length is known late") {
  std::vector<Tensor> inputs;
  for (int i = 0; i < 20; ++i)
    inputs.emplace_back(Shape{1}, std::initializer_list<double>{1}, true);
  const Tensor y = eg::make_result(
      "sum", NdArray<double>::full({1}, 20),
      [](Context& context) {
        for (std::size_t i = 0; i < 20; ++i) context.accumulate(i, context.dout());
      },
      std::span<const Tensor>(inputs));
  y.backward();
  for (const Tensor& x : inputs) CHECK(x.grad().item() == 1);
}

TEST_CASE("tensor: a sink is empty at first and holds the sum later") {
  const Tensor x({2}, {1, 2}, true);
  std::vector<bool> found;
  auto add = [&](Context& context) {
    auto sink = context.sink(0);
    found.push_back(sink.accumulate);
    if (!sink.accumulate) sink.grad.fill(0);
    sink.grad.array() += context.dout().array();
  };
  const NdArray<double> dout({2}, {5, 7});
  eg::make_result("op", x.value(), add, x).backward(dout);
  CHECK_SAME(x.grad(), NdArray<double>({2}, {5, 7}));
  const NdArray<double> first = x.grad();
  eg::make_result("op", x.value(), add, x).backward(dout);
  CHECK_SAME(x.grad(), NdArray<double>({2}, {10, 14}));
  CHECK_SAME(first, NdArray<double>({2}, {5, 7}));  // somebody else's array
  CHECK(found == std::vector<bool>{false, true});
}

TEST_CASE("tensor: take_dout is private") {
  const Tensor a({1}, {1}, true);
  const Tensor b({1}, {1}, true);
  const Tensor y = eg::make_result(
      "op", a.value(),
      [](Context& context) {
        context.accumulate(0, context.dout());
        NdArray<double> mine = context.take_dout();
        mine.fill(100);
        context.accumulate(1, mine);
      },
      a, b);
  y.backward();
  CHECK(a.grad().item() == 1);
  CHECK(b.grad().item() == 100);
}

TEST_CASE("tensor: a gradient of the wrong shape names the op") {
  const Tensor x({2, 3}, {1, 2, 3, 4, 5, 6}, true);
  const Tensor y = eg::make_result(
      "broken", NdArray<double>::scalar(1),
      [](Context& context) { context.accumulate(0, context.dout()); }, x);
  CHECK_ERROR(y.backward(), eg::ShapeError,
              "[broken] backward gave input 0 a gradient of shape (), its value has (2, 3)");
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("tensor: what a temporary gives outlives it") {
  const Tensor a({3}, {1, 2, 3}, true);
  const auto& value = twice(a).value();
  const auto& shape = twice(a).shape();
  const auto& node = twice(a).node_ptr();
  const NdArray<double> next = NdArray<double>::full({3}, -1);  // takes a freed value's block
  CHECK_SAME(value, NdArray<double>({3}, {2, 4, 6}));
  CHECK(shape == Shape{3});
  CHECK(node != nullptr);
  CHECK(next(0) == -1);
  double sum = 0;
  for (const double x : twice(a).value()) sum += x;
  CHECK(sum == 12);
  const Tensor kept = twice(a).retain_grad();
  kept.backward(NdArray<double>::ones({3}));
  CHECK_SAME(kept.grad(), NdArray<double>::ones({3}));
  const auto& gradient = Tensor(a).grad();
  CHECK_SAME(gradient, NdArray<double>({3}, {2, 2, 2}));
}
