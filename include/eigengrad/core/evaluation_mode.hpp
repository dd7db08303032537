// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

namespace eigengrad {

namespace detail {

/// Has a mode for training and one for evaluation, as modules do.
template <class Model>
concept HasModes = requires(const Model& model) {
  { model.training() } -> std::convertible_to<bool>;
  model.train(true);
};

}  // namespace detail

/// `const EvaluationMode mode(model);`: the model is in evaluation mode in this scope, and then in
/// the mode that it was in. A function of tensors has no mode, and nothing happens.
template <class Model>
class EvaluationMode {
 public:
  [[nodiscard]] explicit EvaluationMode(const Model& model) : model_(model) {
    if constexpr (detail::HasModes<Model>) {
      was_training_ = model.training();
      model.train(false);
    }
  }
  ~EvaluationMode() {
    if constexpr (detail::HasModes<Model>) model_.train(was_training_);
  }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  const Model& model_;
  bool was_training_ = false;
};

}  // namespace eigengrad
