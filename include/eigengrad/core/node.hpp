// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/op.hpp>

/// The graph: the nodes that tensors are handles of, and what an op keeps for backward.
///
/// Only `ClosureOf` depends on an op's closure; all else is compiled once.
namespace eigengrad {

template <class T>
class BackwardContext;

/// A function of a gradient that is called when the gradient of a tensor is complete. What it
/// returns replaces the gradient; it must have the same shape.
template <class T>
using GradHook = std::function<NdArray<T>(const NdArray<T>&)>;

namespace detail {

inline std::uint64_t next_node_id() {
  static std::atomic<std::uint64_t> id{1};
  return id.fetch_add(1, std::memory_order_relaxed);
}

[[noreturn]] inline void throw_freed(const char* op) {
  throw StateError(concat("[backward] the graph through ", op,
                          " has been freed by an earlier backward; pass {.retain_graph = true} to "
                          "that one"));
}

template <class T>
struct Node;
template <class T>
using NodePtr = std::shared_ptr<Node<T>>;

/// What backward needs of an op: its inputs, and the function that computes their gradients.
template <class T>
struct Closure {
  Closure() = default;
  Closure(const Closure&) = delete;
  Closure& operator=(const Closure&) = delete;
  virtual ~Closure() = default;

  virtual void run(BackwardContext<T>& context) = 0;
  /// Whether the result can be made again from what backward keeps anyway, and doing so.
  virtual bool can_rebuild() const { return false; }
  virtual NdArray<T> rebuild() const { return {}; }

  static void* operator new(std::size_t bytes) { return BlockCache::instance().allocate(bytes); }
  static void operator delete(void* p, std::size_t bytes) {
    BlockCache::instance().deallocate(p, bytes);
  }

  std::span<NodePtr<T>> inputs;
};

/// A value, its gradient, and (for an op's result) its closure; tensors are handles of it.
template <class T>
struct Node {
  using Ptr = NodePtr<T>;

  explicit Node(NdArray<T> v) : value(std::move(v)), id(next_node_id()) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() { drop_closure(); }

  /// An op's result: has inputs (until it is freed) and can run backward.
  bool is_result() const { return op != nullptr; }

  std::span<Ptr> inputs() const { return closure ? closure->inputs : std::span<Ptr>(); }
  bool can_rebuild() const { return closure && closure->can_rebuild(); }
  /// The value, made again. **Throws** StateError if an earlier backward freed what that takes.
  NdArray<T> rebuild() const {
    if (!can_rebuild()) throw_freed(op);
    return closure->rebuild();
  }
  /// Frees the saved arrays and drops the inputs.
  void free_graph() {
    freed = true;
    drop_closure();
  }

  NdArray<T> value;  ///< without its numbers when no tensor is a handle of this any more
  NdArray<T> grad;
  std::atomic<std::int64_t> handles{0};
  const char* op = nullptr;
  std::unique_ptr<Closure<T>> closure;  ///< null for a leaf, and once the graph is freed
  std::vector<GradHook<T>> hooks;
  std::uint64_t id;
  Op::Reads reads = Op::Reads::kAll;
  bool requires_grad = false;
  bool retain_grad = false;
  bool freed = false;

 private:
  /// Drops the inputs without recursion, however long the chain that they lead to: the outermost
  /// call on this thread works through a list, and the destructors that it calls only add to it.
  void drop_closure() {
    using Queue = std::vector<Ptr, CacheAllocator<Ptr>>;
    thread_local Queue* active = nullptr;
    if (!closure) return;
    Queue own;
    const bool outermost = active == nullptr;
    if (outermost) active = &own;
    for (Ptr& node : closure->inputs) active->push_back(std::move(node));
    closure.reset();  // an input that it captured is in the list
    if (!outermost) return;
    while (!own.empty()) {
      Ptr node = std::move(own.back());
      own.pop_back();
      node.reset();
    }
    active = nullptr;
  }
};

/// A tensor's share in a node. Dropping the last handle frees the value, though the graph still
/// holds the node: only what closures saved of the value stays.
template <class T>
class Handle {
 public:
  using Ptr = NodePtr<T>;

  Handle() = default;
  explicit Handle(Ptr node) : node_(std::move(node)) { enter(); }
  Handle(const Handle& other) : node_(other.node_) { enter(); }
  Handle(Handle&& other) noexcept : node_(std::move(other.node_)) {}
  Handle& operator=(Handle other) noexcept {
    node_.swap(other.node_);
    return *this;
  }
  ~Handle() {
    if (node_ && node_->handles.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      node_->value.drop_storage();
    }
  }

  const Ptr& node() const { return node_; }

 private:
  void enter() {
    if (node_) node_->handles.fetch_add(1, std::memory_order_relaxed);
  }

  Ptr node_;
};

/// A backward closure that can make its op's result again.
template <class F>
concept Rebuilds = requires(const F& f) {
  { f.can_rebuild() } -> std::same_as<bool>;
  f.rebuild();
};

/// A closure `F` and `N` inputs (N < 0: any number).
template <class T, class F, int N>
struct ClosureOf final : Closure<T> {
  using Inputs =
      std::conditional_t<(N >= 0), std::array<NodePtr<T>, static_cast<std::size_t>(N < 0 ? 0 : N)>,
                         std::vector<NodePtr<T>, CacheAllocator<NodePtr<T>>>>;

  template <class G>
  ClosureOf(Inputs in, G&& f) : list(std::move(in)), function(std::forward<G>(f)) {
    this->inputs = list;
  }

  void run(BackwardContext<T>& context) override { function(context); }
  bool can_rebuild() const override {
    if constexpr (Rebuilds<F>) return function.can_rebuild();
    return false;
  }
  NdArray<T> rebuild() const override {
    if constexpr (Rebuilds<F>) return function.rebuild();
    return {};
  }

  Inputs list;
  F function;
};

}  // namespace detail
}  // namespace eigengrad
