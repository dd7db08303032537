// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
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

  /// The layer's type in words, "Linear".
  const std::string& kind() const { return self_->kind; }

  /// Trainable tensors by dotted name, in the order they were added; a shared one comes once.
  Named<Tensor<T>> named_parameters() const {
    Named<Tensor<T>> out;
    visit("", [&](const std::string& prefix, const State& state) {
      for (const auto& [name, x] : state.parameters) {
        const bool seen = std::any_of(out.begin(), out.end(), [&x = x](const auto& earlier) {
          return earlier.second.node_ptr() == x.node_ptr();
        });
        if (!seen) out.emplace_back(prefix + name, x);
      }
    });
    return out;
  }
  std::vector<Tensor<T>> parameters() const {
    std::vector<Tensor<T>> out;
    for (const auto& named : named_parameters()) out.push_back(named.second);
    return out;
  }
  /// Arrays that training updates without a gradient, such as running means. The pointers live
  /// as long as any handle of the module.
  Named<std::shared_ptr<NdArray<T>>> named_buffers() const {
    return collect<std::shared_ptr<NdArray<T>>>(&State::buffers);
  }
  /// The random state of dropout and the like, for checkpoints.
  Named<std::shared_ptr<Generator>> named_generators() const {
    return collect<std::shared_ptr<Generator>>(&State::generators);
  }
  /// The same without names, for `checkpoint`.
  GeneratorList generators() const {
    GeneratorList out;
    collect_generators(out);
    return out;
  }
  /// Direct children.
  Named<Module> named_children() const {
    Named<Module> out;
    for (const auto& [name, child] : self_->children) out.emplace_back(name, Module(child));
    return out;
  }

  /// Number of trainable values.
  Index parameter_count() const {
    Index n = 0;
    for (const auto& named : named_parameters()) n += named.second.numel();
    return n;
  }

  /// Sets the mode of this module and of all below it: dropout works and batch norm takes its
  /// statistics from the batch in training alone. A new module is in training mode.
  void train(bool on = true) const {
    visit("", [on](const std::string&, State& state) { state.training = on; });
  }
  void eval() const { train(false); }
  bool training() const { return self_->training; }

  void zero_grad() const {
    for (auto& named : named_parameters()) named.second.zero_grad();
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
  /// another shape stays as it is. **Throws** ValueError on any difference if `strict`.
  LoadReport load_state_dict(const StateDict<T>& dict, const LoadOptions& options = {}) const {
    return detail::load_arrays(arrays(), ignored_names(), dict, options);
  }

  /// The same for all handles of a module, and no other module's.
  const void* identity() const { return self_.get(); }

 protected:
  /// Tells an observer, if there is one, that what follows in this scope is the module's work. A
  /// module that wants to see its own ops in a summary begins its operator() with it:
  /// `const auto call = this->call();`
  class Call {
   public:
    explicit Call(const Module& module) : observer_(Observer::active()) {
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
  Call call() const { return Call(*this); }

  explicit Module(std::string kind) : self_(std::make_shared<State>()) {
    self_->kind = std::move(kind);
  }

  /// Adds a trainable tensor and returns its handle. **Throws** ValueError on a name that is
  /// taken, empty, or contains a dot; so do the other `add_` functions.
  Tensor<T> add_parameter(const std::string& name, NdArray<T> value) {
    return add_parameter(name, Tensor<T>(std::move(value), true));
  }
  /// Adds a tensor that another module may hold as well (tied weights). An undefined one is
  /// passed through, so that a layer without a bias needs no special case.
  Tensor<T> add_parameter(const std::string& name, Tensor<T> parameter) {
    if (!parameter.defined()) return parameter;
    check(name);
    self_->parameters.emplace_back(name, parameter);
    return parameter;
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
  /// Adds a child and returns its handle: `fc1_(this->add("fc1", Linear<T>({...}, rng)))`.
  template <std::derived_from<Module> Child>
  Child add(const std::string& name, Child child) {
    check(name);
    self_->children.emplace_back(name, static_cast<const Module&>(child).self_);
    return child;
  }
  /// A name that files of other libraries contain and that means nothing here.
  void ignore_on_load(const std::string& name) { self_->ignored.push_back(name); }

 private:
  struct State {
    std::string kind;
    Named<Tensor<T>> parameters;
    Named<std::shared_ptr<NdArray<T>>> buffers;
    Named<std::shared_ptr<Generator>> generators;
    Named<std::shared_ptr<State>> children;
    std::vector<std::string> ignored;
    bool training = true;
  };

  explicit Module(std::shared_ptr<State> state) : self_(std::move(state)) {}

  /// Calls f(prefix, state) for this module and all below it, parents first.
  template <class F>
  void visit(const std::string& prefix, F&& f) const {
    f(prefix, *self_);
    for (const auto& [name, child] : self_->children) {
      Module(child).visit(prefix + name + ".", f);
    }
  }

  void collect_generators(GeneratorList& out) const {
    for (const auto& named : self_->generators) out.push_back(named.second.get());
    for (const auto& named : self_->children) Module(named.second).collect_generators(out);
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
      for (auto& [name, x] : state.parameters) out.emplace_back(prefix + name, &x.mutable_value());
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
    const auto taken = [&](const auto& list) {
      return std::any_of(list.begin(), list.end(), [&](const auto& x) { return x.first == name; });
    };
    if (name.empty() || name.find('.') != std::string::npos) {
      throw ValueError(
          detail::concat("[module] a name must not be empty or contain a dot: \"", name, "\""));
    }
    if (taken(self_->parameters) || taken(self_->buffers) || taken(self_->generators) ||
        taken(self_->children)) {
      throw ValueError(detail::concat("[module] ", kind(), " has a \"", name, "\" already"));
    }
  }

  std::shared_ptr<State> self_;
};

EIGENGRAD_INSTANTIATE(class Module<float>)
EIGENGRAD_INSTANTIATE(class Module<double>)

}  // namespace eigengrad::nn
