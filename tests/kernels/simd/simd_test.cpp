// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <numeric>
#include <vector>

#include <eigengrad/kernels/simd/simd.hpp>
#include <tests/support/test.hpp>

using test::Index;

namespace simd = eg::simd;

namespace {

/// What each operation gives for a = 1, 2, 3, ... and b = 3, 3, 3, ...
template <class T>
struct Results {
  Index lanes = 0;
  int bytes = 0;
  T low[16], high[16], equal[16], partial[16], stored[16];
  T sum = 0, most = 0;
};

template <class T>
struct Operations {
  template <class Arch>
  static EIGENGRAD_INLINE void run(Results<T>* out, const T* input, Index count) {
    using V = simd::Vec<T, Arch>;
    out->lanes = simd::kLanes<T, Arch>;
    out->bytes = Arch::kBytes;
    const V a = simd::load<V>(input);
    const V b = simd::broadcast<V>(T(3));
    simd::store<V>(out->low, simd::min(a, b));
    simd::store<V>(out->high, simd::max(a, b));
    simd::store<V>(out->equal, b);
    simd::store<V>(out->partial, simd::load_partial<V>(input, count));
    std::fill_n(out->stored, 16, T(-1));
    simd::store_partial<V>(out->stored, a, count);
    out->sum = simd::reduce_add(a);
    out->most = simd::reduce_max(a);
  }
};

template <class T>
struct NanAware {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* low, T* high, const T* a, const T* b) {
    using V = simd::Vec<T, Arch>;
    const V x = simd::load<V>(a);
    const V y = simd::load<V>(b);
    simd::store<V>(low, simd::min_nan(x, y));
    simd::store<V>(high, simd::max_nan(x, y));
  }
};

}  // namespace

TEMPLATE_TEST_CASE("simd: loads, stores, minima, maxima and sums of lanes", "", float, double) {
  using T = TestType;
  T input[16];
  std::iota(input, input + 16, T(1));
  for (Index count = 0; count <= 16; ++count) {
    Results<T> r;
    simd::dispatch<Operations<T>>(&r, static_cast<const T*>(input), Index{0});
    if (count > r.lanes) break;
    simd::dispatch<Operations<T>>(&r, static_cast<const T*>(input), count);
    CHECK(r.lanes * static_cast<Index>(sizeof(T)) == r.bytes);
    for (Index i = 0; i < r.lanes; ++i) {
      const T a = static_cast<T>(i + 1);
      CHECK(r.low[i] == (a < 3 ? a : T(3)));
      CHECK(r.high[i] == (a > 3 ? a : T(3)));
      CHECK(r.equal[i] == 3);
      CHECK(r.partial[i] == (i < count ? a : T(0)));
      CHECK(r.stored[i] == (i < count ? a : T(-1)));
    }
    CHECK(r.sum == static_cast<T>(r.lanes * (r.lanes + 1) / 2));
    CHECK(r.most == static_cast<T>(r.lanes));
  }
}

TEST_CASE("simd: the largest lane is found wherever it is") {
  for (std::size_t at = 0; at < 16; ++at) {
    float input[16];
    std::fill_n(input, 16, -2.f);
    input[at] = -1;
    Results<float> r;
    simd::dispatch<Operations<float>>(&r, static_cast<const float*>(input), Index{0});
    if (static_cast<Index>(at) < r.lanes) CHECK(r.most == -1);
  }
}

TEMPLATE_TEST_CASE("simd: min_nan and max_nan keep a NaN of either side", "", float, double) {
  using T = TestType;
  const T inf = std::numeric_limits<T>::infinity();
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const T values[] = {-inf, -1, 0, 2, inf, nan};
  for (T a : values) {
    for (T b : values) {
      T x[16], y[16], low[16], high[16];
      std::fill_n(x, 16, a);
      std::fill_n(y, 16, b);
      simd::dispatch<NanAware<T>>(+low, +high, static_cast<const T*>(x), static_cast<const T*>(y));
      const bool bad = std::isnan(a) || std::isnan(b);
      INFO(a << " and " << b);
      CHECK((bad ? std::isnan(low[0]) : low[0] == std::min(a, b)));
      CHECK((bad ? std::isnan(high[0]) : high[0] == std::max(a, b)));
      CHECK((bad ? std::isnan(simd::min_nan(a, b)) : simd::min_nan(a, b) == std::min(a, b)));
      CHECK((bad ? std::isnan(simd::max_nan(a, b)) : simd::max_nan(a, b) == std::max(a, b)));
    }
  }
}

TEST_CASE("simd: the instruction set in use is what was asked for") {
  const char* wanted = std::getenv("EIGENGRAD_ISA");
  if (wanted != nullptr && *wanted != '\0') {
    CHECK(std::string(simd::isa_name(simd::active_isa())) == wanted);
  }
  Results<float> r;
  float input[16] = {};
  simd::dispatch<Operations<float>>(&r, static_cast<const float*>(input), Index{0});
  const int bytes = simd::active_isa() == simd::Isa::kAvx512 ? 64
                    : simd::active_isa() == simd::Isa::kAvx2 ? 32
                                                             : 16;
  CHECK(r.bytes == bytes);
}
