// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <eigengrad/core/ndarray.hpp>

/// The step that is timed: a ViT on synthetic images, forward, cross-entropy, backward, AdamW.
namespace bench {

using eigengrad::Index;

struct StepSettings {
  Index batch = 64, image = 32, patch = 4, dim = 192, depth = 6, heads = 3, mlp_ratio = 4;
  Index head_dim = 0;  ///< 0: dim / heads
  std::string channels = "";  ///< "32,96" for a convolutional tokenizer instead of patches
  bool inference = false;     ///< forward only, without gradients
};

/// Multiply-adds of one image's forward pass: the products only, as the field counts them.
double forward_macs(const StepSettings& s);

/// GFLOP of a step, two to a multiply-add. Backward counts as twice the forward's products.
double step_gflop(const StepSettings& s);

/// A model with its optimiser and one batch of images; two of the same settings do the same. In a
/// translation unit of its own, because a model takes long to compile and several programs time it.
class Step {
 public:
  explicit Step(const StepSettings& settings);
  ~Step();
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  void operator()();

  /// Number of parameters.
  Index parameters() const;
  /// FNV-1a of the bits of all parameters and of the last result (the loss, or the logits of a
  /// forward pass): two runs that agree in every bit agree in this.
  std::uint64_t fingerprint() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bench
