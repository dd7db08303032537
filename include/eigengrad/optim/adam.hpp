// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/kernels/ranges.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/optim/optimizer.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Adam and AdamW: steps scaled by running means of the gradient and of its square.
///
///     Adam: g = dw + weight_decay w       AdamW: g = dw, w = (1 - lr weight_decay) w
///     m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
///     w = w - lr m' / (sqrt(v') + eps),  m' = m / (1 - beta1^t),  v' = v / (1 - beta2^t)
///
/// t counts the steps in which the parameter had a gradient. With `amsgrad`, v' comes from the
/// largest v so far.
/// **Source** D. Kingma and J. Ba, "Adam: a method for stochastic optimization", 2015;
/// I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", 2019;
/// https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
namespace eigengrad::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};  ///< decay of the two means, in [0, 1)
  double eps = 1e-8;
  double weight_decay = 0;  ///< added to the gradient (L2)
  bool amsgrad = false;
  bool maximize = false;  ///< maximises the loss instead
};

struct AdamWOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};  ///< decay of the two means, in [0, 1)
  double eps = 1e-8;
  double weight_decay = 0.01;  ///< shrinks the parameter itself
  bool amsgrad = false;
  bool maximize = false;  ///< maximises the loss instead
};

namespace detail {

/// One parameter's step.
template <class T>
struct AdamStep {
  T* w;
  const T* g;
  T* m;
  T* v;
  T* v_max;
  T sign, l2, shrink, add1, beta2, add2, lr, unbias2, eps;
};

template <class T, bool Amsgrad>
struct AdamKernel {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const AdamStep<T>* s, Index begin, Index end) {
    using V = simd::Vec<T, Arch>;
    T* w = s->w + begin;
    const T* g = s->g + begin;
    T* m = s->m + begin;
    T* v = s->v + begin;
    T* v_max = Amsgrad ? s->v_max + begin : nullptr;
    simd::transform<V>(end - begin, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V value = at.load(w);
      const V d = at.load(g) * s->sign + value * s->l2;
      V mean = at.load(m);
      mean = mean + (d - mean) * s->add1;
      at.store(m, mean);
      V square = at.load(v) * s->beta2 + d * d * s->add2;
      at.store(v, square);
      if constexpr (Amsgrad) {
        square = simd::max(square, at.load(v_max));
        at.store(v_max, square);
      }
      at.store(w, value * s->shrink - mean * s->lr / (vmath::sqrt(square) * s->unbias2 + s->eps));
    });
  }
};

/// Both optimisers; they differ in what weight decay acts on.
template <class T, class Options, bool Decoupled>
class AdamBase : public Optimizer<T> {
 public:
  AdamBase(const char* name, const std::vector<ParameterGroup<T>>& groups, const Options& options)
      : Optimizer<T>(name, groups, options.lr, options.weight_decay, {"exp_avg", "exp_avg_sq"}),
        options_(options_by_group(name, options, groups, [name](const Options& o) {
          require_betas(name, o.betas);
          require_non_negative(name, "eps", o.eps);
        })) {
    for (auto& entry : this->entries_) {
      if (!options_[entry.group].amsgrad) continue;
      this->keep(entry, "max_exp_avg_sq", entry.tensor.shape());
    }
  }

 private:
  void update() override {
    steps_.clear();
    ranges_.clear();
    for (auto& entry : this->entries_) {
      if (!entry.tensor.has_grad()) continue;
      this->begin_step(entry);
      const auto& group = this->group_of(entry);
      const Options& options = options_[entry.group];
      const auto& [beta1, beta2] = options.betas;
      const double unbias1 = 1 - std::pow(beta1, double(entry.steps));
      const double unbias2 = 1 - std::pow(beta2, double(entry.steps));
      steps_.push_back({entry.tensor.mutable_value().data(), entry.tensor.grad().data(),
                        entry.state[0].array.data(), entry.state[1].array.data(),
                        options.amsgrad ? entry.state[2].array.data() : nullptr,
                        T(options.maximize ? -1 : 1), T(Decoupled ? 0 : group.weight_decay),
                        T(Decoupled ? 1 - group.lr * group.weight_decay : 1), T(1 - beta1),
                        T(beta2), T(1 - beta2), T(group.lr / unbias1), T(1 / std::sqrt(unbias2)),
                        T(options.eps)});
      ranges_.add(entry.tensor.numel());
    }
    ranges_.run([&](Index i, Index begin, Index end) {
      const AdamStep<T>* step = &steps_[static_cast<std::size_t>(i)];
      if (step->v_max) {
        simd::dispatch<AdamKernel<T, true>>(step, begin, end);
      } else {
        simd::dispatch<AdamKernel<T, false>>(step, begin, end);
      }
    });
  }

  std::vector<Options> options_;  ///< by group
  std::vector<AdamStep<T>> steps_;
  kernels::ArrayRanges ranges_;
};

}  // namespace detail

/// `optim::Adam<float> adam(model.parameters(), {.lr = 1e-3});`
///
/// **Throws** ValueError on an option outside its range.
template <class T>
class Adam : public detail::AdamBase<T, AdamOptions, false> {
 public:
  explicit Adam(std::vector<Tensor<T>> parameters, const AdamOptions& options = {})
      : Adam(detail::one_group<ParameterGroup>(std::move(parameters)), options) {}
  explicit Adam(const std::vector<ParameterGroup<T>>& groups, const AdamOptions& options = {})
      : detail::AdamBase<T, AdamOptions, false>("adam", groups, options) {}
};

/// `optim::AdamW<float> adam(model.parameters(), {.lr = 1e-3, .weight_decay = 0.05});`
///
/// **Throws** ValueError on an option outside its range.
template <class T>
class AdamW : public detail::AdamBase<T, AdamWOptions, true> {
 public:
  explicit AdamW(std::vector<Tensor<T>> parameters, const AdamWOptions& options = {})
      : AdamW(detail::one_group<ParameterGroup>(std::move(parameters)), options) {}
  explicit AdamW(const std::vector<ParameterGroup<T>>& groups, const AdamWOptions& options = {})
      : detail::AdamBase<T, AdamWOptions, true>("adamw", groups, options) {}
};

EIGENGRAD_INSTANTIATE(class detail::AdamBase<float, AdamOptions, false>)
EIGENGRAD_INSTANTIATE(class detail::AdamBase<double, AdamOptions, false>)
EIGENGRAD_INSTANTIATE(class detail::AdamBase<float, AdamWOptions, true>)
EIGENGRAD_INSTANTIATE(class detail::AdamBase<double, AdamWOptions, true>)

}  // namespace eigengrad::optim

EIGENGRAD_END_VECTORS
