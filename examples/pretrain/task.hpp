// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <examples/pretrain/images.hpp>

/// The tasks: what the encoder is shown, and what is asked of it.
namespace pretrain {

using Encoder = eg::models::VisionTransformer<float>;
using PixelModel = eg::models::MaskedImageModel<float>;

/// What one batch gives.
struct Outcome {
  eg::Tensor<float> loss;
  Index correct = 0;  ///< rotations that were told
  Index asked = 0;
};

/// An image in all four rotations is one example of each class.
/// **Source** S. Gidaris et al., "Unsupervised representation learning by predicting image
/// rotations", 2018.
inline Outcome predict_rotation(const Encoder& encoder, const Images& images) {
  const Index batch = images.dim(0);
  const Images rotated =
      eg::cat({images, eg::rot90(images, 1), eg::rot90(images, 2), eg::rot90(images, 3)}, 0);
  eg::NdArray<Index> quarters({4 * batch});
  for (Index i = 0; i < 4 * batch; ++i) quarters(i) = i / batch;
  const eg::Tensor<float> logits = encoder(rotated);
  Outcome out{.loss = eg::cross_entropy(logits, quarters), .asked = 4 * batch};
  const eg::NdArray<Index> predicted = eg::argmax(logits, 1);
  for (Index i = 0; i < 4 * batch; ++i) out.correct += predicted.data()[i] == quarters(i);
  return out;
}

/// The hidden patches of each image are to be said from the others.
/// **Source** Z. Xie et al., "SimMIM: a simple framework for masked image modeling", 2022.
inline Outcome complete(const PixelModel& model, const Images& images, double share,
                        eg::Generator& rng) {
  const auto mask = eg::models::random_patch_mask(images.dim(0), model.patches(), share, rng);
  const auto target = eg::models::to_patches(images, model.patch_size());
  return {.loss = eg::models::masked_patch_loss(model(images, mask), target, mask)};
}

/// The colour of an image, which is what it has more than its luminance, is to be said from that.
/// **Source** R. Zhang et al., "Colorful image colorization", 2016 (which classifies colours).
inline Outcome colourise(const PixelModel& model, const Images& images) {
  const Images grey = to_grey(images);
  const auto target = eg::models::to_patches(images - grey, model.patch_size());
  return {.loss = eg::mse_loss(model(grey), target)};
}

/// An encoder with a task.
class Learner {
 public:
  /// A new one. The seed gives the same encoder whatever its task is.
  Learner(RunRecord record, const eg::models::VisionTransformerOptions& options)
      : record_(std::move(record)), rng_(record_.seed), encoder_(options, rng_) {
    if (makes_images()) pixels_.emplace(encoder_, eg::models::MaskedImageModelOptions{}, rng_);
  }

  Outcome operator()(const Images& images, eg::Generator& rng) const {
    if (record_.task == "rotation") return predict_rotation(encoder_, images);
    if (record_.task == "completion") return complete(*pixels_, images, record_.mask, rng);
    return colourise(*pixels_, images);
  }

  /// What the encoder is shown of images: without their colours if it has to find these.
  Images input(const Images& images) const {
    return record_.task == "colourisation" ? to_grey(images) : images;
  }

  const RunRecord& record() const { return record_; }
  const Encoder& encoder() const { return encoder_; }
  bool makes_images() const { return record_.task != "rotation"; }
  /// Only where the task makes images.
  const PixelModel& pixels() const { return *pixels_; }
  /// All that learns.
  const eg::nn::Module<float>& module() const {
    return pixels_ ? static_cast<const eg::nn::Module<float>&>(*pixels_) : encoder_;
  }

 private:
  RunRecord record_;
  eg::Generator rng_;
  Encoder encoder_;
  std::optional<PixelModel> pixels_;
};

/// Writes encoder.safetensors, for `eg::models::load_vision_transformer`, and model.safetensors,
/// all that has learned.
inline void save_learner(const std::string& folder, const Learner& learner) {
  eg::models::save_model(folder + "/encoder.safetensors", learner.encoder(),
                         {{"pretrain", eg::io::to_json(learner.record()).dump()}});
  eg::io::save_safetensors(folder + "/model.safetensors", learner.module().state_dict());
}

/// A run's encoder before its first step. **Throws** IoError when the folder holds no run.
inline Learner untrained_learner(const std::string& folder) {
  const eg::io::SafetensorsFile file(folder + "/encoder.safetensors");
  const auto found = file.metadata().find("pretrain");
  if (found == file.metadata().end()) {
    throw eg::IoError(file.path() + " was not written by `pretrain run`");
  }
  return {eg::io::from_json<RunRecord>(eg::io::Json::parse(found->second, file.path())),
          eg::models::vision_transformer_options(file)};
}

/// What `save_learner` wrote. **Throws** IoError when the folder holds no run, or a damaged one.
inline Learner load_learner(const std::string& folder) {
  Learner learner = untrained_learner(folder);
  const eg::io::SafetensorsFile file(folder + "/model.safetensors");
  eg::nn::StateDict<float> weights;
  for (const std::string& name : file.names()) weights.emplace(name, file.get<float>(name));
  try {
    learner.module().load_state_dict(weights);
  } catch (const eg::ValueError& error) {
    throw eg::IoError(file.path() + " is not the model of its run: " + error.what());
  }
  return learner;
}

/// The one run that a command is given. **Throws** UsageError.
inline const std::string& only_run(const char* command, const std::vector<std::string>& folders) {
  if (folders.size() != 1) {
    throw cli::UsageError(std::string(command) + " needs the folder of one run");
  }
  return folders[0];
}

}  // namespace pretrain
