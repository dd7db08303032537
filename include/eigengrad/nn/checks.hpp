// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/shape.hpp>

/// What the constructors of several layers ask of their options.
namespace eigengrad::detail {

struct NamedSize {
  const char* name;
  Index value;
};

/// **Throws** ValueError, which names all sizes, unless each is positive.
inline void check_positive(const char* module, std::initializer_list<NamedSize> sizes) {
  const auto positive = [](const NamedSize& size) { return size.value > 0; };
  if (std::all_of(sizes.begin(), sizes.end(), positive)) return;
  if (sizes.size() == 1) {
    throw ValueError(concat("[", module, "] ", sizes.begin()->name,
                            " must be positive: ", sizes.begin()->value));
  }
  std::string list;
  for (const NamedSize& size : sizes) {
    list += concat(list.empty() ? "" : ", ", size.name, " ", size.value);
  }
  throw ValueError(concat("[", module, "] sizes must be positive: ", list));
}

}  // namespace eigengrad::detail
