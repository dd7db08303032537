// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/ranges.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/optim/optimizer.hpp>

EIGENGRAD_BEGIN_VECTORS

/// A running mean of a model's weights, which is often more accurate than the weights themselves.
///
///     mean = mean + (1 - d) (weight - mean)        after each step of the optimiser
///
/// Or the plain mean of some epochs' weights, which is stochastic weight averaging (SWA):
///
///     mean = mean + (weight - mean) / t            t counts the updates, one after each epoch
///
/// **Source** B. Polyak and A. Juditsky, "Acceleration of stochastic approximation by averaging",
/// 1992; the warm-up is that of tf.train.ExponentialMovingAverage; P. Izmailov et al., "Averaging
/// weights leads to wider optima and better generalization", 2018.
namespace eigengrad::optim {

struct EmaOptions {
  /// Share of the mean that an update keeps, in [0, 1): 0.999 averages about 1000 steps.
  double decay = 0.999;
  /// Update t keeps at most (1 + t) / (10 + t), so the first weights are soon forgotten.
  bool warmup = true;
  /// The plain mean of the weights at all updates, whatever the decay. What a batch norm's running
  /// statistics were is then no good guess: compute them anew by `nn::update_batch_norm`.
  bool equal = false;
};

namespace detail {

template <class T>
struct EmaKernel {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* mean, const T* x, Index n, T share) {
    using V = simd::Vec<T, Arch>;
    simd::transform<V>(n, [=](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V m = at.load(mean);
      at.store(mean, m + (at.load(x) - m) * share);
    });
  }
};

}  // namespace detail

/// Keeps the mean alongside the model:
///
///     optim::Ema<float> ema(model.parameters(), {.decay = 0.999}, model.named_buffers());
///     optimizer.step();
///     ema.update();
///     {
///       const optim::UseEma use(ema);   // the model computes with the means
///       evaluate(model);
///     }
///
/// Buffers, such as a batch norm's running statistics, are averaged like weights: statistics of
/// the same age belong to the mean of the weights. The means are arrays of their own, so nothing
/// that a later step writes reaches them.
template <class T>
class Ema {
 public:
  using State = std::map<std::string, NdArray<T>>;
  using Buffers = std::vector<std::pair<std::string, std::shared_ptr<NdArray<T>>>>;

  /// **Throws** ValueError unless 0 <= decay < 1.
  explicit Ema(const std::vector<Tensor<T>>& parameters, const EmaOptions& options = {},
               const Buffers& buffers = {})
      : options_(options), parameters_(parameters) {
    detail::require(options.decay >= 0 && options.decay < 1, "ema", "decay", "in [0, 1)",
                    options.decay);
    for (const auto& named : buffers) buffers_.push_back(named.second);
    for (std::size_t i = 0; i < count(); ++i) means_.push_back(std::as_const(own(i)).clone());
  }
  Ema(const Ema&) = delete;
  Ema& operator=(const Ema&) = delete;

  /// Moves the means towards the present values. **Throws** StateError while the means are in use.
  void update() {
    if (in_use_) throw StateError("[ema] update() while the model has the means; swap back first");
    const T share = static_cast<T>(1 - decay());
    ranges_.clear();
    for (NdArray<T>& mean : means_) {
      mean.make_unique();  // state_dict may have given it away
      ranges_.add(mean.numel());
    }
    ranges_.run([&](Index i, Index begin, Index end) {
      const std::size_t k = static_cast<std::size_t>(i);
      simd::dispatch<detail::EmaKernel<T>>(
          means_[k].data() + begin, std::as_const(own(k)).data() + begin, end - begin, share);
    });
    ++step_count_;
  }

  /// Exchanges the model's values and the means; a second call exchanges them back.
  void swap() {
    for (std::size_t i = 0; i < count(); ++i) std::swap(own(i), means_[i]);
    in_use_ = !in_use_;
  }
  bool in_use() const { return in_use_; }

  /// Updates so far, those before a checkpoint included.
  Index step_count() const { return step_count_; }
  /// The share of the mean that the next update keeps.
  double decay() const {
    const double t = static_cast<double>(step_count_);
    if (options_.equal) return t / (t + 1);
    return options_.warmup ? std::min(options_.decay, (1 + t) / (10 + t)) : options_.decay;
  }

  /// The means by number ("mean.0"), parameters first, and the count of updates ("step").
  /// **Throws** StateError while the means are in use.
  State state_dict() const {
    if (in_use_) throw StateError("[ema] state_dict() while the model has the means");
    State out;
    for (std::size_t i = 0; i < count(); ++i) out[name(i)] = means_[i];
    out["step"] = NdArray<T>(Shape{2});
    detail::write_count(out["step"].data(), step_count_);
    return out;
  }

  /// **Throws** ValueError or ShapeError, and changes nothing, if names or shapes do not fit.
  void load_state_dict(const State& state) {
    const Index step_count = detail::read_count(
        "ema", detail::find_array("ema", state, "step", Shape{2}).data(), "step");
    std::vector<NdArray<T>> means;
    for (std::size_t i = 0; i < count(); ++i) {
      means.push_back(detail::find_array("ema", state, name(i), means_[i].shape()).clone());
    }
    if (state.size() != count() + 1) {
      throw ValueError(detail::concat("[ema] the state has ", state.size() - 1, " means for ",
                                      count(), " arrays; it must come from the same model"));
    }
    means_ = std::move(means);
    step_count_ = step_count;
  }

 private:
  std::size_t count() const { return parameters_.size() + buffers_.size(); }
  NdArray<T>& own(std::size_t i) {
    return i < parameters_.size() ? parameters_[i].mutable_value()
                                  : *buffers_[i - parameters_.size()];
  }
  static std::string name(std::size_t i) { return detail::concat("mean.", i); }

  EmaOptions options_;
  std::vector<Tensor<T>> parameters_;
  std::vector<std::shared_ptr<NdArray<T>>> buffers_;
  std::vector<NdArray<T>> means_;
  kernels::ArrayRanges ranges_;
  Index step_count_ = 0;
  bool in_use_ = false;
};

/// While it lives, the model computes with the means.
template <class T>
class [[nodiscard]] UseEma {
 public:
  [[nodiscard]] explicit UseEma(Ema<T>& ema) : ema_(ema) { ema_.swap(); }
  ~UseEma() { ema_.swap(); }
  UseEma(const UseEma&) = delete;
  UseEma& operator=(const UseEma&) = delete;

 private:
  Ema<T>& ema_;
};

}  // namespace eigengrad::optim

EIGENGRAD_END_VECTORS
