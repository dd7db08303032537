// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/scratch.hpp>
#include <eigengrad/kernels/map.hpp>
#include <eigengrad/kernels/orthogonalize.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/sum_of_squares.hpp>
#include <eigengrad/optim/optimizer.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Muon: momentum, made orthogonal, for the hidden matrices of a network.
///
///     B = momentum B + G,  U = G + momentum B        (without Nesterov: U = B)
///     X = orthogonalize(U / |U|_F)
///     W = (1 - lr weight_decay) W - lr sqrt(max(1, rows / columns)) X
///
/// In a group with a `row_norm` r, W is first multiplied by r sqrt(rows) / |W|_F.
///
/// Every direction of a matrix moves equally far, whatever the size of its gradient. It is meant
/// for the linears and convolutions between a network's ends; give the first and the last layer,
/// biases, norms and positions to an AdamW, with the same schedule (`hidden_groups`).
/// **Source** K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024;
/// the length of the rows: K. Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024,
/// whose program scales its filters so.
namespace eigengrad::optim {

/// Parameters that Muon treats alike.
///
///     optim::Muon<float> muon({{.parameters = matrices},
///                              {.parameters = fused_weights, .row_blocks = 3}}, {.lr = 0.02});
template <class T>
struct MuonGroup {
  std::vector<Tensor<T>> parameters{};
  std::optional<double> lr = std::nullopt;            ///< unset: the optimiser's
  std::optional<double> weight_decay = std::nullopt;  ///< unset: the optimiser's
  /// Each parameter is this many matrices of equal height, one below the other: 3 for a fused
  /// query-key-value weight.
  Index row_blocks = 1;
  /// Scales each matrix to rows of this length (root mean square) before it moves it; 0: never.
  /// For layers followed by a norm, to which the scale of their weights makes no difference: left
  /// alone they grow, and each step changes their direction less.
  double row_norm = 0;
  std::optional<double> momentum = std::nullopt;  ///< unset: the optimiser's
  std::optional<bool> nesterov = std::nullopt;    ///< unset: the optimiser's
};

struct MuonOptions {
  double lr = 0.02;
  double momentum = 0.9;
  double weight_decay = 0.02;  ///< shrinks the parameter itself
  bool nesterov = true;
  Index ns_steps = 5;  ///< rounds of orthogonalisation (Newton-Schulz)
};

namespace detail {

/// One matrix's step. The work is done in stages, each with the same bits whether it runs in
/// parallel or inside one thread.
template <class T>
struct MuonStep {
  T* w;
  const T* g;
  T* b;
  Index rows, cols;
  T momentum, lr;
  double shrink;    ///< factor of the weight: its decay
  double row_norm;  ///< length that the rows are given first, or 0
  bool nesterov;

  /// Multiplications per round, by which the work is shared out.
  double cost() const {
    const double n = double(std::min(rows, cols));
    return n * (2 * double(rows) * double(cols) + n * n);
  }
};

/// b = momentum b + g and u = the direction to go.
template <class T>
struct MuonMomentum {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* u, const MuonStep<T>* s, Index begin, Index end) {
    using V = simd::Vec<T, Arch>;
    const T* g = s->g + begin;
    T* b = s->b + begin;
    T* out = u + begin;
    const T keep = s->nesterov ? s->momentum : T(1);
    const T add = s->nesterov ? T(1) : T(0);
    simd::transform<V>(end - begin, [&](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V gradient = at.load(g);
      const V buffer = at.load(b) * s->momentum + gradient;
      at.store(b, buffer);
      at.store(out, gradient * add + buffer * keep);
    });
  }
};

/// w = shrink w - lr x
template <class T>
struct MuonMove {
  T shrink, lr;
  template <class V>
  EIGENGRAD_INLINE V operator()(const V& w, const V& x) const {
    return w * shrink - x * lr;
  }
};

template <class T>
void muon_step(const MuonStep<T>& s, Index ns_steps) {
  const Index n = s.rows * s.cols;
  constexpr Index kChunk = kernels::kNormChunk;
  eigengrad::detail::Scratch<T> u(n);
  const Index chunks = divide_up(n, kChunk);
  eigengrad::detail::Scratch<double> partial(chunks), weight(s.row_norm > 0 ? chunks : 0);
  parallel_for(n, kElementGrain, [&](Index begin, Index end) {
    for (Index at = begin; at < end; at += kChunk) {
      const Index to = std::min(end, at + kChunk);
      simd::dispatch<MuonMomentum<T>>(u.data(), &s, at, to);
      partial[at / kChunk] = kernels::sum_of_squares<T>(u.data() + at, to - at);
      if (s.row_norm > 0) weight[at / kChunk] = kernels::sum_of_squares<T>(s.w + at, to - at);
    }
  });
  const double sum = std::accumulate(partial.data(), partial.data() + chunks, 0.0);
  // A zero gradient has no direction: the matrix only decays.
  const double norm = std::max(std::sqrt(sum), double(std::numeric_limits<T>::min()));
  const T factor = static_cast<T>(1 / norm);
  parallel_for(n, kElementGrain, [&](Index begin, Index end) {
    kernels::scale(u.data() + begin, end - begin, factor);
  });
  kernels::orthogonalize(u.data(), s.rows, s.cols, ns_steps);
  double shrink = s.shrink;
  if (s.row_norm > 0) {
    // A zero weight has no direction, so no length can be given to it.
    const double squares = std::accumulate(weight.data(), weight.data() + chunks, 0.0);
    if (squares > 0) shrink *= s.row_norm * std::sqrt(double(s.rows) / squares);
  }
  kernels::map(MuonMove<T>{T(shrink), s.lr}, s.w, n, static_cast<const T*>(s.w),
               static_cast<const T*>(u.data()));
}

}  // namespace detail

/// `optim::Muon<float> muon(hidden_matrices, {.lr = 0.02});`
///
/// A convolution kernel (O, C, kh, kw) counts as a matrix (O, C kh kw). A group's `row_blocks` cuts
/// its parameters into that many matrices, each orthogonalised by itself.
///
/// **Throws** ValueError on an option outside its range, ShapeError on a parameter that is not a
/// matrix or has rows that row_blocks does not divide.
template <class T>
class Muon : public Optimizer<T> {
 public:
  explicit Muon(std::vector<Tensor<T>> parameters, const MuonOptions& options = {})
      : Muon(detail::one_group<MuonGroup>(std::move(parameters)), options) {}

  explicit Muon(const std::vector<MuonGroup<T>>& groups, const MuonOptions& options = {})
      : Optimizer<T>("muon", plain(groups), options.lr, options.weight_decay, {"momentum_buffer"}),
        options_(options) {
    for (const MuonGroup<T>& group : groups) {
      detail::require(group.row_blocks >= 1, "muon", "row_blocks", "at least 1", group.row_blocks);
      detail::require_non_negative("muon", "row_norm", group.row_norm);
      const double momentum = group.momentum.value_or(options.momentum);
      detail::require(momentum >= 0 && momentum < 1, "muon", "momentum", "in [0, 1)", momentum);
      layouts_.push_back(
          {group.row_blocks, group.row_norm, momentum, group.nesterov.value_or(options.nesterov)});
    }
    detail::require(options.ns_steps >= 1, "muon", "ns_steps", "at least 1", options.ns_steps);
    for (std::size_t i = 0; i < this->entries_.size(); ++i) check(i);
  }

 private:
  /// How a group's parameters are read as matrices, and its options.
  struct Layout {
    Index row_blocks;
    double row_norm;
    double momentum;
    bool nesterov;
  };

  /// The part of the groups that all optimisers have.
  static std::vector<ParameterGroup<T>> plain(const std::vector<MuonGroup<T>>& groups) {
    std::vector<ParameterGroup<T>> out;
    for (const MuonGroup<T>& g : groups) out.push_back({g.parameters, g.lr, g.weight_decay});
    return out;
  }

  void check(std::size_t i) const {
    const Shape& shape = this->entries_[i].tensor.shape();
    if (shape.rank() < 2) {
      throw ShapeError(detail::concat("[muon] parameters must be matrices: parameter ", i, " ",
                                      shape, "; give biases and norms to AdamW"));
    }
    const Index blocks = layouts_[this->entries_[i].group].row_blocks;
    if (shape[0] % blocks != 0) {
      throw ShapeError(detail::concat("[muon] row_blocks ", blocks,
                                      " must divide the rows: ", "parameter ", i, " ", shape));
    }
  }

  void update() override {
    steps_.clear();
    for (auto& entry : this->entries_) {
      if (!entry.tensor.has_grad()) continue;
      this->begin_step(entry);
      if (entry.tensor.numel() > 0) add_steps(entry);
    }
    run_steps();
  }

  void add_steps(typename Optimizer<T>::Entry& entry) {
    const auto& group = this->group_of(entry);
    const Layout& layout = layouts_[entry.group];
    const Index rows = entry.tensor.dim(0) / layout.row_blocks;
    const Index cols = entry.tensor.numel() / entry.tensor.dim(0);
    const double factor = std::sqrt(std::max(1.0, double(rows) / double(cols)));
    for (Index block = 0; block < layout.row_blocks; ++block) {
      const Index at = block * rows * cols;
      steps_.push_back({entry.tensor.mutable_value().data() + at, entry.tensor.grad().data() + at,
                        entry.state[0].array.data() + at, rows, cols, T(layout.momentum),
                        T(group.lr * factor), 1 - group.lr * group.weight_decay, layout.row_norm,
                        layout.nesterov});
    }
  }

  /// A matrix too large for one thread's fair share is worked on by all threads; the others go to
  /// one thread each, where they stay in its cache. The bits are the same either way.
  void run_steps() {
    std::sort(steps_.begin(), steps_.end(),
              [](const auto& a, const auto& b) { return a.cost() > b.cost(); });
    double left = 0;
    for (const auto& step : steps_) left += step.cost();
    constexpr double kGrain = 1 << 16;  // multiplications per round that are worth one more thread
    const std::size_t threads =
        static_cast<std::size_t>(std::clamp<double>(left / kGrain, 1, num_threads()));
    std::size_t next = 0;
    for (; next < steps_.size() && threads > 1; ++next) {
      const double cost = steps_[next].cost();
      if (cost * double(threads) <= left) break;
      detail::muon_step(steps_[next], options_.ns_steps);
      left -= cost;
    }
    // The largest first, each to the thread with the least work.
    loads_.assign(threads, 0);
    owners_.assign(steps_.size(), 0);
    for (std::size_t i = next; i < steps_.size(); ++i) {
      const auto least = std::min_element(loads_.begin(), loads_.end());
      owners_[i] = least - loads_.begin();
      *least += steps_[i].cost();
    }
    parallel_for(static_cast<Index>(threads), 1, [&](Index begin, Index end) {
      for (std::size_t i = next; i < steps_.size(); ++i) {
        if (owners_[i] < begin || owners_[i] >= end) continue;
        detail::muon_step(steps_[i], options_.ns_steps);
      }
    });
  }

  MuonOptions options_;
  std::vector<Layout> layouts_;  ///< by group
  std::vector<detail::MuonStep<T>> steps_;
  std::vector<double> loads_;
  std::vector<Index> owners_;
};

EIGENGRAD_INSTANTIATE(class Muon<float>)
EIGENGRAD_INSTANTIATE(class Muon<double>)

}  // namespace eigengrad::optim

EIGENGRAD_END_VECTORS
