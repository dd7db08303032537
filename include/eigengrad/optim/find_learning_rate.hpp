// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/optim/optimizer.hpp>

/// The learning-rate range test: training steps at rates that grow from far too small to far too
/// large, to see at which the loss falls fastest.
///
/// **Source** L. Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3.
namespace eigengrad::optim {

struct FindLearningRateOptions {
  double low = 1e-6;       ///< the first rate
  double high = 1;         ///< the last
  Index steps = 100;       ///< rates, in equal proportions; at least 3
  double smoothing = 0.9;  ///< share of the running mean of the losses that a step keeps, in [0, 1)
  double divergence = 4;   ///< ends when the mean is this many times the least; above 1
};

struct LearningRateCurve {
  std::vector<double> rates;
  std::vector<double> losses;    ///< before the step at each rate
  std::vector<double> smoothed;  ///< their running mean
  /// The rate at which the mean falls fastest, per factor of the rate; 0 if it never falls.
  double suggestion = 0;
};

namespace detail {

/// Gives everything that training changes its value back.
template <class T>
class RestoreTraining {
 public:
  using Buffers = std::vector<std::pair<std::string, std::shared_ptr<NdArray<T>>>>;

  RestoreTraining(Optimizer<T>& optimizer, const Buffers& buffers)
      : optimizer_(optimizer),
        state_(optimizer.state_dict()),
        parameters_(optimizer.parameters()),
        buffers_(buffers) {
    for (std::size_t i = 0; i < optimizer.group_count(); ++i) rates_.push_back(optimizer.lr(i));
    for (const Tensor<T>& p : parameters_) values_.push_back(p.value().clone());
    for (const auto& named : buffers_) values_.push_back(named.second->clone());
  }
  ~RestoreTraining() {
    optimizer_.load_state_dict(state_);
    optimizer_.zero_grad();
    for (std::size_t i = 0; i < rates_.size(); ++i) optimizer_.set_lr(i, rates_[i]);
    const std::size_t n = parameters_.size();
    for (std::size_t i = 0; i < n; ++i) parameters_[i].mutable_value() = values_[i];
    for (std::size_t i = 0; i < buffers_.size(); ++i) *buffers_[i].second = values_[n + i];
  }
  RestoreTraining(const RestoreTraining&) = delete;
  RestoreTraining& operator=(const RestoreTraining&) = delete;

  /// Sets the rate of the fastest group, and those of the others in proportion.
  void set_rate(double rate) {
    const double most = *std::max_element(rates_.begin(), rates_.end());
    for (std::size_t i = 0; i < rates_.size(); ++i) {
      optimizer_.set_lr(i, most > 0 ? rate * rates_[i] / most : rate);
    }
  }

 private:
  Optimizer<T>& optimizer_;
  typename Optimizer<T>::State state_;
  std::vector<Tensor<T>> parameters_;
  Buffers buffers_;
  std::vector<double> rates_;
  std::vector<NdArray<T>> values_;
};

inline void check(const FindLearningRateOptions& options) {
  const char* owner = "find_learning_rate";
  require(options.low > 0, owner, "low", "above 0", options.low);
  require(options.high > options.low && std::isfinite(options.high), owner, "high",
          "finite and above low", options.high);
  require(options.steps >= 3, owner, "steps", "at least 3", options.steps);
  require(options.smoothing >= 0 && options.smoothing < 1, owner, "smoothing", "in [0, 1)",
          options.smoothing);
  require(options.divergence > 1, owner, "divergence", "above 1", options.divergence);
}

/// Where the smoothed losses fall fastest before their least; the rates grow in equal proportions.
inline double steepest_rate(const LearningRateCurve& curve) {
  const std::vector<double>& y = curve.smoothed;
  double steepest = 0, rate = 0;
  for (std::size_t i = 1; i + 1 < y.size(); ++i) {
    const double slope = y[i + 1] - y[i - 1];
    if (slope < steepest) {
      steepest = slope;
      rate = curve.rates[i];
    }
  }
  return rate;
}

}  // namespace detail

/// Trains a little at growing rates, then restores the parameters, the optimiser's state and rates,
/// and the `buffers`, also when `step` throws. `step()` makes one training step, the optimiser's
/// included, and returns the loss:
///
///     const auto curve = optim::find_learning_rate(adam, [&] {
///       adam.zero_grad();
///       const Tensor<float> loss = cross_entropy(model(next.images), next.labels);
///       loss.backward();
///       adam.step();
///       return loss.item();
///     }, {}, model.named_buffers());
///
/// Groups keep the proportions of their rates. It ends early when the loss diverges or is not
/// finite. Generators, such as those of dropout, go on from where they are.
///
/// **Throws** ValueError on an option outside its range.
template <class T, class Step>
LearningRateCurve find_learning_rate(
    Optimizer<T>& optimizer, Step&& step, const FindLearningRateOptions& options = {},
    const typename detail::RestoreTraining<T>::Buffers& buffers = {}) {
  detail::check(options);
  detail::RestoreTraining<T> training(optimizer, buffers);
  LearningRateCurve curve;
  double smoothed = 0, least = 0;
  for (Index i = 0; i < options.steps; ++i) {
    const double share = double(i) / double(options.steps - 1);
    const double rate = options.low * std::pow(options.high / options.low, share);
    training.set_rate(rate);
    const double loss = static_cast<double>(step());
    if (!std::isfinite(loss)) break;
    // The share of the newest loss in the mean of i + 1 losses, whose weights are made to sum to 1.
    smoothed += (loss - smoothed) * (1 - options.smoothing) /
                (1 - std::pow(options.smoothing, double(i + 1)));
    curve.rates.push_back(rate);
    curve.losses.push_back(loss);
    curve.smoothed.push_back(smoothed);
    least = i == 0 ? smoothed : std::min(least, smoothed);
    if (smoothed > options.divergence * least) break;
  }
  curve.suggestion = detail::steepest_rate(curve);
  return curve;
}

}  // namespace eigengrad::optim
