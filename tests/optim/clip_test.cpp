// SPDX-License-Identifier: MIT
#include <eigengrad/optim/clip.hpp>
#include <tests/support/gradients.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/threads.hpp>

namespace optim = eg::optim;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

template <class T>
Tensor<T> with_gradient(const NdArray<T>& gradient) {
  Tensor<T> x(NdArray<T>::zeros(gradient.shape()), true);
  test::set_gradient(x, gradient);
  return x;
}

}  // namespace

TEMPLATE_TEST_CASE("clip: value", "", float, double) {
  using T = TestType;
  const auto a = with_gradient(NdArray<T>({2}, {3, 0})), b = with_gradient(NdArray<T>({1}, {-4}));
  const Tensor<T> none({1}, {1}, true);
  CHECK(optim::grad_norm<T>({a, none, b}) == 5);
  CHECK(optim::clip_grad_norm<T>({a, none, b}, 10) == 5);
  CHECK_SAME(a.grad(), NdArray<T>({2}, {3, 0}));
  CHECK(optim::clip_grad_norm<T>({a, none, b}, 2.5) == 5);
  CHECK_CLOSE(a.grad(), NdArray<double>({2}, {1.5, 0}), 1e-6);
  CHECK_CLOSE(b.grad(), NdArray<double>({1}, {-2}), 1e-6);
  CHECK_FALSE(none.has_grad());
  optim::clip_grad_value<T>({a, none, b}, 1);
  CHECK_SAME(a.grad(), NdArray<T>({2}, {1, 0}));
  CHECK_SAME(b.grad(), NdArray<T>({1}, {-1}));
}

TEMPLATE_TEST_CASE("clip: reference", "", float, double) {
  using T = TestType;
  const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
  const test::Reference reference("optimizers");
  const auto parameters = [&] {
    std::vector<Tensor<T>> out;
    for (int i = 0; i < 3; ++i) {
      out.push_back(
          with_gradient(test::part(reference.get<T>("gradients" + std::to_string(i)), 0)));
    }
    out.emplace_back(NdArray<T>({1}, {1}), true);
    return out;
  };
  const auto check = [&](const std::vector<Tensor<T>>& clipped, const std::string& name) {
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK_CLOSE(clipped[i].grad(), reference.get<double>(name + ".grad" + std::to_string(i)),
                  tolerance);
    }
  };
  for (const auto& [name, bound] : {std::pair{"clip", 1.5}, std::pair{"loose", 100.0}}) {
    const auto x = parameters();
    CHECK(std::abs(optim::clip_grad_norm(x, bound) -
                   reference.get<double>(std::string(name) + ".norm").item()) < 1e-6);
    check(x, name);
  }
  const auto x = parameters();
  optim::clip_grad_value(x, 0.7);
  check(x, "value");
}

TEMPLATE_TEST_CASE("clip: edge", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  SECTION("nothing to clip") {
    CHECK(optim::clip_grad_norm<T>({}, 1) == 0);
    CHECK(optim::clip_grad_norm<T>({with_gradient(NdArray<T>::zeros({0}))}, 1) == 0);
    CHECK(optim::clip_grad_norm<T>({with_gradient(NdArray<T>::zeros({3}))}, 0) == 0);
  }
  SECTION("any length") {
    for (Index n : {1, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 4095, 4096, 4097, 20000}) {
      NdArray<T> g(test::Shape{n});
      double sum = 0;
      for (Index i = 0; i < n; ++i) {
        g(i) = T(i % 7 - 3);
        sum += double(g(i)) * double(g(i));
      }
      const auto x = with_gradient(g);
      CHECK(optim::clip_grad_norm<T>({x, x.detach()}, 1) == std::sqrt(sum));
      if (sum > 0) CHECK(std::abs(optim::grad_norm<T>({x}) - 1) < 1e-5);
      const auto y = with_gradient(g);
      optim::clip_grad_value<T>({y}, 2);
      for (Index i = 0; i < n; ++i) {
        if (y.grad()(i) != std::min(T(2), std::max(T(-2), g(i)))) FAIL("element " << i);
      }
    }
  }
  SECTION("squares beyond the range of T") {
    const auto x = with_gradient(NdArray<T>({2}, {T(3e30), T(-4e30)}));
    CHECK(std::abs(optim::clip_grad_norm<T>({x}, 5) / 5e30 - 1) < 1e-6);
    CHECK_CLOSE(x.grad(), NdArray<double>({2}, {3, -4}), 1e-6);
  }
  SECTION("a norm that is not finite leaves the gradients alone") {
    for (const T bad : {inf, -inf, T(NAN)}) {
      const NdArray<T> g({2}, {bad, 100});
      const auto x = with_gradient(g);
      CHECK_FALSE(std::isfinite(optim::clip_grad_norm<T>({x}, 1)));
      CHECK_SAME(x.grad(), g);
      CHECK_THROWS_AS(optim::clip_grad_norm<T>({x}, 1, {.error_if_nonfinite = true}),
                      eg::StateError);
    }
    const auto x = with_gradient(NdArray<T>({3}, {inf, -inf, T(NAN)}));
    optim::clip_grad_value<T>({x}, 2);
    CHECK_SAME(x.grad(), NdArray<T>({3}, {2, -2, T(NAN)}));
  }
  SECTION("a gradient's copy is not changed") {
    const auto x = with_gradient(NdArray<T>({1}, {4}));
    const NdArray<T> before = x.grad();
    optim::clip_grad_norm<T>({x}, 1);
    optim::clip_grad_value<T>({x}, 0.5);
    CHECK(before.item() == 4);
    CHECK(x.grad().item() == T(0.5));
  }
}

TEST_CASE("clip: the same bits on any number of threads") {
  test::check_threads([] {
    std::vector<Tensor<float>> x;
    for (Index n : {70001, 3, 0, 40000, 4096, 12345}) {
      x.push_back(with_gradient(test::random<float>({n}, static_cast<std::uint64_t>(n))));
    }
    const double before = optim::clip_grad_norm(x, 0.5);
    return std::vector{NdArray<double>({2}, {before, optim::grad_norm(x)})};
  });
}

TEST_CASE("clip: error") {
  const auto x = with_gradient(NdArray<float>({1}, {NAN}));
  CHECK_ERROR(optim::clip_grad_norm<float>({x}, -1), eg::ValueError,
              "[clip_grad_norm] max_norm must be at least 0: -1");
  CHECK_ERROR((optim::clip_grad_value<float>({x}, NAN), 0), eg::ValueError,
              "[clip_grad_value] clip_value must be at least 0: nan");
  CHECK_ERROR(optim::clip_grad_norm<float>({x}, 1, {.error_if_nonfinite = true}), eg::StateError,
              "[clip_grad_norm] the norm of the gradients is nan");
}
