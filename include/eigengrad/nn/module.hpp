// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/observer.hpp>
#include <eigengrad/core/parameter.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/nn/load_state_dict.hpp>
#include <eigengrad/nn/state_dict.hpp>

/// What every layer is made of: named parameters, buffers, generators and child modules.
///
///     template <class T>
///     class Scale : public nn::Module<T> {
///      public:
///       explicit Scale(Index channels)
///           : nn::Module<T>("Scale"),
///             weight_(this->add_parameter("weight", NdArray<T>::ones({channels}))) {}
///       Tensor<T> operator()(const Tensor<T>& x) const { return x * weight_; }
///
///      private:
///       Tensor<T> weight_;
///     };
namespace eigengrad::nn {

/// What a module says of the weights in a child. A field that is left empty is as the child says;
/// where several modules around a weight say something, the outermost one's word counts.
struct ChildRole {
  std::optional<ParameterPlace> place = std::nullopt;
  /// Each weight of the child is this many matrices of equal height, one below the other.
  std::optional<Index> row_blocks = std::nullopt;
};

/// The base of every layer and model. Like a Tensor it is a handle: a copy shares parameters,
/// mode and children with the original, so layers may be copied, moved and kept in vectors. For
/// a second model of its own, construct one and load the first one's `state_dict()`.
///
/// A layer derives from it, adds its parts in its constructor and defines `operator()`. What it
/// keeps itself must be handles (tensors, modules, shared pointers) or constants (options).
template <class T>
class Module {
 public:
  using value_type = T;

  /// The layer's type, such as "Linear".
  std::string kind() const { return self_->kind; }

  /// Trainable tensors by dotted name, in the order in which they were added; a shared one comes
  /// once, under its first name.
  Named<Tensor<T>> named_parameters() const {
    Named<Tensor<T>> out;
    for (auto& p : parameters_with_roles()) out.emplace_back(std::move(p.name), p.tensor);
    return out;
  }
  std::vector<Tensor<T>> parameters() const {
    std::vector<Tensor<T>> out;
    for (const auto& p : parameters_with_roles()) out.push_back(p.tensor);
    return out;
  }
  /// The same with what each is, for `optim::decay_groups` and `optim::hidden_groups`.
  std::vector<Parameter<T>> parameters_with_roles() const {
    std::vector<Parameter<T>> out;
    collect_parameters("", {}, out);
    return out;
  }
  /// Arrays that training updates without a gradient, such as running means. The pointers live
  /// as long as any handle of the module.
  Named<std::shared_ptr<NdArray<T>>> named_buffers() const {
    return collect<std::shared_ptr<NdArray<T>>>(&State::buffers);
  }
  /// The generators of dropout and the like, for checkpoints.
  Named<std::shared_ptr<Generator>> named_generators() const {
    return collect<std::shared_ptr<Generator>>(&State::generators);
  }
  /// The same without names, for `checkpoint`.
  GeneratorList generators() const {
    GeneratorList out;
    collect_generators(out);
    return out;
  }
  /// The direct children by name.
  Named<Module> named_children() const {
    Named<Module> out;
    for (const Child& child : self_->children) out.emplace_back(child.name, Module(child.state));
    return out;
  }

  /// The number of trainable values.
  Index parameter_count() const {
    Index n = 0;
    for (const auto& p : parameters_with_roles()) n += p.tensor.numel();
    return n;
  }

  /// Sets the mode of this module and of all below it: only in training does dropout drop and batch
  /// norm take its statistics from the batch. A new module is in training mode.
  void train(bool on = true) const {
    visit("", [on](const std::string&, State& state) { state.training = on; });
  }
  void eval() const { train(false); }
  bool training() const { return self_->training; }

  void zero_grad() const {
    for (auto& p : parameters_with_roles()) p.tensor.zero_grad();
  }

  /// A snapshot of all parameters and buffers: copies, which later training does not change.
  StateDict<T> state_dict() const {
    StateDict<T> out;
    for (const auto& [name, array] : arrays()) out.emplace(name, array->clone());
    return out;
  }

  /// Copies the dict's numbers into the module. Everything is checked before anything is written.
  ///
  /// **Returns** what differed. Without `strict` the rest is loaded and what is missing or has
  /// another shape stays as it is. **Throws** ValueError on any difference if `strict`, with the
  /// names, both shapes, and the closest names.
  LoadReport load_state_dict(const StateDict<T>& dict, const LoadOptions& options = {}) const {
    return detail::load_arrays(arrays(), ignored_names(), dict, options);
  }

  /// A pointer that all handles of this module share and no other module has.
  const void* identity() const { return self_.get(); }

 protected:
  /// Tells an observer, if there is one, that what follows in this scope is the module's work. A
  /// module that wants to see its own ops in a summary begins its operator() with it:
  /// `const auto call = this->call();`
  class [[nodiscard]] Call {
   public:
    [[nodiscard]] explicit Call(const Module& module) : observer_(Observer::active()) {
      if (observer_) observer_->enter(module.identity());
    }
    ~Call() {
      if (observer_) observer_->leave();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Observer* observer_;
  };
  [[nodiscard]] Call call() const { return Call(*this); }

  explicit Module(std::string kind) : self_(std::make_shared<State>()) {
    self_->kind = std::move(kind);
  }

  /// Adds a trainable tensor and returns its handle: `add_parameter("weight", value,
  /// {ParameterKind::kNorm})`. Without a role it gets that of its shape, `default_role`.
  /// **Throws** ValueError on a name that is taken, empty, or contains a dot; so do the other
  /// `add_` functions.
  Tensor<T> add_parameter(const std::string& name, NdArray<T> value, const ParameterRole& role) {
    return add_parameter(name, Tensor<T>(std::move(value), true), role);
  }
  Tensor<T> add_parameter(const std::string& name, NdArray<T> value) {
    return add_parameter(name, Tensor<T>(std::move(value), true));
  }
  /// Adds a tensor that another module may hold as well (tied weights). An undefined one is
  /// passed through, so that a layer without a bias needs no special case.
  Tensor<T> add_parameter(const std::string& name, Tensor<T> parameter, const ParameterRole& role) {
    if (!parameter.defined()) return parameter;
    check(name);
    self_->parameters.push_back({name, parameter, role});
    return parameter;
  }
  Tensor<T> add_parameter(const std::string& name, Tensor<T> parameter) {
    if (!parameter.defined()) return parameter;
    return add_parameter(name, parameter, default_role(parameter.shape()));
  }
  /// Adds an array that is saved and loaded but not trained.
  std::shared_ptr<NdArray<T>> add_buffer(const std::string& name, NdArray<T> value) {
    check(name);
    self_->buffers.emplace_back(name, std::make_shared<NdArray<T>>(std::move(value)));
    return self_->buffers.back().second;
  }
  /// Adds a generator of its own, forked from `rng`, which moves on by one draw.
  std::shared_ptr<Generator> add_generator(const std::string& name, Generator& rng) {
    check(name);
    self_->generators.emplace_back(name, std::make_shared<Generator>(rng.fork(rng.next())));
    return self_->generators.back().second;
  }
  /// Adds a child and returns its handle: `fc1_(this->add("fc1", Linear<T>({...}, rng)))`. `role`
  /// is what this module knows of the child's weights:
  /// `this->add("head", Linear<T>({...}, rng), {.place = ParameterPlace::kOutput})`.
  template <std::derived_from<Module> M>
  M add(const std::string& name, M child, const ChildRole& role = {}) {
    check(name);
    self_->children.push_back({name, static_cast<const Module&>(child).self_, role});
    return child;
  }
  /// A name that files of other libraries contain and that means nothing here.
  void ignore_on_load(const std::string& name) { self_->ignored.push_back(name); }

 private:
  struct State;
  struct Child {
    std::string name;
    std::shared_ptr<State> state;
    ChildRole role;
  };
  struct State {
    std::string kind;
    std::vector<Parameter<T>> parameters;
    Named<std::shared_ptr<NdArray<T>>> buffers;
    Named<std::shared_ptr<Generator>> generators;
    std::vector<Child> children;
    std::vector<std::string> ignored;
    bool training = true;
  };

  explicit Module(std::shared_ptr<State> state) : self_(std::move(state)) {}

  /// Calls f(prefix, state) for this module and all below it, parents first.
  template <class F>
  void visit(const std::string& prefix, F&& f) const {
    f(prefix, *self_);
    for (const Child& child : self_->children) {
      Module(child.state).visit(prefix + child.name + ".", f);
    }
  }

  /// `said` is what the modules around this one say of its weights.
  void collect_parameters(const std::string& prefix, const ChildRole& said,
                          std::vector<Parameter<T>>& out) const {
    for (const Parameter<T>& own : self_->parameters) {
      const bool seen = std::any_of(out.begin(), out.end(), [&](const Parameter<T>& earlier) {
        return earlier.tensor.node_ptr() == own.tensor.node_ptr();
      });
      if (seen) continue;
      ParameterRole role = own.role;
      if (said.place) role.place = said.place;
      if (role.kind == ParameterKind::kWeight) {
        role.row_blocks = said.row_blocks.value_or(role.row_blocks);
      }
      out.push_back({prefix + own.name, own.tensor, role});
    }
    for (const Child& child : self_->children) {
      const ChildRole inner{said.place ? said.place : child.role.place,
                            said.row_blocks ? said.row_blocks : child.role.row_blocks};
      Module(child.state).collect_parameters(prefix + child.name + ".", inner, out);
    }
  }

  void collect_generators(GeneratorList& out) const {
    for (const auto& named : self_->generators) out.push_back(named.second.get());
    for (const Child& child : self_->children) Module(child.state).collect_generators(out);
  }

  template <class U>
  Named<U> collect(Named<U> State::*part) const {
    Named<U> out;
    visit("", [&](const std::string& prefix, const State& state) {
      for (const auto& [name, x] : state.*part) out.emplace_back(prefix + name, x);
    });
    return out;
  }

  /// Every array that is saved and loaded, under all its names.
  Named<NdArray<T>*> arrays() const {
    Named<NdArray<T>*> out;
    visit("", [&](const std::string& prefix, State& state) {
      for (auto& p : state.parameters) out.emplace_back(prefix + p.name, &p.tensor.mutable_value());
      for (auto& [name, x] : state.buffers) out.emplace_back(prefix + name, x.get());
    });
    return out;
  }

  std::vector<std::string> ignored_names() const {
    std::vector<std::string> out;
    visit("", [&](const std::string& prefix, const State& state) {
      for (const std::string& name : state.ignored) out.push_back(prefix + name);
    });
    return out;
  }

  void check(const std::string& name) const {
    const auto named = [&](const auto& x) { return x.name == name; };
    const auto first = [&](const auto& x) { return x.first == name; };
    const State& own = *self_;
    const bool taken = std::any_of(own.parameters.begin(), own.parameters.end(), named) ||
                       std::any_of(own.children.begin(), own.children.end(), named) ||
                       std::any_of(own.buffers.begin(), own.buffers.end(), first) ||
                       std::any_of(own.generators.begin(), own.generators.end(), first);
    if (name.empty() || name.find('.') != std::string::npos) {
      throw ValueError(
          detail::concat("[module] a name must not be empty or contain a dot: \"", name, "\""));
    }
    if (taken) {
      throw ValueError(detail::concat("[module] ", kind(), " has a \"", name, "\" already"));
    }
  }

  std::shared_ptr<State> self_;
};

EIGENGRAD_INSTANTIATE(class Module<float>)
EIGENGRAD_INSTANTIATE(class Module<double>)

}  // namespace eigengrad::nn
