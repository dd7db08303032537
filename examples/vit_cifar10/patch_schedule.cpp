// SPDX-License-Identifier: MIT
#include <eigengrad/models/resize_model.hpp>
#include <examples/vit_cifar10/patch_schedule.hpp>

namespace vit {

ModelSettings with_patch_size(ModelSettings model, Index patch_size) {
  model.patch_stride = model.patch_stride * patch_size / model.patch_size;
  model.patch_padding = model.patch_padding * patch_size / model.patch_size;
  model.patch_size = patch_size;
  return model;
}

Learner change_patch_size(Learner& learner, const TrainSettings& t, Index patch_size,
                          Index steps_per_epoch, Index total_steps) {
  Model model = eg::models::resize_model(learner.model, {.patch_size = patch_size});
  Optimizers optimizers(model, t, steps_per_epoch, total_steps);
  optimizers.take_over(learner.optimizers,
                       [&](const std::string& name, const eg::NdArray<float>& moment) {
                         return eg::models::resize_moment(model, name, moment);
                       });
  Learner out{model, std::move(optimizers), nullptr};
  if (!learner.ema) return out;
  // The means are a model of their own; resized as such, its arrays are the new means.
  auto state = learner.ema->state_dict();
  const Model means = [&] {
    const eg::optim::UseEma use(*learner.ema);
    return eg::models::resize_model(learner.model, {.patch_size = patch_size});
  }();
  std::size_t i = 0;
  const auto put = [&](const eg::NdArray<float>& x) { state["mean." + std::to_string(i++)] = x; };
  for (const eg::Tensor<float>& x : means.parameters()) put(x.value());
  for (const auto& named : means.named_buffers()) put(*named.second);
  out.ema = make_ema(model, t);
  out.ema->load_state_dict(state);
  return out;
}

}  // namespace vit
