// SPDX-License-Identifier: MIT
#include <cstddef>
#include <optional>

#include <eigengrad/core/saved_input.hpp>
#include <eigengrad/ops.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

namespace {

int rebuilt = 0;

/// 2 x, which does not save its result but counts how often it is asked for it.
struct TwiceGraph {
  NdArray<double> x;
  bool possible;

  void operator()(eg::BackwardContext<double>& context) const {
    context.accumulate(0, NdArray<double>((2 * context.dout().array()).matrix()));
  }
  bool can_rebuild() const { return possible; }
  NdArray<double> rebuild() const {
    ++rebuilt;
    return NdArray<double>(2 * x.array());
  }
};
Tensor<double> twice(const Tensor<double>& x, bool possible = true) {
  return eg::make_result("twice", NdArray<double>(2 * x.value().array()),
                         TwiceGraph{x.value(), possible}, x);
}

/// x^2 by a saved input.
Tensor<double> square(const Tensor<double>& x) {
  return eg::make_result(
      "square", NdArray<double>(x.value().array().square()),
      [x = eg::SavedInput<double>(x)](eg::BackwardContext<double>& context) {
        const NdArray<double> value = x.get(context, 0);
        context.accumulate(0, NdArray<double>(2 * value.array() * context.dout().array()));
      },
      x);
}

const NdArray<double> kOnes = NdArray<double>::ones({3});

}  // namespace

TEST_CASE("saved input: made again where its op can, kept where not") {
  Tensor<double> x({3}, {1, 2, 3}, true);
  SECTION("by an op that can") {
    rebuilt = 0;
    square(twice(x)).backward(kOnes);
    CHECK(rebuilt == 1);
    CHECK_SAME(x.grad(), NdArray<double>({3}, {8, 16, 24}));
  }
  SECTION("by one that says it cannot, this time") {
    rebuilt = 0;
    square(twice(x, false)).backward(kOnes);
    CHECK(rebuilt == 0);
    CHECK_SAME(x.grad(), NdArray<double>({3}, {8, 16, 24}));
  }
  SECTION("of a leaf") {
    square(x).backward(kOnes);
    CHECK_SAME(x.grad(), NdArray<double>({3}, {2, 4, 6}));
  }
  SECTION("for two readers, and again with a retained graph") {
    const Tensor<double> y = twice(x);
    const Tensor<double> z = square(y) + square(y);
    rebuilt = 0;
    z.backward(kOnes, {.retain_graph = true});
    z.backward(kOnes);
    CHECK(rebuilt == 4);
    CHECK_SAME(x.grad(), NdArray<double>({3}, {32, 64, 96}));
  }
}

TEST_CASE("saved input: an op that has been freed cannot make it again") {
  const Tensor<double> x({3}, {1, 2, 3}, true);
  const Tensor<double> y = twice(x);
  const Tensor<double> z = square(y);
  y.backward(kOnes);
  CHECK_ERROR(z.backward(kOnes), eg::StateError,
              "[backward] the graph through twice has been freed by an earlier backward; pass "
              "{.retain_graph = true} to that one");
}

TEST_CASE("saved input: a value goes with its last handle, and the gradient does not mind") {
  constexpr Index n = 1 << 18;
  const std::size_t array = n * sizeof(double);
  Tensor<double> x(test::random({n}), true);
  std::optional<Tensor<double>> y = x * 3.0;
  const std::size_t before = eg::memory_in_use();
  Tensor<double> copy = *y;
  Tensor<double> z = *y + x;
  CHECK(eg::memory_in_use() >= before + array);
  y.reset();
  CHECK(eg::memory_in_use() >= before + array);
  CHECK(copy.value().data()[7] == 3 * x.value().data()[7]);
  copy = z;
  CHECK(eg::memory_in_use() < before + array / 2);  // z is there, y is not
  z.backward(NdArray<double>::ones({n}));
  CHECK_SAME(x.grad(), NdArray<double>::full({n}, 4));
}

TEMPLATE_TEST_CASE("saved input: a layer norm makes its result again, to the bit", "", float,
                   double) {
  using T = TestType;
  for (const Shape& shape : {Shape{5, 7}, {3, 4, 192}, {1, 1}, {2, 0}, {33, 17}}) {
    const Shape last{shape.back()};
    const Tensor<T> x(test::random<T>(shape, 1, 90, 100), true);
    const Tensor<T> w(test::random<T>(last, 2), true);
    const Tensor<T> b(test::random<T>(last, 3), true);
    const Tensor<T> y = eg::layer_norm(x, w, b);
    REQUIRE(y.node_ptr()->can_rebuild());
    CHECK_SAME(y.node_ptr()->rebuild(), y.value());
    const Tensor<T> plain = eg::layer_norm(x);
    CHECK_SAME(plain.node_ptr()->rebuild(), plain.value());
  }
}

TEST_CASE("saved input: the product after a norm has the same gradients as after a copy of it") {
  const Tensor<float> x(test::random<float>({40, 24}), true);
  const Tensor<float> w(test::random<float>({16, 24}, 2), true);
  const NdArray<float> dout = test::random<float>({40, 16}, 3);
  Tensor<float> y = eg::layer_norm(x);
  const Tensor<float> leaf(y.value().clone(), true);
  eg::linear(leaf, w).backward(dout.clone());
  const NdArray<float> expected = w.grad().clone();
  Tensor<float>(w).zero_grad();
  Tensor<float> z = eg::linear(y, w);
  y = Tensor<float>();
  z.backward(dout.clone());
  CHECK_SAME(w.grad(), expected);
  CHECK(x.has_grad());
}
