// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/observer.hpp>
#include <eigengrad/core/tensor.hpp>

/// What all optimisers share: parameter groups, learning rates, state for checkpoints.
///
/// A step writes parameters and state in place unless another array shares their storage
/// (copy-on-write): `detach()`, `value()` and `state_dict()` are therefore cheap snapshots that no
/// later step changes.
namespace eigengrad::optim {

/// Parameters that are treated alike. An option that a group leaves unset is the optimiser's; one
/// that the optimiser does not have is an error.
///
///     optim::AdamW<float> adam({{.parameters = matrices},
///                               {.parameters = biases, .weight_decay = 0}}, {.lr = 1e-3});
template <class T>
struct ParameterGroup {
  std::vector<Tensor<T>> parameters{};
  std::optional<double> lr = std::nullopt;
  std::optional<double> weight_decay = std::nullopt;
  std::optional<std::pair<double, double>> betas = std::nullopt;
  std::optional<double> eps = std::nullopt;
  std::optional<double> momentum = std::nullopt;
  std::optional<double> dampening = std::nullopt;
  std::optional<bool> nesterov = std::nullopt;
  std::optional<bool> amsgrad = std::nullopt;
  std::optional<bool> maximize = std::nullopt;
};

namespace detail {

using eigengrad::detail::concat;

template <class V>
void require(bool ok, const char* owner, const char* field, const char* rule, const V& value) {
  if (!ok) throw ValueError(concat("[", owner, "] ", field, " must be ", rule, ": ", value));
}

/// 0 <= value < infinity.
inline void require_non_negative(const char* owner, const char* field, double value) {
  require(value >= 0, owner, field, "at least 0", value);
  require(std::isfinite(value), owner, field, "finite", value);
}

/// Both decays of running means in [0, 1).
inline void require_betas(const char* owner, const std::pair<double, double>& betas) {
  const auto& [beta1, beta2] = betas;
  require(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, owner, "betas", "in [0, 1)",
          concat("(", beta1, ", ", beta2, ")"));
}

/// The optimiser's `options` with what the group sets, but for `lr` and `weight_decay`, which may
/// change between steps and are kept apart. **Throws** ValueError for an option that it lacks.
template <class T, class Options>
Options group_options(const char* owner, Options options, const ParameterGroup<T>& group) {
  const auto take = [&](const char* field, const auto& value, auto member) {
    if (!value) return;
    if constexpr (std::is_invocable_v<decltype(member), Options&>) {
      member(options) = *value;
    } else {
      throw ValueError(concat("[", owner, "] has no option ", field, ", which a group sets"));
    }
  };
  take("betas", group.betas, [](auto& o) -> decltype((o.betas)) { return o.betas; });
  take("eps", group.eps, [](auto& o) -> decltype((o.eps)) { return o.eps; });
  take("momentum", group.momentum, [](auto& o) -> decltype((o.momentum)) { return o.momentum; });
  take("dampening", group.dampening,
       [](auto& o) -> decltype((o.dampening)) { return o.dampening; });
  take("nesterov", group.nesterov, [](auto& o) -> decltype((o.nesterov)) { return o.nesterov; });
  take("amsgrad", group.amsgrad, [](auto& o) -> decltype((o.amsgrad)) { return o.amsgrad; });
  take("maximize", group.maximize, [](auto& o) -> decltype((o.maximize)) { return o.maximize; });
  return options;
}

/// For each group its options. `check(options)` throws when one is outside its range.
template <class T, class Options, class Check>
std::vector<Options> options_by_group(const char* owner, const Options& options,
                                      const std::vector<ParameterGroup<T>>& groups, Check check) {
  check(options);
  std::vector<Options> out;
  for (const ParameterGroup<T>& group : groups) {
    out.push_back(group_options(owner, options, group));
    check(out.back());
  }
  return out;
}

/// A count in a state, which holds floats: two digits of base 2^20, for a float alone counts to
/// 2^24 only.
inline constexpr Index kDigit = Index{1} << 20;

template <class T>
void write_count(T* out, Index count) {
  out[0] = static_cast<T>(count / kDigit);
  out[1] = static_cast<T>(count % kDigit);
}
template <class T>
Index read_count(const char* owner, const T* in, const char* field) {
  for (int i = 0; i < 2; ++i) {
    require(in[i] >= 0 && in[i] < T(kDigit) && in[i] == std::floor(in[i]), owner, field,
            "whole numbers below 2^20", in[i]);
  }
  return static_cast<Index>(in[0]) * kDigit + static_cast<Index>(in[1]);
}

/// The array of a state. **Throws** ValueError if it is missing, ShapeError on another shape.
template <class T>
const NdArray<T>& find_array(const char* owner, const std::map<std::string, NdArray<T>>& state,
                             const std::string& name, const Shape& shape) {
  const auto found = state.find(name);
  if (found == state.end()) throw ValueError(concat("[", owner, "] the state lacks ", name));
  if (!(found->second.shape() == shape)) {
    throw ShapeError(concat("[", owner, "] the state's ", name, " must have shape ", shape,
                            ", got ", found->second.shape()));
  }
  return found->second;
}

template <template <class> class Group, class T>
std::vector<Group<T>> one_group(std::vector<Tensor<T>> parameters) {
  std::vector<Group<T>> groups(1);
  groups[0].parameters = std::move(parameters);
  return groups;
}

}  // namespace detail

/// The base of all optimisers.
template <class T>
class Optimizer {
 public:
  using State = std::map<std::string, NdArray<T>>;

  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Updates each parameter that has a gradient; those without keep their value and their state.
  void step() {
    update();
    ++step_count_;
    if (Observer* observer = Observer::active()) {
      observer->observe({Observer::Phase::kOptimizer, name_, {}, {}});
    }
  }
  /// Forgets all gradients.
  void zero_grad() {
    for (Entry& entry : entries_) entry.tensor.zero_grad();
  }

  /// Steps taken so far, those before a checkpoint included: the argument of a Schedule.
  Index step_count() const { return step_count_; }

  /// All parameters, group by group.
  std::vector<Tensor<T>> parameters() const {
    std::vector<Tensor<T>> out;
    for (const Entry& entry : entries_) out.push_back(entry.tensor);
    return out;
  }

  std::size_t group_count() const { return groups_.size(); }
  double lr(std::size_t group = 0) const { return groups_.at(group).lr; }
  double weight_decay(std::size_t group = 0) const { return groups_.at(group).weight_decay; }

  /// Sets the learning rate of all groups. **Throws** ValueError if it is negative.
  void set_lr(double lr) {
    for (std::size_t i = 0; i < groups_.size(); ++i) set_lr(i, lr);
  }
  void set_lr(std::size_t group, double lr) {
    detail::require_non_negative(name_, "lr", lr);
    groups_.at(group).lr = lr;
  }
  /// Gives each group `factor` times the learning rate that it was constructed with.
  void set_lr_factor(double factor) {
    detail::require_non_negative(name_, "lr factor", factor);
    for (Group& group : groups_) group.lr = group.initial_lr * factor;
  }

  /// Everything a resumed run needs to continue with the same bits: moments by parameter number
  /// ("exp_avg.0") and counts of steps. Options and learning rates are not part of it; they come
  /// from the constructor and the schedule.
  State state_dict() const {
    State out;
    out["step"] = NdArray<T>(Shape{2});
    detail::write_count(out["step"].data(), step_count_);
    out["parameter_steps"] = NdArray<T>(Shape{static_cast<Index>(entries_.size()), 2});
    T* steps = out["parameter_steps"].data();
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      detail::write_count(steps + 2 * i, entries_[i].steps);
      if (entries_[i].steps == 0) continue;
      for (const Slot& slot : entries_[i].state) out[state_name(slot, i)] = slot.array;
    }
    return out;
  }

  /// Takes the state of an optimiser of the same kind, with the same parameters in the same order.
  /// **Throws** ValueError or ShapeError, and changes nothing, if names or shapes do not fit.
  void load_state_dict(const State& state) {
    const Index n = static_cast<Index>(entries_.size());
    const Index step_count =
        detail::read_count(name_, find(state, "step", Shape{2}).data(), "step");
    const NdArray<T>& counts = find(state, "parameter_steps", Shape{n, 2});
    std::vector<Entry> entries = entries_;
    std::size_t used = 2;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Entry& entry = entries[i];
      entry.steps = detail::read_count(name_, counts.data() + 2 * i, "parameter_steps");
      for (Slot& slot : entry.state) {
        slot.array = entry.steps > 0 ? find(state, state_name(slot, i), slot.shape) : NdArray<T>();
        used += entry.steps > 0;
      }
    }
    if (used != state.size()) throw_unknown_name(state, entries);
    entries_ = std::move(entries);
    step_count_ = step_count;
  }

 protected:
  struct Group {
    double lr;
    double initial_lr;
    double weight_decay;
  };
  /// An array that is kept for a parameter.
  struct Slot {
    const char* name;
    Shape shape;
    NdArray<T> array = {};
  };
  struct Entry {
    Tensor<T> tensor;
    std::size_t group;
    Index steps;  ///< those in which it had a gradient
    std::vector<Slot> state;
  };

  /// Messages begin with `name`; `state_names` are the arrays kept for each parameter, in its
  /// shape. Where parameters differ in what they need, `keep` says it.
  Optimizer(const char* name, const std::vector<ParameterGroup<T>>& groups, double lr,
            double weight_decay, const std::vector<const char*>& state_names)
      : name_(name) {
    detail::require_non_negative(name_, "lr", lr);
    detail::require_non_negative(name_, "weight_decay", weight_decay);
    for (const ParameterGroup<T>& group : groups) {
      Group own{group.lr.value_or(lr), group.lr.value_or(lr),
                group.weight_decay.value_or(weight_decay)};
      detail::require_non_negative(name_, "lr", own.lr);
      detail::require_non_negative(name_, "weight_decay", own.weight_decay);
      for (const Tensor<T>& parameter : group.parameters) add(parameter);
      groups_.push_back(own);
    }
    if (entries_.empty()) {
      throw ValueError(detail::concat("[", name_, "] needs at least one parameter"));
    }
    for (Entry& entry : entries_) {
      for (const char* state : state_names) keep(entry, state, entry.tensor.shape());
    }
  }

  /// Adds an array to what is kept for a parameter.
  void keep(Entry& entry, const char* name, const Shape& shape) {
    entry.state.push_back({name, shape});
  }

  /// Makes one step; `begin_step` for each parameter with a gradient.
  virtual void update() = 0;

  /// Counts the step of one parameter and makes what it writes its own: the value, and the state,
  /// which is zeros the first time.
  void begin_step(Entry& entry) {
    entry.tensor.mutable_value().make_unique();
    for (Slot& slot : entry.state) {
      if (entry.steps == 0) {
        slot.array = NdArray<T>::zeros(slot.shape);
      } else {
        slot.array.make_unique();
      }
    }
    ++entry.steps;
  }

  const Group& group_of(const Entry& entry) const { return groups_[entry.group]; }

  const char* name_;
  std::vector<Entry> entries_;

 private:
  const NdArray<T>& find(const State& state, const std::string& name, const Shape& shape) const {
    return detail::find_array(name_, state, name, shape);
  }

  void add(const Tensor<T>& parameter) {
    const std::size_t i = entries_.size();
    if (!parameter.defined()) {
      throw ValueError(detail::concat("[", name_, "] parameter ", i, " is empty"));
    }
    if (!parameter.is_leaf()) {
      throw ValueError(detail::concat("[", name_, "] parameters must be leaves: parameter ", i,
                                      " is the result of ", parameter.op_name()));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (entries_[j].tensor.node_ptr() == parameter.node_ptr()) {
        throw ValueError(detail::concat("[", name_, "] parameters must differ: ", j, " and ", i,
                                        " are the same tensor"));
      }
    }
    entries_.push_back({parameter, groups_.size(), 0, {}});
  }

  static std::string state_name(const Slot& slot, std::size_t i) {
    return detail::concat(slot.name, ".", i);
  }

  [[noreturn]] void throw_unknown_name(const State& state,
                                       const std::vector<Entry>& entries) const {
    State known{{"step", {}}, {"parameter_steps", {}}};
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].steps == 0) continue;
      for (const Slot& slot : entries[i].state) known[state_name(slot, i)];
    }
    std::string unknown;
    for (const auto& [name, array] : state) {
      if (unknown.empty() && !known.contains(name)) unknown = name;
    }
    throw ValueError(detail::concat("[", name_, "] the state has an unknown name: ", unknown));
  }

  std::vector<Group> groups_;
  Index step_count_ = 0;
};

EIGENGRAD_INSTANTIATE(class Optimizer<float>)
EIGENGRAD_INSTANTIATE(class Optimizer<double>)

}  // namespace eigengrad::optim
