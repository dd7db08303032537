// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <examples/vit_cifar10/model.hpp>

namespace vit {

/// The optimisers that the settings name, under one schedule, which is a function of the step.
class Optimizers {
 public:
  Optimizers(const Model& model, const TrainSettings& t, Index steps_per_epoch, Index total_steps)
      : schedule_(make_schedule(t, steps_per_epoch, total_steps)), lr_(t.lr) {
    auto [hidden, others] = eg::optim::hidden_groups(model.parameters_with_roles());
    if (t.kernel_lr > 0 && t.model.conv_norm == "batch") {
      hidden.back().lr = t.kernel_lr;
      hidden.back().row_norm = 1;
    }
    const auto all = eg::optim::decay_groups(model.parameters_with_roles());
    const eg::optim::AdamWOptions adamw{
        .lr = t.lr, .betas = {0.9, t.beta2}, .weight_decay = t.weight_decay};
    if (t.optimizer == "muon") {
      if (std::all_of(hidden.begin(), hidden.end(), [](auto& g) { return g.parameters.empty(); })) {
        throw cli::UsageError(
            "--optimizer muon moves hidden matrices, and this model has none; add --optimizer "
            "adamw, or encoder layers with --depth");
      }
      muon_ = std::make_unique<eg::optim::Muon<float>>(
          hidden,
          eg::optim::MuonOptions{
              .lr = t.muon_lr, .momentum = t.muon_momentum, .weight_decay = t.muon_weight_decay});
      adamw_ = std::make_unique<eg::optim::AdamW<float>>(others, adamw);
    } else {
      adamw_ = std::make_unique<eg::optim::AdamW<float>>(all, adamw);
    }
    muon_names_ = names(model, hidden);
    adamw_names_ = names(model, muon_ ? others : all);
  }

  void zero_grad() {
    if (muon_) muon_->zero_grad();
    adamw_->zero_grad();
  }

  void step() {
    const double factor = schedule_(step_count());
    adamw_->set_lr_factor(factor);
    adamw_->step();
    if (!muon_) return;
    muon_->set_lr_factor(factor);
    muon_->step();
  }

  Index step_count() const { return adamw_->step_count(); }
  /// AdamW's in the step before.
  double last_lr() const { return lr_ * schedule_(std::max<Index>(step_count() - 1, 0)); }

  void save(eg::io::SafetensorsWriter& file) const {
    file.add_all("adamw.", adamw_->state_dict());
    if (muon_) file.add_all("muon.", muon_->state_dict());
  }
  void load(const eg::io::SafetensorsFile& file) {
    adamw_->load_state_dict(file.get_all<float>("adamw."));
    if (muon_) muon_->load_state_dict(file.get_all<float>("muon."));
  }

  /// Goes on where the optimisers of another model are, whose parameters have the same names.
  /// `resize(name, moment)` gives a moment the shape that it has here.
  template <class Resize>
  void take_over(const Optimizers& other, Resize&& resize) {
    take_over(*adamw_, *other.adamw_, adamw_names_, resize);
    if (muon_) take_over(*muon_, *other.muon_, muon_names_, resize);
  }

 private:
  /// The names of the groups' parameters, in their order: that of an optimiser's state.
  template <class Group>
  static std::vector<std::string> names(const Model& model, const std::vector<Group>& groups) {
    std::vector<std::string> out;
    for (const auto& group : groups) {
      for (const eg::Tensor<float>& parameter : group.parameters) {
        for (const auto& [name, x] : model.named_parameters()) {
          if (x.node_ptr() == parameter.node_ptr()) out.push_back(name);
        }
      }
    }
    return out;
  }

  template <class Resize>
  static void take_over(eg::optim::Optimizer<float>& to, const eg::optim::Optimizer<float>& from,
                        const std::vector<std::string>& names, Resize&& resize) {
    auto state = from.state_dict();
    for (auto& [key, moment] : state) {
      // "exp_avg.7" belongs to parameter 7, from 0; the counts of steps have no dot.
      const std::size_t dot = key.rfind('.');
      if (dot == std::string::npos) continue;
      moment = resize(names.at(std::stoul(key.substr(dot + 1))), moment);
    }
    to.load_state_dict(state);
  }

  static eg::optim::Schedule make_schedule(const TrainSettings& t, Index steps_per_epoch,
                                           Index total) {
    const Index warmup = std::lround(t.warmup * double(total));
    if (t.schedule == "linear") {
      return eg::optim::linear(
          {.warmup_steps = warmup, .total_steps = total, .min_factor = t.final_lr});
    }
    if (t.schedule == "constant") return eg::optim::constant({.warmup_steps = warmup});
    if (t.schedule == "one-cycle") {
      return eg::optim::one_cycle({.total_steps = total, .pct_start = t.warmup});
    }
    if (t.schedule == "step") {
      return eg::optim::step_decay(
          {.warmup_steps = warmup, .step_size = t.lr_step * steps_per_epoch, .gamma = t.lr_gamma});
    }
    return eg::optim::cosine(
        {.warmup_steps = warmup, .total_steps = total, .min_factor = t.final_lr});
  }

  eg::optim::Schedule schedule_;
  double lr_;
  std::unique_ptr<eg::optim::Muon<float>> muon_;  ///< or none
  std::unique_ptr<eg::optim::AdamW<float>> adamw_;
  std::vector<std::string> muon_names_;
  std::vector<std::string> adamw_names_;
};

}  // namespace vit
