// SPDX-License-Identifier: MIT
#include <vector>

#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/dropout.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using eg::Index;
using eg::kernels::DropoutMask;
using test::NdArray;
using test::Tensor;

namespace {

template <class T>
double share_of_zeros(const NdArray<T>& x) {
  Index zeros = 0;
  for (const T v : x) zeros += v == 0;
  return static_cast<double>(zeros) / static_cast<double>(x.numel());
}

}  // namespace

TEMPLATE_TEST_CASE("dropout: value", "", float, double) {
  using T = TestType;
  const NdArray<T> x = test::random<T>({7, 11}, 1, 1, 2);
  eg::Generator generator(3);
  const DropoutMask mask(eg::Generator(3).next(), 0.2);
  const NdArray<T> y = eg::dropout(Tensor<T>(x), 0.2, generator).value();
  for (Index i = 0; i < x.numel(); ++i) {
    CHECK(y.data()[i] == (mask.keeps(i) ? x.data()[i] * T(1.25) : T(0)));
  }
  CHECK(generator.state().counter == 1);
  const DropoutMask samples(generator.fork(1).next(), 0.5);
  eg::Generator forked = generator.fork(1);
  const NdArray<T> z = eg::stochastic_depth(Tensor<T>(x), 0.5, forked).value();
  for (Index b = 0; b < 7; ++b) {
    for (Index j = 0; j < 11; ++j) CHECK(z(b, j) == (samples.keeps(b) ? x(b, j) * 2 : T(0)));
  }
  const Tensor<T> images(test::random<T>({3, 4, 2, 5}, 2, 1, 2));
  const DropoutMask channels(generator.fork(2).next(), 0.5);
  eg::Generator other = generator.fork(2);
  const NdArray<T> w = eg::dropout2d(images, 0.5, other).value();
  for (Index i = 0; i < w.numel(); ++i) {
    CHECK(w.data()[i] == (channels.keeps(i / 10) ? images.value().data()[i] * 2 : T(0)));
  }
}

TEST_CASE("dropout: gradient") {
  for (const Index n : {1, 7, 8, 15, 16, 17, 33}) {
    const auto x = test::random({3, n}, 1);
    for (const double p : {0., 0.3, 1.}) {
      CHECK_GRADIENT(([&] {
                       eg::Generator generator(5);
                       return eg::dropout(x[0], p, generator) * 2.;
                     })(),
                     {x});
      CHECK_GRADIENT(([&] {
                       eg::Generator generator(6);
                       return eg::stochastic_depth(x[0], p, generator) * 2.;
                     })(),
                     {x});
      CHECK_GRADIENT(([&] {
                       eg::Generator generator(7);
                       return eg::dropout2d(x[0], p, generator) * 2.;
                     })(),
                     {x});
    }
  }
}

TEST_CASE("dropout: the mask is random") {
  constexpr Index kCount = 1 << 20;
  const double deviation = std::sqrt(0.25 / kCount);  // the widest, at p = 1/2
  const Tensor<float> ones(NdArray<float>::ones({kCount}));
  SECTION("the share that is dropped is p, everywhere") {
    for (const double p : {0.01, 0.1, 0.5, 0.9}) {
      eg::Generator generator(1);
      const NdArray<float> y = eg::dropout(ones, p, generator).value();
      const double spread = std::sqrt(p * (1 - p) / kCount);
      CHECK(std::abs(share_of_zeros(y) - p) < 5 * spread);
      CHECK(std::abs(y.array().cast<double>().mean() - 1) < 5 * spread / (1 - p));
      for (Index bit = 1; bit < kCount; bit *= 2) {  // by each bit of the index
        Index zeros = 0;
        for (Index i = 0; i < kCount; ++i) zeros += (i & bit) != 0 && y.data()[i] == 0;
        CHECK(std::abs(2. * static_cast<double>(zeros) / kCount - p) < 6 * std::sqrt(2.) * spread);
      }
    }
  }
  SECTION("neighbours are independent") {
    eg::Generator generator(2);
    const NdArray<float> y = eg::dropout(ones, 0.5, generator).value();
    for (const Index step : {1, 2, 3, 8, 16, 17, 64, 1000, 4096, 65536}) {
      Index equal = 0;
      for (Index i = 0; i + step < kCount; ++i) equal += y.data()[i] == y.data()[i + step];
      CHECK(std::abs(static_cast<double>(equal) / static_cast<double>(kCount - step) - 0.5) <
            6 * deviation);
    }
  }
  SECTION("keys are independent, however close") {
    std::vector<std::uint64_t> keys = {0,
                                       1,
                                       2,
                                       std::uint64_t{1} << 31,
                                       std::uint64_t{1} << 32,
                                       std::uint64_t{3} << 32,
                                       (std::uint64_t{1} << 32) + 1,
                                       std::uint64_t{1} << 63,
                                       0x0123456789abcdef};
    for (std::size_t a = 0; a < keys.size(); ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        const DropoutMask x(keys[a], 0.5), y(keys[b], 0.5);
        Index equal = 0;
        for (Index i = 0; i < kCount / 8; ++i) equal += x.keeps(i) == y.keeps(i);
        CHECK(std::abs(8. * static_cast<double>(equal) / kCount - 0.5) <
              5 * std::sqrt(8.) * deviation);
      }
    }
  }
  SECTION("the upper word of an index counts") {
    const DropoutMask mask(7, 0.5);
    Index equal = 0;
    for (Index i = 0; i < kCount / 8; ++i) {
      equal += mask.keeps(i) == mask.keeps(i + (Index{1} << 32));
    }
    CHECK(std::abs(8. * static_cast<double>(equal) / kCount - 0.5) < 5 * std::sqrt(8.) * deviation);
  }
  SECTION("samples are dropped as often as they should, whole") {
    eg::Generator generator(4);
    const NdArray<float> y =
        eg::stochastic_depth(Tensor<float>(NdArray<float>::ones({20000, 3})), 0.2, generator)
            .value();
    CHECK(std::abs(share_of_zeros(y) - 0.2) < 5 * std::sqrt(0.16 / 20000));
    for (Index b = 0; b < 20000; ++b) {
      if (y(b, 0) != y(b, 1) || y(b, 0) != y(b, 2)) FAIL("sample " << b << " is not whole");
    }
  }
}

TEST_CASE("dropout: the same seed gives the same bits, whatever the threads") {
  const Tensor<float> x(test::random<float>({70, 1001}, 1));
  test::check_threads([&] {
    eg::Generator generator(9);
    const NdArray<float> dropped = eg::dropout(x, 0.3, generator).value();
    return std::vector{dropped, eg::stochastic_depth(x, 0.3, generator).value()};
  });
  eg::Generator generator(9);
  const NdArray<float> first = eg::dropout(x, 0.3, generator).value();
  const NdArray<float> second = eg::dropout(x, 0.3, generator).value();
  CHECK(test::difference(second, first, 0.) != "");  // the next draw is another mask
}

TEMPLATE_TEST_CASE("dropout: edge", "", float, double) {
  using T = TestType;
  eg::Generator generator(1);
  const Tensor<T> x({2, 2}, {1, T(INFINITY), 3, T(1e30)});
  CHECK_SAME(eg::dropout(x, 0, generator).value(), x.value());
  CHECK_SAME(eg::stochastic_depth(x, 0, generator).value(), x.value());
  CHECK_SAME(eg::dropout(x, 1, generator).value(), NdArray<T>::zeros({2, 2}));
  CHECK_SAME(eg::stochastic_depth(x, 1, generator).value(), NdArray<T>::zeros({2, 2}));
  CHECK(generator.state().counter == 4);  // one draw each, whatever the rate
  CHECK(eg::dropout(Tensor<T>::zeros({0, 3}), 0.5, generator).numel() == 0);
  CHECK(eg::stochastic_depth(Tensor<T>::zeros({0, 3}), 0.5, generator).numel() == 0);
  CHECK(eg::stochastic_depth(Tensor<T>::zeros({3, 0}), 0.5, generator).numel() == 0);
  CHECK(eg::dropout(Tensor<T>::scalar(0), 0.5, generator).value().item() == 0);
}

TEST_CASE("dropout: error") {
  eg::Generator generator(1);
  const auto x = Tensor<double>::zeros({2});
  CHECK_ERROR(eg::dropout(x, -0.1, generator), eg::ValueError,
              "[dropout] p must be in [0, 1]: -0.1");
  CHECK_ERROR(eg::stochastic_depth(x, 1.5, generator), eg::ValueError,
              "[stochastic_depth] p must be in [0, 1]: 1.5");
  CHECK_ERROR(eg::dropout(x, NAN, generator), eg::ValueError, "[dropout] p must be in [0, 1]: nan");
  CHECK_ERROR(eg::stochastic_depth(Tensor<double>::scalar(1), 0.5, generator), eg::ShapeError,
              "[stochastic_depth] x needs a batch axis: x ()");
  CHECK_ERROR(eg::dropout2d(x, 0.5, generator), eg::ShapeError,
              "[dropout2d] x must be (B, C, ...): x (2)");
}
