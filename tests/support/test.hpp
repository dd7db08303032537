// SPDX-License-Identifier: MIT
#pragma once

// Catch2 v2 (Debian 12) or v3, and what every test file uses.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <eigengrad/core.hpp>
#include <eigengrad/testing/gradcheck.hpp>

namespace eg = eigengrad;

namespace test {

using eg::Index;
using eg::NdArray;
using eg::Shape;
using eg::Tensor;

/// Reproducible values in [low, high); different seeds give different arrays.
template <class T = double>
NdArray<T> random(const Shape& shape, std::uint64_t seed = 1, double low = -1, double high = 1) {
  return eg::Generator(seed).uniform<T>(shape, static_cast<T>(low), static_cast<T>(high));
}

/// A list of the numbers, for messages.
template <class T>
std::string text(const NdArray<T>& a) {
  std::string out = a.shape().str() + " [";
  for (Index i = 0; i < std::min<Index>(a.numel(), 24); ++i) {
    out += (i ? ", " : "") + eg::detail::to_text(a.data()[i]);
  }
  return out + (a.numel() > 24 ? ", ...]" : "]");
}

/// The same shape, and |a - b| <= tolerance (1 + |b|) for each element; equal infinities and two
/// NaNs are equal. Empty when they agree, else what differs.
template <class T, class U>
std::string difference(const NdArray<T>& a, const NdArray<U>& b, double tolerance) {
  if (!(a.shape() == b.shape())) return "shapes " + a.shape().str() + " and " + b.shape().str();
  for (Index i = 0; i < a.numel(); ++i) {
    const double x = static_cast<double>(a.data()[i]);
    const double y = static_cast<double>(b.data()[i]);
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    if (!(std::abs(x - y) <= tolerance * (1 + std::abs(y)))) {
      return "element " + std::to_string(i) + " of " + a.shape().str() + ": " + std::to_string(x) +
             " against " + std::to_string(y);
    }
  }
  return "";
}

// support/support.cpp holds what most tests would otherwise compile again.
extern template std::string difference(const NdArray<float>&, const NdArray<float>&, double);
extern template std::string difference(const NdArray<float>&, const NdArray<double>&, double);
extern template std::string difference(const NdArray<double>&, const NdArray<float>&, double);
extern template std::string difference(const NdArray<double>&, const NdArray<double>&, double);

/// `eg::testing::gradcheck`.
eg::testing::GradcheckResult gradcheck(const eg::testing::GradcheckFunction& f,
                                       const std::vector<NdArray<double>>& inputs,
                                       const eg::testing::GradcheckTolerance& tolerance = {});

}  // namespace test

/// The arrays agree to a tolerance relative to 1 + |expected|.
#define CHECK_CLOSE(actual, expected, tolerance) \
  CHECK(test::difference(actual, expected, tolerance) == "")
/// Exactly the same numbers.
#define CHECK_SAME(actual, expected) CHECK(test::difference(actual, expected, 0.0) == "")

/// `gradcheck` of a function of tensors `x` (a vector) over the given inputs.
#define CHECK_GRADIENT(expression, ...)                                                     \
  do {                                                                                      \
    auto gradcheck_result = test::gradcheck(                                                \
        [&](const std::vector<eg::Tensor<double>>& x) { return expression; }, __VA_ARGS__); \
    INFO(#expression << ": " << gradcheck_result.message);                                  \
    CHECK(gradcheck_result.ok);                                                             \
  } while (false)

/// The expression throws this type with exactly this text.
#define CHECK_ERROR(expression, Type, message)     \
  do {                                             \
    std::string error_text = "nothing was thrown"; \
    try {                                          \
      (void)(expression);                          \
    } catch (const Type& error) {                  \
      error_text = error.what();                   \
    }                                              \
    CHECK(error_text == message);                  \
  } while (false)

/// The expression throws this type with a text that contains this one.
#define CHECK_ERROR_CONTAINS(expression, Type, part)   \
  do {                                                 \
    std::string error_text = "nothing was thrown";     \
    try {                                              \
      (void)(expression);                              \
    } catch (const Type& error) {                      \
      error_text = error.what();                       \
    }                                                  \
    INFO("thrown: " << error_text);                    \
    CHECK(error_text.find(part) != std::string::npos); \
  } while (false)
