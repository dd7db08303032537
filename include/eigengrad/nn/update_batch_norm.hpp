// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/evaluation_mode.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/ops/batch_norm_averaging.hpp>

namespace eigengrad::nn {

/// Computes the running statistics of all batch norms anew, as the mean of those of the batches:
/// for weights that no batch was trained with, such as a mean of weights.
///
///     const optim::UseEma use(ema);
///     nn::update_batch_norm(model, loader.epoch(0));
///
/// `batches` is a range of tensors, or of what has its tensor in `images`. They pass through the
/// model in training mode and without gradients; the model is then in the mode that it was in.
/// **Throws** ValueError without a batch.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.update_bn.html
template <class Model, class Batches>
void update_batch_norm(const Model& model, Batches&& batches) {
  const NoGrad no_grad;
  const EvaluationMode mode(model);  // for the mode afterwards
  model.train();
  BatchNormAveraging averaging;
  bool any = false;
  for (const auto& batch : batches) {
    if (any) averaging.next_batch();
    if constexpr (requires { batch.images; }) {
      model(batch.images);
    } else {
      model(batch);
    }
    any = true;
  }
  if (!any) throw ValueError("[update_batch_norm] needs at least one batch");
}

}  // namespace eigengrad::nn
