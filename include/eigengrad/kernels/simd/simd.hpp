// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <type_traits>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/shape.hpp>

#if !defined(__GNUC__)
#error "eigengrad's kernels are written in GCC's vector extensions: use g++ or clang++"
#endif

#if defined(__x86_64__) || defined(__i386__)
#define EIGENGRAD_X86 1
#else
#define EIGENGRAD_X86 0
#endif

/// Every function that takes or returns a vector, and every lambda in a kernel body, must be
/// inlined: only then is it compiled for the instruction set of the kernel that calls it.
#define EIGENGRAD_INLINE inline __attribute__((always_inline))
#define EIGENGRAD_INLINE_LAMBDA __attribute__((always_inline))
#define EIGENGRAD_UNROLL _Pragma("GCC unroll 16")

// How vectors are passed and returned differs between instruction sets, of which compilers warn
// (-Wpsabi); nothing here relies on it, since all such functions are inlined. g++ says so at the
// end of the source file, where no pragma of a header would be active any more if it were popped,
// so for g++ this one stays. Vectors are passed by reference: for one that is passed by value, g++
// prints a note that no pragma silences.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

/// Stand around code that works on vectors. What they silence is heard again after it.
#if defined(__clang__)
#define EIGENGRAD_BEGIN_VECTORS \
  _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wpsabi\"")
#define EIGENGRAD_END_VECTORS _Pragma("clang diagnostic pop")
#else
#define EIGENGRAD_BEGIN_VECTORS
#define EIGENGRAD_END_VECTORS
#endif

EIGENGRAD_BEGIN_VECTORS

/// Vectors of the compiler, and the choice of instruction set at run time.
///
/// A kernel is a struct with `template <class Arch> static EIGENGRAD_INLINE void run(args...)`,
/// written once on `Vec<T, Arch>`. `dispatch<Kernel>(args...)` calls it compiled for the best
/// instruction set this CPU has, whatever flags the program was built with.
namespace eigengrad::simd {

/// Instruction sets, by the bytes of a vector. On CPUs other than x86 kBaseline is all there is.
enum class Isa { kBaseline, kAvx2, kAvx512 };

struct Baseline {
  static constexpr int kBytes = 16;
};
struct Avx2 {
  static constexpr int kBytes = 32;
};
struct Avx512 {
  static constexpr int kBytes = 64;
};

namespace detail {

template <class T, int Bytes>
struct VecOf {
  typedef T type __attribute__((vector_size(Bytes)));
};

}  // namespace detail

/// As many `T` as a register of `Arch` holds; `+ - * /`, comparisons and `?:` work lane by lane.
template <class T, class Arch>
using Vec = typename detail::VecOf<T, Arch::kBytes>::type;

/// Number of `T` in a vector of `Arch`.
template <class T, class Arch>
inline constexpr Index kLanes = Arch::kBytes / static_cast<Index>(sizeof(T));

/// Element type of a vector.
template <class V>
using Element = std::remove_cvref_t<decltype(std::declval<V>()[0])>;

template <class V>
inline constexpr Index kSize = static_cast<Index>(sizeof(V) / sizeof(Element<V>));

template <class V>
EIGENGRAD_INLINE V load(const Element<V>* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
EIGENGRAD_INLINE void store(Element<V>* p, const V& v) {
  __builtin_memcpy(p, &v, sizeof v);
}
/// The first `n` lanes from memory, zeros after them.
template <class V>
EIGENGRAD_INLINE V load_partial(const Element<V>* p, Index n) {
  V v{};
  for (Index i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
template <class V>
EIGENGRAD_INLINE void store_partial(Element<V>* p, const V& v, Index n) {
  for (Index i = 0; i < n; ++i) p[i] = v[i];
}
namespace detail {

template <class V, int... I>
EIGENGRAD_INLINE void repeat_first_lane(V& v, std::integer_sequence<int, I...>) {
  v = __builtin_shufflevector(v, v, (I * 0)...);
}

}  // namespace detail

/// All lanes equal to `x`.
///
/// A shuffle is one instruction. GCC 12 makes one insertion per lane of a loop over the lanes, and
/// of `x - V{}` in some templates.
template <class V>
EIGENGRAD_INLINE V broadcast(Element<V> x) {
  V v{};
  v[0] = x;
  detail::repeat_first_lane(v, std::make_integer_sequence<int, static_cast<int>(kSize<V>)>());
  return v;
}
template <class V>
EIGENGRAD_INLINE V min(const V& a, const V& b) {
  return a < b ? a : b;
}
template <class V>
EIGENGRAD_INLINE V max(const V& a, const V& b) {
  return a > b ? a : b;
}
/// The smaller and the larger, NaN if one of them is; plain numbers too.
///
/// The NaN is added because a select by two joined masks is computed lane by lane by GCC 12.
template <class V>
EIGENGRAD_INLINE V min_nan(const V& a, const V& b) {
  return (a < b ? a : b) + (a == a ? V{} : a);
}
template <class V>
EIGENGRAD_INLINE V max_nan(const V& a, const V& b) {
  return (a > b ? a : b) + (a == a ? V{} : a);
}
namespace detail {

/// A vector of half the size.
template <class V>
using HalfVector = typename VecOf<Element<V>, static_cast<int>(sizeof(V) / 2)>::type;

/// The first and the second half of a vector. Shuffles stay in registers; reading and writing
/// single lanes in a loop goes through memory.
template <class V, int... I>
EIGENGRAD_INLINE void split(HalfVector<V>& low, HalfVector<V>& high, const V& v,
                            std::integer_sequence<int, I...>) {
  low = __builtin_shufflevector(v, v, I...);
  high = __builtin_shufflevector(v, v, (I + static_cast<int>(sizeof...(I)))...);
}

template <class V>
using HalfLanes = std::make_integer_sequence<int, static_cast<int>(kSize<V> / 2)>;

}  // namespace detail

/// Sum of the lanes, pairwise: halves are added until one lane is left.
template <class V>
EIGENGRAD_INLINE Element<V> reduce_add(const V& v) {
  if constexpr (kSize<V> == 2) {
    return v[0] + v[1];
  } else {
    detail::HalfVector<V> low, high;
    detail::split(low, high, v, detail::HalfLanes<V>{});
    return reduce_add(low + high);
  }
}
template <class V>
EIGENGRAD_INLINE Element<V> reduce_max(const V& v) {
  if constexpr (kSize<V> == 2) {
    return v[1] > v[0] ? v[1] : v[0];
  } else {
    detail::HalfVector<V> low, high;
    detail::split(low, high, v, detail::HalfLanes<V>{});
    return reduce_max(max(low, high));
  }
}

namespace detail {

inline Isa detect_isa() {
  Isa best = Isa::kBaseline;
#if EIGENGRAD_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = Isa::kAvx2;
  if (best == Isa::kAvx2 && __builtin_cpu_supports("avx512f") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw")) {
    best = Isa::kAvx512;
  }
#endif
  const char* wanted = std::getenv("EIGENGRAD_ISA");
  if (wanted == nullptr || *wanted == '\0') return best;
  const std::string_view name = wanted;
  Isa isa = best;
  if (name == "baseline") {
    isa = Isa::kBaseline;
  } else if (name == "avx2") {
    isa = Isa::kAvx2;
  } else if (name == "avx512") {
    isa = Isa::kAvx512;
  } else {
    throw ValueError(
        eigengrad::detail::concat("[EIGENGRAD_ISA] must be baseline, avx2 or avx512: ", wanted));
  }
  if (isa > best) {
    throw ValueError(eigengrad::detail::concat("[EIGENGRAD_ISA] this CPU does not have ", wanted));
  }
  return isa;
}

}  // namespace detail

/// The instruction set in use: the CPU's best, or what the environment variable EIGENGRAD_ISA
/// (baseline, avx2, avx512) says. Read once. Out of line: each kernel's call would repeat it.
[[gnu::noinline]] inline Isa active_isa() {
  static const Isa isa = detail::detect_isa();
  return isa;
}

inline const char* isa_name(Isa isa) {
  return isa == Isa::kAvx512 ? "avx512" : isa == Isa::kAvx2 ? "avx2" : "baseline";
}

namespace detail {

#if EIGENGRAD_X86
template <class Kernel, class... Args>
__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"), noinline)) void run_avx512(
    Args... args) {
  Kernel::template run<Avx512>(args...);
}
template <class Kernel, class... Args>
__attribute__((target("avx2,fma"), noinline)) void run_avx2(Args... args) {
  Kernel::template run<Avx2>(args...);
}
#endif
template <class Kernel, class... Args>
__attribute__((noinline)) void run_baseline(Args... args) {
  Kernel::template run<Baseline>(args...);
}

}  // namespace detail

/// Runs `Kernel` for the active instruction set. Arguments are passed by value: pointers, sizes,
/// small structs.
template <class Kernel, class... Args>
void dispatch(Args... args) {
#if EIGENGRAD_X86
  switch (active_isa()) {
    case Isa::kAvx512:
      return detail::run_avx512<Kernel, Args...>(args...);
    case Isa::kAvx2:
      return detail::run_avx2<Kernel, Args...>(args...);
    case Isa::kBaseline:
      break;
  }
#endif
  detail::run_baseline<Kernel, Args...>(args...);
}

}  // namespace eigengrad::simd

EIGENGRAD_END_VECTORS
