// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include <eigengrad/kernels/simd/transform.hpp>
#include <tests/support/test.hpp>

using test::Index;

namespace simd = eg::simd;

namespace {

struct Steps {
  int whole = 0, others = 0;
};

/// y = 2 x + y and the sum of x, with either loop.
template <class T, bool Singly>
struct Double {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* y, const T* x, T* sum, Steps* steps, Index n) {
    using V = simd::Vec<T, Arch>;
    simd::Accumulator<V> total;
    const auto body = [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      ++(at.kWhole ? steps->whole : steps->others);
      const auto v = at.load(x);
      if constexpr (Singly) {
        at.part(total) += v;
      } else {
        at.add(total, v);
      }
      at.store(y, v * at.repeat(T(2)) + at.load(y));
    };
    if constexpr (Singly) {
      simd::transform_singly<V>(n, body);
    } else {
      simd::transform<V>(n, body);
    }
    *sum = total.sum();
  }
};

struct Lanes {
  template <class Arch>
  static EIGENGRAD_INLINE void run(Index* lanes, Index element_size) {
    *lanes = Arch::kBytes / element_size;
  }
};

template <class T, bool Singly>
void check_all_sizes() {
  Index lanes = 0;
  simd::dispatch<Lanes>(&lanes, Index{sizeof(T)});
  for (Index n = 0; n < 70; ++n) {
    INFO(n << " elements");
    std::vector<T> x(static_cast<std::size_t>(n + 20)), y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<T>(i + 1);
      y[i] = static_cast<T>(1000 * i);
    }
    T sum = -1;
    Steps steps;
    simd::dispatch<Double<T, Singly>>(y.data(), static_cast<const T*>(x.data()), &sum, &steps, n);
    CHECK(sum == static_cast<T>(n * (n + 1) / 2));
    for (Index i = 0; i < n + 20; ++i) {  // nothing past the end is written
      const T before = static_cast<T>(1000 * i);
      const T doubled = static_cast<T>(2 * (i + 1)) + before;
      REQUIRE(y[static_cast<std::size_t>(i)] == (i < n ? doubled : before));
    }
    CHECK(steps.whole == n / lanes);
    CHECK(steps.others == (Singly ? n % lanes : Index{n % lanes > 0}));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("transform: each element once, what is left in one call", "", float, double) {
  check_all_sizes<TestType, false>();
}

TEMPLATE_TEST_CASE("transform_singly: each element once, what is left one by one", "", float,
                   double) {
  check_all_sizes<TestType, true>();
}
