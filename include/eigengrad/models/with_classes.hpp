// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/nn/state_dict.hpp>

namespace eigengrad::models {

/// A new model with the weights of a trained one and a head for `classes` classes, which is drawn
/// anew: to fine-tune it on other data. The two share nothing.
///
/// **Throws** ValueError unless `classes` is positive.
template <class T>
VisionTransformer<T> with_classes(const VisionTransformer<T>& model, Index classes,
                                  Generator& rng) {
  if (classes < 1) {
    throw ValueError(detail::concat("[with_classes] classes must be positive: ", classes));
  }
  VisionTransformerOptions options = model.options();
  options.classes = classes;
  const VisionTransformer<T> out(options, rng);
  nn::StateDict<T> dict = model.state_dict();
  for (const auto& [name, own] : out.state_dict()) {
    if (name.starts_with("head")) dict[name] = own;
  }
  out.load_state_dict(dict);
  out.train(model.training());
  return out;
}

}  // namespace eigengrad::models
