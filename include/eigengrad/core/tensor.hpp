// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/error.hpp>
#include <eigengrad/core/grad_mode.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/node.hpp>
#include <eigengrad/core/observer.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/shape.hpp>

namespace eigengrad {

/// What `backward` does beyond the ordinary.
struct BackwardOptions {
  /// Keep saved arrays, so that `backward` can run again through the same graph.
  bool retain_graph = false;
};

/// A value, optionally with its gradient and the op that made it. Copies are handles of the same
/// tensor.
///
/// This header brings along what every op needs: arrays, shapes and errors.
template <class T>
class Tensor {
 public:
  using value_type = T;
  using NodePtr = detail::NodePtr<T>;

  /// A handle of nothing; `defined()` is false.
  Tensor() = default;

  explicit Tensor(NdArray<T> value, bool requires_grad = false)
      : handle_(std::allocate_shared<detail::Node<T>>(detail::CacheAllocator<detail::Node<T>>(),
                                                      std::move(value))) {
    node().requires_grad = requires_grad;
  }
  Tensor(const Shape& shape, std::initializer_list<T> values, bool requires_grad = false)
      : Tensor(NdArray<T>(shape, values), requires_grad) {}
  explicit Tensor(NodePtr node) : handle_(std::move(node)) {}

  static Tensor zeros(const Shape& shape, bool requires_grad = false) {
    return Tensor(NdArray<T>::zeros(shape), requires_grad);
  }
  static Tensor ones(const Shape& shape, bool requires_grad = false) {
    return Tensor(NdArray<T>::ones(shape), requires_grad);
  }
  static Tensor full(const Shape& shape, T value, bool requires_grad = false) {
    return Tensor(NdArray<T>::full(shape, value), requires_grad);
  }
  static Tensor scalar(T value, bool requires_grad = false) {
    return Tensor(NdArray<T>::scalar(value), requires_grad);
  }

  bool defined() const { return node_ptr() != nullptr; }
  // A temporary, such as an op's result in the middle of an expression, gives what may outlive it:
  // a handle of the array instead of a reference to it.
  const NdArray<T>& value() const& { return node().value; }
  NdArray<T> value() const&& { return node().value; }
  /// For optimisers and initialisers: writing here is not recorded. The reference lives as long as
  /// some handle of the tensor, such as a module's: `model.parameters()[0].mutable_value()`.
  NdArray<T>& mutable_value() { return node().value; }
  const Shape& shape() const& { return value().shape(); }
  Shape shape() const&& { return value().shape(); }
  Index rank() const { return value().rank(); }
  Index dim(Index axis) const { return value().dim(axis); }
  Index numel() const { return value().numel(); }
  /// Entry `i` of the first axis: `select(*this, 0, i)`, for which ops/slice.hpp must be included.
  template <std::integral I>
  Tensor operator[](I i) const {
    return select(*this, Index{0}, static_cast<Index>(i));
  }
  /// The value of a tensor with one element.
  T item() const { return value().item(); }

  bool requires_grad() const { return node().requires_grad; }
  /// **Throws** StateError on an op's result, whose flag follows from its inputs.
  Tensor& set_requires_grad(bool on) & {
    if (node().is_result()) {
      throw StateError(detail::concat("[requires_grad] only leaves can change it; this is the ",
                                      "result of ", node().op, "; use detach()"));
    }
    node().requires_grad = on;
    return *this;
  }
  Tensor set_requires_grad(bool on) && { return set_requires_grad(on); }
  /// True for tensors that no recorded op made.
  bool is_leaf() const { return !node().is_result(); }

  bool has_grad() const { return node().grad.defined(); }
  /// The accumulated gradient. **Throws** StateError when there is none.
  const NdArray<T>& grad() const& {
    if (!has_grad()) {
      throw StateError(
          "[grad] this tensor has no gradient; it needs requires_grad and a backward() "
          "(retain_grad() too when an op made it)");
    }
    return node().grad;
  }
  NdArray<T> grad() const&& { return grad(); }
  NdArray<T>& mutable_grad() {
    grad();
    node().grad.make_unique();
    return node().grad;
  }
  /// Forgets the gradient; the next backward starts from nothing.
  void zero_grad() { node().grad = NdArray<T>(); }
  /// Keeps the gradient of an op's result after backward.
  Tensor& retain_grad() & {
    node().retain_grad = true;
    return *this;
  }
  Tensor retain_grad() && { return retain_grad(); }
  /// Calls `hook` with this tensor's gradient each time a backward has completed it.
  void register_hook(GradHook<T> hook) { node().hooks.push_back(std::move(hook)); }

  /// The same numbers outside the graph.
  Tensor detach() const { return Tensor(value()); }

  /// Gradients of this scalar with respect to every leaf that requires one, added to `grad()`.
  /// **Throws** ShapeError unless it has one element; StateError when nothing requires a gradient
  /// or the graph has been freed; and what a closure or a hook throws. Then no result is left with
  /// a half-made gradient, but leaves may hold a part of this backward: zero_grad() them.
  void backward(const BackwardOptions& options = {}) const;
  /// The same from any tensor, given d(loss)/d(this).
  void backward(NdArray<T> dout, const BackwardOptions& options = {}) const;

  /// Name of the op that made this, or "leaf".
  const char* op_name() const { return node().is_result() ? node().op : "leaf"; }
  const NodePtr& node_ptr() const& { return handle_.node(); }
  NodePtr node_ptr() const&& { return handle_.node(); }

 private:
  detail::Node<T>& node() const {
    if (!defined()) throw StateError("[tensor] this tensor is empty; assign one first");
    return *node_ptr();
  }

  detail::Handle<T> handle_;
};

namespace detail {

/// x.grad += dx. What others share is never written to.
template <class T>
void add_gradient(Node<T>& x, NdArray<T> dx) {
  if (!x.grad.defined()) {
    x.grad = std::move(dx);
    return;
  }
  if (!x.grad.unique()) {
    if (dx.unique()) {
      std::swap(x.grad, dx);  // the sum is the same; write to the array that nothing else reads
    } else {
      x.grad = x.grad.clone();
    }
  }
  parallel_for(dx.numel(), kElementGrain, [&](Index begin, Index end) {
    T* sum = x.grad.data();
    const T* add = dx.data();
    for (Index j = begin; j < end; ++j) sum[j] += add[j];
  });
}

}  // namespace detail

/// What a backward closure sees: the gradient of its result, and where to put its inputs'.
template <class T>
class BackwardContext {
 public:
  BackwardContext(detail::Node<T>& node, NdArray<T> dout) : node_(node), dout_(std::move(dout)) {}

  /// d(loss)/d(result), in the result's shape.
  const NdArray<T>& dout() const { return dout_; }

  /// Gives up `dout` for in-place work: a private copy only if something else shares it.
  NdArray<T> take_dout() {
    dout_.make_unique();
    return std::move(dout_);
  }

  /// Whether input `i` was defined.
  bool has_input(std::size_t i) const { return node_.inputs()[i] != nullptr; }
  /// Whether input `i` wants a gradient. Ask before computing one.
  bool needs(std::size_t i) const {
    const auto& node = node_.inputs()[i];
    return node && node->requires_grad;
  }

  /// The value of input `i`, made again by the op that made it. **Throws** StateError if an
  /// earlier backward has freed what that takes.
  NdArray<T> rebuild(std::size_t i) const { return input(i).rebuild(); }

  /// Adds `dx` to the gradient of input `i`. **Throws** ShapeError when the shapes differ.
  void accumulate(std::size_t i, NdArray<T> dx) {
    if (!needs(i)) return;
    detail::Node<T>& x = input(i);
    check_shape(i, dx.shape());
    detail::add_gradient(x, std::move(dx));
  }

  /// Input `i` as a tensor of the same graph, with these numbers if its own are freed. For ops
  /// whose backward records a graph; undefined if the input was.
  Tensor<T> input_tensor(std::size_t i, const NdArray<T>& value) const {
    const auto& node = node_.inputs()[i];
    if (!node) return {};
    if (!node->value.defined()) node->value = value;
    return Tensor<T>(node);
  }

  /// Passes `dout` on through the graph that made `y`, which stands in for this op's result,
  /// instead of giving the inputs gradients. **Throws** ShapeError unless it has the result's
  /// shape.
  void continue_through(const Tensor<T>& y) {
    if (!(y.shape() == dout_.shape())) {
      throw ShapeError(detail::concat("[", node_.op,
                                      "] the result must have the same shape again: ", "first ",
                                      dout_.shape(), ", then ", y.shape()));
    }
    if (y.requires_grad()) next_ = y.node_ptr();
  }
  const typename Tensor<T>::NodePtr& next() const { return next_; }

  /// Says that backward has computed a product of `n` multiply-adds.
  void count_macs(double n) { macs_ += n; }
  double macs() const { return macs_; }

  /// For kernels that can add to their output: the gradient array of input `i`, and whether it
  /// already holds something to add to (if not, it is uninitialised and must be overwritten).
  struct Sink {
    NdArray<T>& grad;
    bool accumulate;
  };
  Sink sink(std::size_t i) {
    detail::Node<T>& x = input(i);
    const bool exists = x.grad.defined();
    if (exists) {
      x.grad.make_unique();
    } else {
      x.grad = NdArray<T>(x.value.shape());
    }
    return {x.grad, exists};
  }

 private:
  detail::Node<T>& input(std::size_t i) const { return *node_.inputs()[i]; }

  void check_shape(std::size_t i, const Shape& shape) const {
    if (!(shape == input(i).value.shape())) {
      throw ShapeError(detail::concat("[", node_.op, "] backward gave input ", i,
                                      " a gradient of shape ", shape, ", its value has ",
                                      input(i).value.shape()));
    }
  }

  detail::Node<T>& node_;
  NdArray<T> dout_;
  typename Tensor<T>::NodePtr next_;
  double macs_ = 0;
};

namespace detail {

template <class T>
Observer::Seen seen(const Node<T>& node) {
  const auto numbers = [](const NdArray<T>& a) {
    return a.defined() ? NumbersView(a.data(), a.numel()) : NumbersView();
  };
  return {node.id,
          node.value.shape(),
          numbers(node.value),
          numbers(node.grad),
          node.requires_grad,
          node.value.buffer()};
}

/// Reports an op to the thread's observer, which there is. `inputs` are the op's.
template <class T, class Inputs>
[[gnu::noinline, gnu::cold]] void report(Observer::Phase phase, const Op& op, const Node<T>& result,
                                         const Inputs& inputs) {
  std::vector<Observer::Seen> list;
  for (const auto& node : inputs) {
    if (node) list.push_back(seen(*node));
  }
  Observer::active()->observe({phase, op.name, seen(result), list, op.macs, op.reads});
}

template <class T>
bool any_requires_grad(std::span<const Node<T>* const> inputs) {
  for (const Node<T>* node : inputs) {
    if (node && node->requires_grad) return true;
  }
  return false;
}

template <class T, std::same_as<Tensor<T>>... Rest>
bool any_requires_grad(const Tensor<T>& first, const Rest&... rest) {
  const Node<T>* const nodes[] = {first.node_ptr().get(), rest.node_ptr().get()...};
  return any_requires_grad<T>(nodes);
}

/// Whether the result of an op on these will have a backward.
template <class T, std::same_as<Tensor<T>>... Rest>
bool records(const Tensor<T>& first, const Rest&... rest) {
  return grad_enabled() && any_requires_grad(first, rest...);
}

/// What a closure keeps of an array that is the caller's, such as indices: a copy, since the caller
/// may write to it before backward. Shared where nothing is recorded.
template <class U, class... Inputs>
NdArray<U> keep_copy(const NdArray<U>& array, const Inputs&... inputs) {
  return records(inputs...) ? array.clone() : array;
}

/// The result of an op in the graph.
template <class T>
Tensor<T> record(const Op& op, NdArray<T> value, std::unique_ptr<Closure<T>> closure) {
  Tensor<T> out(std::move(value));
  Node<T>& node = *out.node_ptr();
  node.op = op.name;
  node.reads = op.reads;
  node.closure = std::move(closure);
  node.requires_grad = true;
  return out;
}

/// The result of an op, in the graph if there is a closure. `inputs` are the op's.
template <class T>
Tensor<T> finish(const Op& op, NdArray<T> value, std::unique_ptr<Closure<T>> closure,
                 std::span<const Node<T>* const> inputs) {
  Tensor<T> out =
      closure ? record(op, std::move(value), std::move(closure)) : Tensor<T>(std::move(value));
  if (Observer::active()) report(Observer::Phase::kForward, op, *out.node_ptr(), inputs);
  return out;
}

}  // namespace detail

/// Makes the result of an op: how every op, the library's and yours, enters the graph.
///
/// `op` is the op's name, a string literal; or its name and its work: `{"matmul", macs}`.
/// `backward(BackwardContext<T>&)` is kept only if gradients are on and some input requires one; it
/// is called at most once per `backward()` and calls `context.accumulate(i, dx)` for each input it
/// has a gradient for, where `i` counts the `inputs` from 0. Capture arrays (`x.value()`) in it,
/// never tensors of the same graph. An undefined tensor (an absent bias) keeps its place and never
/// needs a gradient.
template <class T, class F, class... Inputs>
Tensor<T> make_result(const Op& op, NdArray<T> value, F&& backward, const Tensor<T>& first,
                      const Inputs&... rest) {
  using Closure = detail::ClosureOf<T, std::decay_t<F>, 1 + static_cast<int>(sizeof...(rest))>;
  const detail::Node<T>* const inputs[] = {first.node_ptr().get(), rest.node_ptr().get()...};
  std::unique_ptr<detail::Closure<T>> closure;
  if (grad_enabled() && detail::any_requires_grad<T>(inputs)) {
    closure.reset(new Closure({first.node_ptr(), rest.node_ptr()...}, std::forward<F>(backward)));
  }
  return detail::finish<T>(op, std::move(value), std::move(closure), inputs);
}

/// The same for a list of inputs whose length is known at run time.
template <class T, class F>
Tensor<T> make_result(const Op& op, NdArray<T> value, F&& backward,
                      std::span<const Tensor<T>> list) {
  using Closure = detail::ClosureOf<T, std::decay_t<F>, -1>;
  typename Closure::Inputs nodes;
  std::vector<const detail::Node<T>*, detail::CacheAllocator<const detail::Node<T>*>> inputs;
  nodes.reserve(list.size());
  inputs.reserve(list.size());
  for (const Tensor<T>& x : list) {
    nodes.push_back(x.node_ptr());
    inputs.push_back(x.node_ptr().get());
  }
  std::unique_ptr<detail::Closure<T>> closure;
  if (grad_enabled() && detail::any_requires_grad<T>(inputs)) {
    closure.reset(new Closure(std::move(nodes), std::forward<F>(backward)));
  }
  return detail::finish<T>(op, std::move(value), std::move(closure), inputs);
}

}  // namespace eigengrad

#include <eigengrad/core/backward.hpp>
