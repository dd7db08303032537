// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/kernels/ranges.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/optim/optimizer.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Lion: every value moves by the learning rate, in the direction of a running mean.
///
///     c = beta1 m + (1 - beta1) dw
///     w = (1 - lr weight_decay) w - lr sign(c)
///     m = beta2 m + (1 - beta2) dw
///
/// It keeps one array per parameter where Adam keeps two. The authors recommend a learning rate
/// that is 3 to 10 times smaller than AdamW's and a weight decay that is as many times larger.
/// **Source** X. Chen et al., "Symbolic discovery of optimization algorithms", 2023;
/// https://github.com/google/automl/tree/master/lion
namespace eigengrad::optim {

struct LionOptions {
  double lr = 1e-4;
  std::pair<double, double> betas = {0.9, 0.99};  ///< shares of m in c and in m, in [0, 1)
  double weight_decay = 0;                        ///< shrinks the parameter itself
  bool maximize = false;                          ///< maximises the loss instead
};

namespace detail {

/// One parameter's step.
template <class T>
struct LionStep {
  T* w;
  const T* g;
  T* m;
  T sign, shrink, add1, add2, lr;
};

template <class T>
struct LionKernel {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const LionStep<T>* s, Index begin, Index end) {
    using V = simd::Vec<T, Arch>;
    T* w = s->w + begin;
    const T* g = s->g + begin;
    T* m = s->m + begin;
    simd::transform<V>(end - begin, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V one = simd::broadcast<V>(T(1));
      const V mean = at.load(m);
      const V change = at.load(g) * s->sign - mean;
      const V c = mean + change * s->add1;
      const V up = c > V{} ? one : c;  // 0 and NaN stay as they are
      const V direction = up < V{} ? -one : up;
      at.store(m, mean + change * s->add2);
      at.store(w, at.load(w) * s->shrink - direction * s->lr);
    });
  }
};

}  // namespace detail

/// `optim::Lion<float> lion(model.parameters(), {.lr = 1e-4, .weight_decay = 0.5});`
///
/// **Throws** ValueError on an option outside its range.
template <class T>
class Lion : public Optimizer<T> {
 public:
  explicit Lion(std::vector<Tensor<T>> parameters, const LionOptions& options = {})
      : Lion(detail::one_group<ParameterGroup>(std::move(parameters)), options) {}

  explicit Lion(const std::vector<ParameterGroup<T>>& groups, const LionOptions& options = {})
      : Optimizer<T>("lion", groups, options.lr, options.weight_decay, {"exp_avg"}),
        options_(detail::options_by_group("lion", options, groups, [](const LionOptions& o) {
          detail::require_betas("lion", o.betas);
        })) {}

 private:
  void update() override {
    steps_.clear();
    ranges_.clear();
    for (auto& entry : this->entries_) {
      if (!entry.tensor.has_grad()) continue;
      this->begin_step(entry);
      const auto& group = this->group_of(entry);
      const LionOptions& options = options_[entry.group];
      steps_.push_back({entry.tensor.mutable_value().data(), entry.tensor.grad().data(),
                        entry.state[0].array.data(), T(options.maximize ? -1 : 1),
                        T(1 - group.lr * group.weight_decay), T(1 - options.betas.first),
                        T(1 - options.betas.second), T(group.lr)});
      ranges_.add(entry.tensor.numel());
    }
    ranges_.run([&](Index i, Index begin, Index end) {
      const detail::LionStep<T>* step = &steps_[static_cast<std::size_t>(i)];
      simd::dispatch<detail::LionKernel<T>>(step, begin, end);
    });
  }

  std::vector<LionOptions> options_;  ///< by group
  std::vector<detail::LionStep<T>> steps_;
  kernels::ArrayRanges ranges_;
};

EIGENGRAD_INSTANTIATE(class Lion<float>)
EIGENGRAD_INSTANTIATE(class Lion<double>)

}  // namespace eigengrad::optim

EIGENGRAD_END_VECTORS
