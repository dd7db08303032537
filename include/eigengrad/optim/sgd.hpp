// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/kernels/ranges.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/optim/optimizer.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Stochastic gradient descent with momentum.
///
///     g = dw + weight_decay w
///     b = momentum b + (1 - dampening) g        (b = g the first time)
///     w = w - lr b                              (Nesterov: w - lr (g + momentum b))
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html
namespace eigengrad::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;  ///< added to the gradient (L2)
  bool nesterov = false;    ///< needs momentum and no dampening
  bool maximize = false;    ///< maximises the loss instead
};

namespace detail {

/// One parameter's step.
template <class T>
struct SGDStep {
  T* w;
  const T* g;
  T* b;  ///< null without momentum
  T sign, decay, lr, momentum, add;
  bool nesterov;
};

template <class T, bool Momentum, bool Nesterov>
struct SGDKernel {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const SGDStep<T>* s, Index begin, Index end) {
    using V = simd::Vec<T, Arch>;
    T* w = s->w + begin;
    const T* g = s->g + begin;
    T* b = Momentum ? s->b + begin : nullptr;
    simd::transform<V>(end - begin, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V value = at.load(w);
      V d = at.load(g) * s->sign + value * s->decay;
      if constexpr (Momentum) {
        const V buffer = at.load(b) * s->momentum + d * s->add;
        at.store(b, buffer);
        d = Nesterov ? d + buffer * s->momentum : buffer;
      }
      at.store(w, value - d * s->lr);
    });
  }
};

}  // namespace detail

/// `optim::SGD<float> sgd(model.parameters(), {.lr = 0.1, .momentum = 0.9, .nesterov = true});`
///
/// **Throws** ValueError on an option outside its range.
template <class T>
class SGD : public Optimizer<T> {
 public:
  explicit SGD(std::vector<Tensor<T>> parameters, const SGDOptions& options = {})
      : SGD(detail::one_group<ParameterGroup>(std::move(parameters)), options) {}

  explicit SGD(const std::vector<ParameterGroup<T>>& groups, const SGDOptions& options = {})
      : Optimizer<T>("sgd", groups, options.lr, options.weight_decay, {}),
        options_(detail::options_by_group("sgd", options, groups, check)) {
    for (auto& entry : this->entries_) {
      if (options_[entry.group].momentum == 0) continue;
      this->keep(entry, "momentum_buffer", entry.tensor.shape());
    }
  }

 private:
  static void check(const SGDOptions& options) {
    detail::require_non_negative("sgd", "momentum", options.momentum);
    detail::require(std::isfinite(options.dampening), "sgd", "dampening", "finite",
                    options.dampening);
    if (options.nesterov && !(options.momentum > 0 && options.dampening == 0)) {
      throw ValueError(
          detail::concat("[sgd] nesterov needs momentum above 0 and dampening 0: ", "momentum ",
                         options.momentum, ", dampening ", options.dampening));
    }
  }

  void update() override {
    steps_.clear();
    ranges_.clear();
    for (auto& entry : this->entries_) {
      if (!entry.tensor.has_grad()) continue;
      const bool first = entry.steps == 0;
      this->begin_step(entry);
      const auto& group = this->group_of(entry);
      const SGDOptions& options = options_[entry.group];
      steps_.push_back({entry.tensor.mutable_value().data(), entry.tensor.grad().data(),
                        options.momentum > 0 ? entry.state[0].array.data() : nullptr,
                        T(options.maximize ? -1 : 1), T(group.weight_decay), T(group.lr),
                        T(options.momentum), T(first ? 1 : 1 - options.dampening),
                        options.nesterov});
      ranges_.add(entry.tensor.numel());
    }
    ranges_.run([&](Index i, Index begin, Index end) {
      const detail::SGDStep<T>* step = &steps_[static_cast<std::size_t>(i)];
      if (!step->b) {
        simd::dispatch<detail::SGDKernel<T, false, false>>(step, begin, end);
      } else if (step->nesterov) {
        simd::dispatch<detail::SGDKernel<T, true, true>>(step, begin, end);
      } else {
        simd::dispatch<detail::SGDKernel<T, true, false>>(step, begin, end);
      }
    });
  }

  std::vector<SGDOptions> options_;  ///< by group
  std::vector<detail::SGDStep<T>> steps_;
  kernels::ArrayRanges ranges_;
};

}  // namespace eigengrad::optim

EIGENGRAD_END_VECTORS
