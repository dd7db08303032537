// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>

/// Compares an op's gradient with central differences, for the library's ops and for yours:
///
///     auto result = eg::testing::gradcheck(
///         [](const std::vector<eg::Tensor<double>>& x) { return eg::softmax(x[0]); }, {x});
///     REQUIRE(result);   // result.message says which element differs
namespace eigengrad::testing {

/// A gradient g and its difference quotient d agree when |g - d| <= absolute + relative |d|.
struct GradcheckTolerance {
  double step = 1e-6;
  double absolute = 1e-6;
  double relative = 1e-4;
};

struct GradcheckResult {
  bool ok = true;
  std::string message = "all gradients agree";
  explicit operator bool() const { return ok; }
};

/// A function of any number of tensors to one tensor of any shape.
using GradcheckFunction = std::function<Tensor<double>(const std::vector<Tensor<double>>&)>;

/// Checks d(sum(w f(x)))/dx for fixed random weights w, for every element of every input.
/// `f` must be a function: the same inputs give the same result each time it is called.
inline GradcheckResult gradcheck(const GradcheckFunction& f,
                                 const std::vector<NdArray<double>>& inputs,
                                 const GradcheckTolerance& tolerance = {}) {
  using eigengrad::detail::concat;
  std::vector<Tensor<double>> x;
  for (const NdArray<double>& value : inputs) x.emplace_back(value.clone(), true);

  const Tensor<double> out = f(x);
  const NdArray<double> w = Generator(7).uniform<double>(out.shape(), 0.5, 1.5);
  if (!out.requires_grad()) return {false, "the result does not depend on any input's graph"};
  out.backward(w);

  auto loss = [&] {
    NoGrad guard;
    const Tensor<double> y = f(x);
    double sum = 0;
    for (Index i = 0; i < y.numel(); ++i) sum += w.data()[i] * y.value().data()[i];
    return sum;
  };
  for (std::size_t k = 0; k < x.size(); ++k) {
    if (!x[k].has_grad() && x[k].numel() > 0) {
      return {false, concat("input ", k, " received no gradient")};
    }
    for (Index i = 0; i < x[k].numel(); ++i) {
      double& element = x[k].mutable_value().data()[i];
      const double saved = element;
      element = saved + tolerance.step;
      const double above = loss();
      element = saved - tolerance.step;
      const double below = loss();
      element = saved;
      const double numeric = (above - below) / (2 * tolerance.step);
      const double analytic = x[k].grad().data()[i];
      if (!(std::abs(analytic - numeric) <=
            tolerance.absolute + tolerance.relative * std::abs(numeric))) {
        return {false, concat("input ", k, " ", x[k].shape(), ", element ", i, ": gradient ",
                              analytic, ", central difference ", numeric)};
      }
    }
  }
  return {};
}

}  // namespace eigengrad::testing
