// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/nn/module.hpp>

/// The random state of a model's dropout and stochastic depth as arrays by name, for the file of a
/// run that is to continue with the same bits (`state_dict()` leaves it out, since a trained model
/// does not need it). To repeat draws within a program take a `GeneratorSnapshot`.
namespace eigengrad::nn {

/// The state of each of `named_generators()`. **Shapes** (3): seed, stream, counter.
template <class T>
StateDict<Index> random_state(const Module<T>& module) {
  StateDict<Index> out;
  for (const auto& [name, generator] : module.named_generators()) {
    const Generator::State& state = generator->state();
    out[name] =
        NdArray<Index>({3}, {static_cast<Index>(state.seed),  // 64 bits there and back
                             static_cast<Index>(state.stream), static_cast<Index>(state.counter)});
  }
  return out;
}

/// Sets all generators to what `random_state` gave.
///
/// **Throws** ValueError, and changes nothing, unless names and shapes are the module's.
template <class T>
void load_random_state(const Module<T>& module, const StateDict<Index>& states) {
  const auto generators = module.named_generators();
  for (const auto& [name, generator] : generators) {
    const auto found = states.find(name);
    if (found == states.end() || !(found->second.shape() == Shape{3})) {
      throw ValueError(detail::concat("[load_random_state] the state of ", name,
                                      found == states.end() ? " is missing" : " must be (3)",
                                      "; it must come from random_state of the same model"));
    }
  }
  if (states.size() != generators.size()) {
    throw ValueError(detail::concat("[load_random_state] there are ", states.size(), " states for ",
                                    generators.size(),
                                    " generators; they must come from the same model"));
  }
  for (const auto& [name, generator] : generators) {
    const Index* words = states.at(name).data();
    generator->set_state({static_cast<std::uint64_t>(words[0]),
                          static_cast<std::uint64_t>(words[1]),
                          static_cast<std::uint64_t>(words[2])});
  }
}

}  // namespace eigengrad::nn
