// SPDX-License-Identifier: MIT
#include <atomic>
#include <utility>
#include <vector>

#include <eigengrad/core/tensor.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using Tensor = test::Tensor<double>;
using Context = eg::BackwardContext<double>;

namespace {

// Ops as users write them: a value and a closure, nothing else of the library's.

Tensor add(const Tensor& a, const Tensor& b) {
  return eg::make_result(
      "add", NdArray<double>(a.value().array() + b.value().array()),
      [](Context& context) {
        context.accumulate(0, context.dout());
        context.accumulate(1, context.dout());
      },
      a, b);
}

Tensor mul(const Tensor& a, const Tensor& b) {
  return eg::make_result(
      "mul", NdArray<double>(a.value().array() * b.value().array()),
      [x = a.value(), y = b.value()](Context& context) {
        const auto dout = context.dout().array();
        if (context.needs(0)) context.accumulate(0, NdArray<double>(dout * y.array()));
        if (context.needs(1)) context.accumulate(1, NdArray<double>(dout * x.array()));
      },
      a, b);
}

/// Passes the value through and counts how often its backward runs.
Tensor counted(const Tensor& x, int& count) {
  return eg::make_result(
      "counted", x.value(),
      [&count](Context& context) {
        ++count;
        context.accumulate(0, context.dout());
      },
      x);
}

/// Passes the value through; its backward gives half of the gradient's work and then throws while
/// `broken` says so.
Tensor fragile(const Tensor& a, const Tensor& b, const bool& broken) {
  return eg::make_result(
      "fragile", a.value(),
      [&broken](Context& context) {
        context.accumulate(0, context.dout());
        if (broken) throw std::runtime_error("it broke");
        context.accumulate(1, context.dout());
      },
      a, b);
}

Tensor leaf(double value) { return Tensor({1}, {value}, true); }

const char* const kFreed =
    "[backward] the graph through mul has been freed by an earlier backward; pass {.retain_graph = "
    "true} to that one";

}  // namespace

TEST_CASE("backward: x + x") {
  const Tensor x = leaf(3);
  add(x, x).backward();
  CHECK(x.grad().item() == 2);
}

TEST_CASE("backward: x * x * x") {
  const Tensor x = leaf(3);
  mul(mul(x, x), x).backward();
  CHECK(x.grad().item() == 27);
}

TEST_CASE("backward: a diamond runs each node once") {
  const Tensor x = leaf(3);
  int count = 0;
  const Tensor top = counted(mul(x, x), count);            // 9
  const Tensor y = add(mul(top, top), mul(top, leaf(2)));  // t^2 + 2 t
  y.backward();
  CHECK(count == 1);
  CHECK(x.grad().item() == (2 * 9 + 2) * 2 * 3);
}

TEST_CASE("backward: a tower of diamonds takes linear time") {
  Tensor y = leaf(1);
  const Tensor x = y;
  for (int i = 0; i < 60; ++i) y = add(y, y);
  y.backward();
  CHECK(x.grad().item() == std::pow(2., 60));
}

TEST_CASE("backward: a chain of 100,000 nodes") {
  const Tensor x = leaf(1);
  const Tensor one = leaf(1);
  Tensor y = x;
  for (int i = 0; i < 100000; ++i) y = add(y, one);
  CHECK(y.item() == 100001);
  SECTION("runs backward") {
    y.backward();
    CHECK(x.grad().item() == 1);
    CHECK(one.grad().item() == 100000);
  }
  SECTION("runs backward and stays") {
    y.backward({.retain_graph = true});
    CHECK(one.grad().item() == 100000);
    y = Tensor();
  }
  SECTION("is destroyed without having run") { y = Tensor(); }
}

TEST_CASE("backward: a long chain that closures hold is destroyed without recursion") {
  Tensor y = leaf(1);
  for (int i = 0; i < 100000; ++i) {
    y = eg::make_result(
        "hold", y.value(), [y](Context&) {}, y);
  }
  y = Tensor();
  SUCCEED();
}

TEST_CASE("backward: without gradients nothing is recorded") {
  const Tensor x = leaf(3);
  Tensor y;
  {
    const eg::NoGrad guard;
    y = mul(x, x);
  }
  CHECK_FALSE(y.requires_grad());
  CHECK_ERROR(y.backward(), eg::StateError,
              "[backward] nothing here requires a gradient; were the parameters made with "
              "requires_grad, and is no NoGrad guard alive?");
  const Tensor z = mul(x, y);  // y is a constant
  z.backward();
  CHECK(x.grad().item() == 9);
}

TEST_CASE("backward: what runs in it records nothing") {
  const Tensor x = leaf(3);
  bool enabled = true;
  eg::make_result(
      "op", x.value(), [&](Context&) { enabled = eg::grad_enabled(); }, x)
      .backward();
  CHECK_FALSE(enabled);
  CHECK(eg::grad_enabled());
}

TEST_CASE("backward: only what requires a gradient gets one") {
  const Tensor x = leaf(3);
  const Tensor c({1}, {5});
  int count = 0;
  const Tensor constant = counted(mul(c, c), count);
  const Tensor y = add(mul(x, c), constant);
  y.backward();
  CHECK(x.grad().item() == 5);
  CHECK_FALSE(c.has_grad());
  CHECK_FALSE(y.has_grad());
  CHECK(count == 0);
}

TEST_CASE("backward: a branch that gets no gradient does not run") {
  const Tensor x = leaf(3);
  int count = 0;
  const Tensor dead = counted(x, count);
  const Tensor y = eg::make_result(
      "first", x.value(), [](Context& context) { context.accumulate(0, context.dout()); }, x, dead);
  y.backward();
  CHECK(count == 0);
  CHECK(x.grad().item() == 1);
}

TEST_CASE("backward: gradients add up over calls") {
  Tensor x = leaf(3);
  mul(x, x).backward();
  add(x, x).backward();
  CHECK(x.grad().item() == 8);
  x.zero_grad();
  add(x, x).backward();
  CHECK(x.grad().item() == 2);
}

TEST_CASE("backward: from a leaf") {
  const Tensor x = leaf(3);
  x.backward();
  x.backward();
  CHECK(x.grad().item() == 2);
}

TEST_CASE("backward: a kept graph runs again, a freed one says so") {
  const Tensor x = leaf(3);
  const Tensor y = mul(x, x);
  y.backward({.retain_graph = true});
  y.backward({.retain_graph = true});
  CHECK(x.grad().item() == 12);
  y.backward();
  CHECK(x.grad().item() == 18);
  CHECK_ERROR(y.backward(), eg::StateError, kFreed);
  CHECK(x.grad().item() == 18);
  SECTION("and a new graph on top of a freed one says so too") {
    CHECK_ERROR(add(y, y).backward(), eg::StateError, kFreed);
  }
}

TEST_CASE("backward: from several numbers needs their gradient") {
  const Tensor x({2}, {1, 2}, true);
  const Tensor y = mul(x, x);
  CHECK_ERROR(y.backward(), eg::ShapeError,
              "[backward] needs a scalar, shape is (2); reduce it with sum() or mean(), or pass "
              "its gradient");
  CHECK_ERROR(y.backward(NdArray<double>::ones({1, 2})), eg::ShapeError,
              "[backward] the gradient must have the tensor's shape (2), got (1, 2)");
  y.backward(NdArray<double>({2}, {10, 100}));
  CHECK_SAME(x.grad(), NdArray<double>({2}, {20, 400}));
}

TEST_CASE("backward: retain_grad keeps the gradient of a result") {
  const Tensor x = leaf(3);
  Tensor y = mul(x, x);
  const Tensor z = mul(y, y);
  y.retain_grad();
  z.backward({.retain_graph = true});
  CHECK(y.grad().item() == 18);
  CHECK(x.grad().item() == 108);
  z.backward();
  CHECK(y.grad().item() == 36);  // adds up, as a leaf's does
  CHECK(x.grad().item() == 216);
}

TEST_CASE("backward: retain_grad of a result that several ops use") {
  const Tensor x = leaf(3);
  Tensor y = mul(x, x);
  y.retain_grad();
  const Tensor z = add(mul(y, leaf(5)), add(mul(y, leaf(7)), y));
  z.backward({.retain_graph = true});
  CHECK(y.grad().item() == 13);
  CHECK(x.grad().item() == 13 * 6);
  z.backward();
  CHECK(y.grad().item() == 26);
  CHECK(x.grad().item() == 26 * 6);
}

TEST_CASE("backward: retain_grad at the root") {
  const Tensor x = leaf(3);
  Tensor y = mul(x, x);
  y.retain_grad();
  y.backward();
  CHECK(y.grad().item() == 1);
  CHECK(x.grad().item() == 6);
}

TEST_CASE("backward: a hook sees the gradient of one backward, complete") {
  Tensor x = leaf(3);
  std::vector<double> seen;
  x.register_hook([&](const NdArray<double>& g) {
    seen.push_back(g.item());
    return g;
  });
  add(x, x).backward();
  mul(x, x).backward();
  CHECK(seen == std::vector<double>{2, 6});
  CHECK(x.grad().item() == 8);
}

TEST_CASE("backward: a hook may replace the gradient") {
  Tensor x = leaf(3);
  SECTION("of a leaf") {
    x.register_hook([](const NdArray<double>& g) { return NdArray<double>(g.array() * 10); });
    x.register_hook([](const NdArray<double>& g) { return NdArray<double>(g.array() + 1); });
    add(x, x).backward();
    CHECK(x.grad().item() == 21);
    add(x, x).backward();
    CHECK(x.grad().item() == 42);
  }
  SECTION("of a result, before it flows on") {
    Tensor y = mul(x, x);
    y.register_hook([](const NdArray<double>& g) { return NdArray<double>(g.array() * 10); });
    add(y, y).backward();
    CHECK(x.grad().item() == 2 * 10 * 6);
  }
  SECTION("of the root") {
    Tensor y = mul(x, x);
    y.register_hook([](const NdArray<double>& g) { return NdArray<double>(g.array() * 10); });
    y.backward();
    CHECK(x.grad().item() == 60);
  }
}

TEST_CASE("backward: a hook must keep the shape") {
  const NdArray<double> wrong = NdArray<double>::ones({2});
  Tensor x = leaf(3);
  x.backward();
  SECTION("of a leaf") {
    x.register_hook([&](const NdArray<double>&) { return wrong; });
    CHECK_ERROR(add(x, x).backward(), eg::ShapeError,
                "[hook] must return a gradient of shape (1), returned (2)");
  }
  SECTION("of a result") {
    Tensor y = add(x, x);
    y.register_hook([&](const NdArray<double>&) { return wrong; });
    CHECK_ERROR(y.backward(), eg::ShapeError,
                "[hook] must return a gradient of shape (1), returned (2)");
    CHECK_FALSE(y.has_grad());
  }
  CHECK(x.grad().item() == 1);  // what an earlier backward left
}

TEST_CASE("backward: an exception in a closure leaves no half-made gradients of results") {
  bool broken = true;
  Tensor a = leaf(3);
  Tensor b = leaf(4);
  Tensor left = mul(a, b);
  Tensor right = mul(b, b);
  auto loss = [&] { return add(fragile(left, right, broken), mul(left, right)); };
  SECTION("in an ordinary graph") {
    CHECK_THROWS_WITH(loss().backward({.retain_graph = true}), "it broke");
    CHECK_FALSE((left.has_grad() || right.has_grad()));
    CHECK_FALSE((a.has_grad() || b.has_grad()));
  }
  SECTION("of results that retain theirs") {
    left.retain_grad();
    right.retain_grad();
    broken = false;
    loss().backward({.retain_graph = true});
    CHECK(left.grad().item() == 17);
    CHECK(right.grad().item() == 13);
    broken = true;
    CHECK_THROWS_WITH(loss().backward({.retain_graph = true}), "it broke");
    CHECK(left.grad().item() == 17);
    CHECK(right.grad().item() == 13);
    left.zero_grad();
    right.zero_grad();
    CHECK_THROWS_WITH(loss().backward({.retain_graph = true}), "it broke");
    CHECK_FALSE((left.has_grad() || right.has_grad()));
    a.zero_grad();
    b.zero_grad();
  }
  SECTION("of leaves with hooks") {
    a.register_hook([](const NdArray<double>& g) { return g; });
    const Tensor root = fragile(a, b, broken);
    CHECK_THROWS_WITH(root.backward({.retain_graph = true}), "it broke");
    CHECK_FALSE(a.has_grad());
  }
  broken = false;
  loss().backward();
  // left = 12, right = 16: d(loss) = (1 + 16) d(left) + (1 + 12) d(right).
  CHECK(a.grad().item() == 17 * 4);
  CHECK(b.grad().item() == 17 * 3 + 13 * 8);
}

TEST_CASE("backward: an exception in a parallel kernel") {
  const test::Threads guard(4);
  bool broken = true;
  Tensor x(test::random({1000}), true);
  auto op = [&](const Tensor& in) {
    return eg::make_result(
        "kernel", in.value(),
        [&](Context& context) {
          NdArray<double> dx = context.take_dout();
          eg::parallel_for(1000, 10, [&](Index begin, Index end) {
            if (broken && end == 1000) throw eg::ValueError("a thread broke");
            for (Index i = begin; i < end; ++i) dx.data()[i] *= 2;
          });
          context.accumulate(0, dx);
        },
        in);
  };
  const Tensor y = op(op(x));
  CHECK_ERROR(y.backward(NdArray<double>::ones({1000}), {.retain_graph = true}), eg::ValueError,
              "a thread broke");
  CHECK_FALSE(x.has_grad());
  broken = false;
  y.backward(NdArray<double>::ones({1000}));
  CHECK_SAME(x.grad(), NdArray<double>::full({1000}, 4));
}

TEST_CASE("backward: gradients never alias") {
  Tensor a({2}, {1, 2}, true);
  Tensor b({2}, {3, 4}, true);
  NdArray<double> dout({2}, {5, 6});
  Tensor sum = add(a, b);
  sum.retain_grad();
  sum.backward(dout);
  const NdArray<double> expected({2}, {5, 6});
  SECTION("with each other") {
    a.mutable_grad().fill(100);
    CHECK_SAME(b.grad(), expected);
    CHECK_SAME(sum.grad(), expected);
    b.mutable_grad().fill(200);
    CHECK_SAME(a.grad(), NdArray<double>({2}, {100, 100}));
  }
  SECTION("with what the next backward adds") {
    add(a, a).backward(dout);
    CHECK_SAME(a.grad(), NdArray<double>({2}, {15, 18}));
    CHECK_SAME(b.grad(), expected);
  }
  SECTION("with the caller's array") {
    dout.fill(-1);
    CHECK_SAME(a.grad(), expected);
    CHECK_SAME(b.grad(), expected);
    CHECK_SAME(sum.grad(), expected);
  }
  SECTION("with the caller's array, from a leaf") {
    Tensor x({2}, {1, 2}, true);
    x.backward(dout);
    dout.fill(-1);
    CHECK_SAME(x.grad(), expected);
  }
  CHECK_SAME(a.value(), NdArray<double>({2}, {1, 2}));
}

TEST_CASE("backward: with what a hook has kept") {
  Tensor x({2}, {1, 2}, true);
  NdArray<double> kept;
  x.register_hook([&](const NdArray<double>& g) {
    kept = g;
    return g;
  });
  add(x, x).backward(NdArray<double>::ones({2}));
  add(x, x).backward(NdArray<double>::ones({2}));
  CHECK_SAME(x.grad(), NdArray<double>({2}, {4, 4}));
  CHECK_SAME(kept, NdArray<double>({2}, {2, 2}));
  kept.fill(7);
  CHECK_SAME(x.grad(), NdArray<double>({2}, {4, 4}));
}

TEST_CASE("backward: inside a closure, as recomputation does it") {
  const Tensor x = leaf(3);
  const Tensor y = eg::make_result(
      "recomputed", NdArray<double>({1}, {81}),
      [in = x.value()](Context& context) {
        const Tensor copy(in, true);
        {
          const eg::GradMode on(true);
          const Tensor square = mul(copy, copy);
          mul(square, square).backward(context.dout());
        }
        context.accumulate(0, copy.grad());
      },
      x);
  mul(y, leaf(2)).backward();
  CHECK(x.grad().item() == 2 * 4 * 27);
}

TEST_CASE("backward: frees what it has used, newest first") {
  // Two results; when the older one's closure runs, the newer one's is gone.
  const Tensor x = leaf(1);
  const auto newer = std::make_shared<int>(0);
  long seen = 0;
  const Tensor a = eg::make_result(
      "older", x.value(),
      [&](Context& context) {
        seen = newer.use_count();
        context.accumulate(0, context.dout());
      },
      x);
  const Tensor b = eg::make_result(
      "newer", a.value(), [newer](Context& context) { context.accumulate(0, context.dout()); }, a);
  CHECK(newer.use_count() == 2);
  b.backward();
  CHECK(seen == 1);
  CHECK(x.grad().item() == 1);
}

TEST_CASE("backward: the user's op passes gradcheck, a wrong one does not") {
  auto cube = [](const Tensor& x, double factor) {
    return eg::make_result(
        "cube", NdArray<double>(x.value().array().cube()),
        [in = x.value(), factor](Context& context) {
          context.accumulate(
              0, NdArray<double>(factor * in.array().square() * context.dout().array()));
        },
        x);
  };
  const NdArray<double> x = test::random({3}, 1, 0.5, 1);
  CHECK_GRADIENT(cube(x[0], 3), {x});
  const auto wrong =
      eg::testing::gradcheck([&](const std::vector<Tensor>& in) { return cube(in[0], 2.99); }, {x});
  CHECK_FALSE(wrong.ok);
}
