// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include <eigengrad/core/shape.hpp>

/// How much an op multiplies, from its name and its shapes: what profilers and summaries count.
namespace eigengrad::inspect {

/// An op as an observer sees it: absent inputs are left out.
struct OpShapes {
  std::string_view op;
  std::span<const Shape> inputs;
  const Shape& result;
};

}  // namespace eigengrad::inspect

namespace eigengrad::detail {

/// Where an mlp's second weight is: behind the first bias, if there is one.
inline std::size_t mlp_weight2(const inspect::OpShapes& e) {
  return e.inputs.size() > 3 && e.inputs[2].rank() == 1 ? 3 : 2;
}

}  // namespace eigengrad::detail

namespace eigengrad::inspect {

/// Multiply-adds of the products in an op's forward; 0 for ops that have none. Other arithmetic
/// does not count, as usual.
inline double forward_macs(const OpShapes& e) {
  const auto size = [](const Shape& shape) { return static_cast<double>(shape.numel()); };
  const auto at = [](const Shape& shape, Index axis) { return static_cast<double>(shape[axis]); };
  const std::span<const Shape> in = e.inputs;
  const double result = size(e.result);
  if (e.op == "linear" || e.op == "matmul") return result * static_cast<double>(in[0].back());
  if (e.op == "mlp") {
    // weight1 is (hidden, in), weight2 (out, hidden): one row of each makes a row of the result.
    const double rows = result / static_cast<double>(e.result.back());
    return rows * (size(in[1]) + size(in[detail::mlp_weight2(e)]));
  }
  if (e.op == "conv2d") return result * size(in[1]) / at(in[1], 0);
  // Each query meets each key, and each probability a value.
  if (e.op == "self_attention") return 2 * result * at(in[0], 1);
  if (e.op == "cross_attention") return 2 * result * at(in[1], 1);
  if (e.op == "scaled_dot_product_attention") return (size(in[0]) + result) * at(in[1], 2);
  return 0;
}

/// Multiply-adds of an op's backward: a product for each gradient. `wanted(i)` says whether input i
/// takes one.
template <class Wanted>
double backward_macs(const OpShapes& e, const Wanted& wanted) {
  if (e.op.find("attention") != std::string_view::npos) return 2 * forward_macs(e);
  const auto count = [&](std::initializer_list<std::size_t> inputs) {
    double n = 0;
    for (const std::size_t i : inputs) n += i < e.inputs.size() && wanted(i) ? 1 : 0;
    return n;
  };
  if (e.op == "mlp") {
    const std::size_t second = detail::mlp_weight2(e);
    const double rows =
        static_cast<double>(e.result.numel()) / static_cast<double>(e.result.back());
    const bool hidden = count({0, 1}) > 0 || (second == 3 && count({2}) > 0);
    return rows *
           (static_cast<double>(e.inputs[1].numel()) * count({0, 1}) +
            static_cast<double>(e.inputs[second].numel()) * (count({second}) + (hidden ? 1 : 0)));
  }
  return forward_macs(e) * count({0, 1});
}

}  // namespace eigengrad::inspect
