// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/kernels/ranges.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/kernels/sum_of_squares.hpp>
#include <eigengrad/optim/optimizer.hpp>

EIGENGRAD_BEGIN_VECTORS

/// LAMB: Adam for large batches. Each parameter moves by the learning rate times its own length.
///
///     m = beta1 m + (1 - beta1) dw,  v = beta2 v + (1 - beta2) dw^2
///     r = m' / (sqrt(v') + eps) + weight_decay w,  m' = m / (1 - beta1^t),  v' = v / (1 - beta2^t)
///     w = w - lr |w| / |r| r        (w - lr r where |w| or |r| is 0)
///
/// **Source** Y. You et al., "Large batch optimization for deep learning: training BERT in 76
/// minutes", 2020, algorithm 2 with phi(z) = z.
namespace eigengrad::optim {

struct LambOptions {
  double lr = 1e-3;
  std::pair<double, double> betas = {0.9, 0.999};  ///< decay of the two means, in [0, 1)
  double eps = 1e-6;
  double weight_decay = 0.01;  ///< added to the direction
  bool maximize = false;       ///< maximises the loss instead
  /// Also where there is no weight decay, as the paper says. Without it, biases and norms of a
  /// group whose decay is 0 move as Adam moves them, as timm's Lamb does.
  bool always_adapt = true;
};

namespace detail {

/// One parameter's step.
template <class T>
struct LambStep {
  T* w;
  const T* g;
  T* m;
  T* v;
  T sign, add1, beta2, add2, unbias1, unbias2, eps, decay;
  double lr;
  bool adapts;
  T move = 0;  ///< lr |w| / |r|
};

/// Moves the means and writes r to `out`.
template <class T>
struct LambDirection {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, const LambStep<T>* s, Index begin, Index end) {
    using V = simd::Vec<T, Arch>;
    const T* w = s->w + begin;
    const T* g = s->g + begin;
    T* m = s->m + begin;
    T* v = s->v + begin;
    simd::transform<V>(end - begin, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V d = at.load(g) * s->sign;
      V mean = at.load(m);
      mean = mean + (d - mean) * s->add1;
      at.store(m, mean);
      const V square = at.load(v) * s->beta2 + d * d * s->add2;
      at.store(v, square);
      at.store(out, mean * s->unbias1 / (vmath::sqrt(square) * s->unbias2 + s->eps) +
                        at.load(w) * s->decay);
    });
  }
};

/// Computes r again, which is cheaper than to keep it, and moves the parameter.
template <class T>
struct LambMove {
  template <class Arch>
  static EIGENGRAD_INLINE void run(const LambStep<T>* s, Index begin, Index end) {
    using V = simd::Vec<T, Arch>;
    T* w = s->w + begin;
    const T* m = s->m + begin;
    const T* v = s->v + begin;
    simd::transform<V>(end - begin, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V value = at.load(w);
      const V r = at.load(m) * s->unbias1 / (vmath::sqrt(at.load(v)) * s->unbias2 + s->eps) +
                  value * s->decay;
      at.store(w, value - r * s->move);
    });
  }
};

}  // namespace detail

/// `optim::Lamb<float> lamb(model.parameters(), {.lr = 2e-3, .weight_decay = 0.02});`
///
/// **Throws** ValueError on an option outside its range.
template <class T>
class Lamb : public Optimizer<T> {
 public:
  explicit Lamb(std::vector<Tensor<T>> parameters, const LambOptions& options = {})
      : Lamb(detail::one_group<ParameterGroup>(std::move(parameters)), options) {}

  explicit Lamb(const std::vector<ParameterGroup<T>>& groups, const LambOptions& options = {})
      : Optimizer<T>("lamb", groups, options.lr, options.weight_decay, {"exp_avg", "exp_avg_sq"}),
        options_(detail::options_by_group("lamb", options, groups, [](const LambOptions& o) {
          detail::require_betas("lamb", o.betas);
          detail::require_non_negative("lamb", "eps", o.eps);
        })) {}

 private:
  /// The squares of one piece of a parameter, summed.
  struct Squares {
    double w = 0;
    double r = 0;
  };

  void update() override {
    steps_.clear();
    ranges_.clear();
    for (auto& entry : this->entries_) {
      if (!entry.tensor.has_grad()) continue;
      this->begin_step(entry);
      add_step(entry);
      ranges_.add(entry.tensor.numel());
    }
    move_means();
    for (std::size_t i = 0; i < steps_.size(); ++i) steps_[i].move = T(rate(i));
    ranges_.run([&](Index i, Index begin, Index end) {
      const detail::LambStep<T>* step = &steps_[static_cast<std::size_t>(i)];
      simd::dispatch<detail::LambMove<T>>(step, begin, end);
    });
  }

  void add_step(typename Optimizer<T>::Entry& entry) {
    const auto& group = this->group_of(entry);
    const LambOptions& options = options_[entry.group];
    const auto& [beta1, beta2] = options.betas;
    const double unbias1 = 1 - std::pow(beta1, double(entry.steps));
    const double unbias2 = 1 - std::pow(beta2, double(entry.steps));
    steps_.push_back({entry.tensor.mutable_value().data(), entry.tensor.grad().data(),
                      entry.state[0].array.data(), entry.state[1].array.data(),
                      T(options.maximize ? -1 : 1), T(1 - beta1), T(beta2), T(1 - beta2),
                      T(1 / unbias1), T(1 / std::sqrt(unbias2)), T(options.eps),
                      T(group.weight_decay), group.lr,
                      options.always_adapt || group.weight_decay > 0});
  }

  /// The pieces do not depend on the number of threads, so neither do the sums.
  void move_means() {
    constexpr Index kChunk = kernels::kNormChunk;
    squares_.assign(static_cast<std::size_t>(ranges_.total() / kChunk), {});
    ranges_.run([&](Index i, Index begin, Index end) {
      const detail::LambStep<T>& step = steps_[static_cast<std::size_t>(i)];
      T direction[kChunk];
      for (Index at = begin; at < end; at += kChunk) {
        const Index to = std::min(end, at + kChunk);
        simd::dispatch<detail::LambDirection<T>>(direction, &step, at, to);
        squares_[static_cast<std::size_t>((ranges_.start(i) + at) / kChunk)] = {
            kernels::sum_of_squares<T>(step.w + at, to - at),
            kernels::sum_of_squares<T>(direction, to - at)};
      }
    });
  }

  /// What r is multiplied by.
  double rate(std::size_t i) const {
    const auto piece = [&](std::size_t k) {
      const Index end = k < steps_.size() ? ranges_.start(static_cast<Index>(k)) : ranges_.total();
      return squares_.begin() + end / kernels::kNormChunk;
    };
    Squares sum;
    for (auto at = piece(i); at != piece(i + 1); ++at) {
      sum.w += at->w;
      sum.r += at->r;
    }
    const bool scales = steps_[i].adapts && sum.w > 0 && sum.r > 0;
    return scales ? steps_[i].lr * std::sqrt(sum.w / sum.r) : steps_[i].lr;
  }

  std::vector<LambOptions> options_;  ///< by group
  std::vector<detail::LambStep<T>> steps_;
  std::vector<Squares> squares_;
  kernels::ArrayRanges ranges_{kernels::kNormChunk};
};

EIGENGRAD_INSTANTIATE(class Lamb<float>)
EIGENGRAD_INSTANTIATE(class Lamb<double>)

}  // namespace eigengrad::optim

EIGENGRAD_END_VECTORS
