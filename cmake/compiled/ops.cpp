// SPDX-License-Identifier: MIT
// What eigengrad::compiled holds of the engine and the ops; their kernels have sources of their
// own.
#define EIGENGRAD_COMPILED
#include "kernels.hpp"
// From here on, templates are instantiated.
#undef EIGENGRAD_INSTANTIATE
#define EIGENGRAD_INSTANTIATE(...) template __VA_ARGS__;
#include <eigengrad/ops.hpp>
