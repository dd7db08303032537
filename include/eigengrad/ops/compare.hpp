// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <functional>
#include <type_traits>

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/broadcast_mask.hpp>
#include <eigengrad/ops/checks.hpp>

/// Comparisons, element by element, as masks. A mask has no gradient; `where` and `masked_fill` use
/// it.
///
/// The operators < <= > >= are the functions lt, le, gt, ge. There is no ==: of two tensors it
/// could ask whether they are one, whether all their numbers are equal, or which are. Write `eq(a,
/// b)` for the mask and `all(eq(a, b))` for one answer.
/// **Source** https://docs.pytorch.org/docs/stable/torch.html#comparison-ops
namespace eigengrad {

namespace detail {

template <class T>
const NdArray<T>& array_of(const NdArray<T>& x) {
  return x;
}
template <class T>
const NdArray<T>& array_of(const Tensor<T>& x) {
  return x.value();
}

template <class A>
concept ArrayOrTensor = requires(const A& a) {
  array_of(a);
};

/// What an array can be compared with.
template <class B>
concept Comparable = ArrayOrTensor<B> || std::is_arithmetic_v<B>;

/// The type in which a T and a U are compared.
template <class T, class U>
using Common = std::conditional_t<
    std::same_as<T, U>, T,
    std::conditional_t<std::is_floating_point_v<T> || std::is_floating_point_v<U>, double, Index>>;

template <class F, ArrayOrTensor A, Comparable B>
NdArray<bool> compare(const char* op, const F& f, const A& a, const B& b) {
  const auto& x = array_of(a);
  using T = typename A::value_type;
  check_defined(op, "a", x);
  if constexpr (ArrayOrTensor<B>) {
    const auto& y = array_of(b);
    using U = typename B::value_type;
    using C = Common<T, U>;
    check_defined(op, "b", y);
    return kernels::broadcast_mask(
        [&f](T p, U q) { return f(static_cast<C>(p), static_cast<C>(q)); },
        broadcast_shapes(op, x.shape(), y.shape()), x, y);
  } else {
    // With a floating-point array the number is one of its type, as in PyTorch: eq(x, 0.1) finds
    // the float next to 0.1.
    using U = std::conditional_t<std::is_floating_point_v<T>, T, B>;
    using C = Common<T, U>;
    const C value = static_cast<C>(static_cast<U>(b));
    return kernels::broadcast_mask([&f, value](T p) { return f(static_cast<C>(p), value); },
                                   x.shape(), x);
  }
}

template <class F, ArrayOrTensor A>
NdArray<bool> ask(const char* op, const F& f, const A& a) {
  const auto& x = array_of(a);
  check_defined(op, "x", x);
  return kernels::broadcast_mask(f, x.shape(), x);
}

}  // namespace detail

/// a == b, element by element; of a NaN nothing but `ne` is true.
///
///     const NdArray<bool> right = eq(argmax(logits), labels);
///
/// **Shapes** a (...), b (...) or a number, result: both broadcast. **Throws** ShapeError if they
/// do not; ValueError if one is undefined.
template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> eq(const A& a, const B& b) {
  return detail::compare("eq", std::equal_to<>(), a, b);
}
/// a != b; otherwise as `eq`.
template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> ne(const A& a, const B& b) {
  return detail::compare("ne", std::not_equal_to<>(), a, b);
}
/// a < b; otherwise as `eq`.
template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> lt(const A& a, const B& b) {
  return detail::compare("lt", std::less<>(), a, b);
}
/// a <= b; otherwise as `eq`.
template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> le(const A& a, const B& b) {
  return detail::compare("le", std::less_equal<>(), a, b);
}
/// a > b; otherwise as `eq`.
template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> gt(const A& a, const B& b) {
  return detail::compare("gt", std::greater<>(), a, b);
}
/// a >= b; otherwise as `eq`.
template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> ge(const A& a, const B& b) {
  return detail::compare("ge", std::greater_equal<>(), a, b);
}

/// Which elements are NaN.
///
/// **Shapes** as x. **Throws** ValueError if x is undefined.
template <detail::ArrayOrTensor A>
NdArray<bool> isnan(const A& x) {
  return detail::ask(
      "isnan", [](typename A::value_type v) { return std::isnan(v); }, x);
}
/// Which elements are neither NaN nor infinite.
///
/// **Shapes** as x. **Throws** ValueError if x is undefined.
template <detail::ArrayOrTensor A>
NdArray<bool> isfinite(const A& x) {
  return detail::ask(
      "isfinite", [](typename A::value_type v) { return std::isfinite(v); }, x);
}

template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> operator<(const A& a, const B& b) {
  return lt(a, b);
}
template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> operator<=(const A& a, const B& b) {
  return le(a, b);
}
template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> operator>(const A& a, const B& b) {
  return gt(a, b);
}
template <detail::ArrayOrTensor A, detail::Comparable B>
NdArray<bool> operator>=(const A& a, const B& b) {
  return ge(a, b);
}
template <class S, detail::ArrayOrTensor A>
requires std::is_arithmetic_v<S> NdArray<bool>
operator<(S value, const A& x) { return gt(x, value); }
template <class S, detail::ArrayOrTensor A>
requires std::is_arithmetic_v<S> NdArray<bool>
operator<=(S value, const A& x) { return ge(x, value); }
template <class S, detail::ArrayOrTensor A>
requires std::is_arithmetic_v<S> NdArray<bool>
operator>(S value, const A& x) { return lt(x, value); }
template <class S, detail::ArrayOrTensor A>
requires std::is_arithmetic_v<S> NdArray<bool>
operator>=(S value, const A& x) { return le(x, value); }
/// Not there on purpose: use eq(a, b) or all(eq(a, b)).
template <detail::ArrayOrTensor A, detail::Comparable B>
bool operator==(const A& a, const B& b) = delete;

}  // namespace eigengrad
