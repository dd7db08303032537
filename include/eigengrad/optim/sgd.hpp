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
  T* b;
  T sign, decay, lr, momentum, add;
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
      : Optimizer<T>("sgd", groups, options.lr, options.weight_decay,
                     options.momentum > 0 ? std::vector<const char*>{"momentum_buffer"}
                                          : std::vector<const char*>{}),
        options_(options) {
    detail::require_non_negative("sgd", "momentum", options.momentum);
    detail::require(std::isfinite(options.dampening), "sgd", "dampening", "finite",
                    options.dampening);
    if (options.nesterov && !(options.momentum > 0 && options.dampening == 0)) {
      throw ValueError(
          detail::concat("[sgd] nesterov needs momentum above 0 and dampening 0: ", "momentum ",
                         options.momentum, ", dampening ", options.dampening));
    }
  }

 private:
  void update() override {
    const bool momentum = options_.momentum > 0;
    steps_.clear();
    ranges_.clear();
    for (auto& entry : this->entries_) {
      if (!entry.tensor.has_grad()) continue;
      const bool first = entry.steps == 0;
      this->begin_step(entry);
      const auto& group = this->group_of(entry);
      steps_.push_back({entry.tensor.mutable_value().data(), entry.tensor.grad().data(),
                        momentum ? entry.state[0].data() : nullptr, T(options_.maximize ? -1 : 1),
                        T(group.weight_decay), T(group.lr), T(options_.momentum),
                        T(first ? 1 : 1 - options_.dampening)});
      ranges_.add(entry.tensor.numel());
    }
    ranges_.run([&](Index i, Index begin, Index end) {
      const detail::SGDStep<T>* step = &steps_[static_cast<std::size_t>(i)];
      if (!momentum) {
        simd::dispatch<detail::SGDKernel<T, false, false>>(step, begin, end);
      } else if (options_.nesterov) {
        simd::dispatch<detail::SGDKernel<T, true, true>>(step, begin, end);
      } else {
        simd::dispatch<detail::SGDKernel<T, true, false>>(step, begin, end);
      }
    });
  }

  SGDOptions options_;
  std::vector<detail::SGDStep<T>> steps_;
  kernels::ArrayRanges ranges_;
};

}  // namespace eigengrad::optim

EIGENGRAD_END_VECTORS
