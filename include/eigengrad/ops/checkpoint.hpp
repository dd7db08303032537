// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <utility>

#include <eigengrad/core/generator_snapshot.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/saved_input.hpp>
#include <eigengrad/core/tensor.hpp>

/// Less memory for more work: keeps only the inputs of a part of the graph and records it again in
/// backward.
///
/// **Source** T. Chen et al., "Training deep nets with sublinear memory cost", 2016;
/// https://docs.pytorch.org/docs/stable/checkpoint.html
namespace eigengrad {

namespace detail {

/// A function of tensors.
template <class F, class... X>
concept TensorFunction = std::invocable<const F&, const X&...>;

/// Records f(inputs) in backward, and lets the gradient flow on through that.
template <class T, class F, std::size_t N>
struct CheckpointGraph {
  F f;
  std::array<SavedInput<T>, N> inputs;
  GeneratorSnapshot start;

  void operator()(BackwardContext<T>& context) const {
    const GradMode record(true);
    const RewindGenerators rewind(start);
    context.continue_through(call(context, std::make_index_sequence<N>()));
  }

 private:
  template <std::size_t... I>
  Tensor<T> call(BackwardContext<T>& context, std::index_sequence<I...>) const {
    return f(context.input_tensor(I, inputs[I].get(context, I))...);
  }
};

}  // namespace detail

/// f(inputs...), of which only the inputs are kept: backward calls f again.
///
/// The same bits as f itself, if f does the same when called again: draws from `generators` are
/// repeated; the mode of a module and the arrays that f captured, such as indices, must not change
/// in between. What f changes apart from its result, such as a batch norm's running statistics,
/// changes twice.
///
/// `f` is copied; it takes and returns tensors. Parameters that it uses get their gradients too.
/// **Throws** ShapeError in backward if f's result has another shape then. **Saves** the inputs.
template <class T, std::same_as<Tensor<T>>... Rest, detail::TensorFunction<Tensor<T>, Rest...> F>
Tensor<T> checkpoint(const GeneratorList& generators, const F& f, const Tensor<T>& x,
                     const Rest&... rest) {
  if (!grad_enabled()) return f(x, rest...);
  constexpr std::size_t n = 1 + sizeof...(Rest);
  GeneratorSnapshot start(generators);
  // Where no input requires a gradient, a parameter inside may: recording tells.
  const bool required = detail::any_requires_grad(x, rest...);
  Tensor<T> y;
  {
    const GradMode mode(!required);
    y = f(x, rest...);
  }
  if (!required && !y.requires_grad()) return y;
  NdArray<T> value = y.value();
  y = Tensor<T>();  // and with it what was recorded
  using Graph = detail::CheckpointGraph<T, F, n>;
  return detail::record<T>(
      "checkpoint", std::move(value),
      std::make_unique<detail::ClosureOf<T, Graph, static_cast<int>(n)>>(
          std::array{x.node_ptr(), rest.node_ptr()...},
          Graph{f, {SavedInput<T>(x), SavedInput<T>(rest)...}, std::move(start)}));
}

/// The same for a module, whose generators are repeated, or a function that draws no numbers.
///
///     x = eg::checkpoint(block, x);
template <class T, std::same_as<Tensor<T>>... Rest, detail::TensorFunction<Tensor<T>, Rest...> F>
Tensor<T> checkpoint(const F& f, const Tensor<T>& x, const Rest&... rest) {
  if constexpr (requires { f.generators(); }) {
    return checkpoint(f.generators(), f, x, rest...);
  } else {
    return checkpoint(GeneratorList(), f, x, rest...);
  }
}

}  // namespace eigengrad
