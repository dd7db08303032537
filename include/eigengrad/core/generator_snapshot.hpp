// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/random.hpp>

namespace eigengrad {

/// The states of several generators at one moment, so that what they draw can be drawn again:
///
///     GeneratorSnapshot start(model.generators());
///     const float first = model(x).value()(0);
///     start.restore();
///     model(x).value()(0) == first;
///
/// It points to the generators, which must live as long.
class GeneratorSnapshot {
 public:
  GeneratorSnapshot() = default;
  /// Takes the states that the generators have now.
  explicit GeneratorSnapshot(GeneratorList generators) : generators_(std::move(generators)) {
    states_.resize(generators_.size());
    take();
  }

  /// Replaces the states by those of now.
  void take() {
    for (std::size_t i = 0; i < states_.size(); ++i) states_[i] = generators_[i]->state();
  }
  /// Sets the generators back.
  void restore() const {
    for (std::size_t i = 0; i < states_.size(); ++i) generators_[i]->set_state(states_[i]);
  }

  const GeneratorList& generators() const& { return generators_; }
  GeneratorList generators() && { return std::move(generators_); }

 private:
  GeneratorList generators_;
  std::vector<Generator::State, detail::CacheAllocator<Generator::State>> states_;
};

/// Sets generators back to a snapshot while it lives; then they go on from where they were.
class [[nodiscard]] RewindGenerators {
 public:
  [[nodiscard]] explicit RewindGenerators(const GeneratorSnapshot& to) : later_(to.generators()) {
    to.restore();
  }
  ~RewindGenerators() { later_.restore(); }
  RewindGenerators(const RewindGenerators&) = delete;
  RewindGenerators& operator=(const RewindGenerators&) = delete;

 private:
  GeneratorSnapshot later_;
};

}  // namespace eigengrad
