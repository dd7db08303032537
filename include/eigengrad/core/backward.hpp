// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/tensor.hpp>

/// The engine: runs a graph backward, each node once, newest first.
namespace eigengrad {

namespace detail {

/// Nodes that wait to run backward. A node's consumers are all newer than the node, so its gradient
/// is complete when it is the newest that waits. A node enters once for each consumer and all its
/// entries come out together, so no node needs a mark.
template <class T>
class BackwardQueue {
 public:
  using Ptr = typename Node<T>::Ptr;

  void push(const Ptr& node) {
    heap_.push_back(node);
    std::push_heap(heap_.begin(), heap_.end(), older);
  }

  /// The newest node; null when none is left.
  Ptr pop() {
    if (heap_.empty()) return nullptr;
    Ptr node = take();
    while (!heap_.empty() && heap_.front() == node) take();
    return node;
  }

 private:
  static bool older(const Ptr& a, const Ptr& b) { return a->id < b->id; }

  Ptr take() {
    std::pop_heap(heap_.begin(), heap_.end(), older);
    Ptr node = std::move(heap_.back());
    heap_.pop_back();
    return node;
  }

  std::vector<Ptr, CacheAllocator<Ptr>> heap_;
};

/// The gradient that earlier backwards left in a leaf with hooks or in a result that retains its
/// gradient. It is kept apart, so that hooks see, and inputs get, this backward's gradient alone.
template <class T>
struct SetAside {
  typename Node<T>::Ptr node;
  NdArray<T> earlier;
};

template <class T>
void run_hooks(Node<T>& node) {
  for (const GradHook<T>& hook : node.hooks) {
    NdArray<T> changed = hook(node.grad);
    if (!(changed.shape() == node.grad.shape())) {
      throw ShapeError(concat("[hook] must return a gradient of shape ", node.grad.shape(),
                              ", returned ", changed.shape()));
    }
    node.grad = std::move(changed);
  }
}

template <class T>
void add_in_place(NdArray<T>& sum, const NdArray<T>& add) {
  sum.make_unique();
  sum.array() += add.array();
}

template <class T>
class BackwardRun {
 public:
  using Ptr = typename Node<T>::Ptr;

  explicit BackwardRun(const BackwardOptions& options) : options_(options) {}

  void run(const Ptr& root, NdArray<T> dout) {
    enter(root);
    if (root->grad.defined()) {
      add_in_place(root->grad, dout);
    } else {
      root->grad = std::move(dout);
    }
    Ptr node;
    try {
      while ((node = queue_.pop())) visit(*node);
    } catch (...) {
      // Half-made gradients must not leak into a later backward. What waits here, results and
      // leaves with hooks, has its earlier gradient set aside.
      for (; node; node = queue_.pop()) node->grad = NdArray<T>();
      restore_earlier();
      throw;
    }
    restore_earlier();
  }

 private:
  void enter(const Ptr& node) {
    // A leaf without hooks only gathers: there is nothing to run when its gradient is complete.
    const bool holds_earlier = node->is_result() ? node->retain_grad : !node->hooks.empty();
    if (holds_earlier) {
      if (set_aside(node)) return;  // a second consumer: it waits already
      aside_.push_back({node, std::exchange(node->grad, NdArray<T>())});
    } else if (!node->is_result()) {
      return;
    }
    queue_.push(node);
  }

  bool set_aside(const Ptr& node) const {
    return std::any_of(aside_.begin(), aside_.end(),
                       [&](const SetAside<T>& a) { return a.node == node; });
  }

  void visit(Node<T>& node) {
    if (!node.grad.defined()) return;  // no consumer had a gradient for it
    run_hooks(node);
    if (!node.is_result()) return;
    if (node.freed) throw_freed(node.op);
    for (const Ptr& input : node.inputs()) {
      if (input && input->requires_grad) enter(input);
    }
    NdArray<T> dout = node.retain_grad ? node.grad : std::exchange(node.grad, NdArray<T>());
    BackwardContext<T> context(node, std::move(dout));
    node.closure->run(context);
    if (Observer::active()) {
      report(Observer::Phase::kBackward, Op(node.op, context.macs(), node.reads), node,
             node.inputs());
    }
    if (!options_.retain_graph) node.free_graph();
    // What backward recorded just now is newer than all that waits, so it runs next.
    if (const Ptr next = context.next()) {
      enter(next);
      add_gradient(*next, NdArray<T>(context.dout()));
    }
  }

  void restore_earlier() {
    for (SetAside<T>& a : aside_) {
      if (!a.earlier.defined()) continue;
      if (a.node->grad.defined()) {
        add_in_place(a.node->grad, a.earlier);
      } else {
        a.node->grad = std::move(a.earlier);
      }
    }
  }

  BackwardOptions options_;
  BackwardQueue<T> queue_;
  std::vector<SetAside<T>, CacheAllocator<SetAside<T>>> aside_;
};

}  // namespace detail

template <class T>
void Tensor<T>::backward(const BackwardOptions& options) const {
  if (numel() != 1) {
    throw ShapeError(detail::concat("[backward] needs a scalar, shape is ", shape(),
                                    "; reduce it with sum() or mean(), or pass its gradient"));
  }
  backward(NdArray<T>::ones(shape()), options);
}

template <class T>
void Tensor<T>::backward(NdArray<T> dout, const BackwardOptions& options) const {
  if (!requires_grad()) {
    throw StateError(
        "[backward] nothing here requires a gradient; were the parameters made with "
        "requires_grad, and is no NoGrad guard alive?");
  }
  if (!(dout.shape() == shape())) {
    throw ShapeError(detail::concat("[backward] the gradient must have the tensor's shape ",
                                    shape(), ", got ", dout.shape()));
  }
  NoGrad guard;
  // Gradients start as this array; the caller may write to its own copy of it.
  dout.make_unique();
  detail::BackwardRun<T>(options).run(node_ptr(), std::move(dout));
}

EIGENGRAD_INSTANTIATE(void Tensor<float>::backward(const BackwardOptions&) const)
EIGENGRAD_INSTANTIATE(void Tensor<double>::backward(const BackwardOptions&) const)
EIGENGRAD_INSTANTIATE(void Tensor<float>::backward(NdArray<float>, const BackwardOptions&) const)
EIGENGRAD_INSTANTIATE(void Tensor<double>::backward(NdArray<double>, const BackwardOptions&) const)

}  // namespace eigengrad
