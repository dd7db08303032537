// SPDX-License-Identifier: MIT
// What eigengrad::compiled holds of the modules, the models and the optimisers.
#define EIGENGRAD_COMPILED
#include "kernels.hpp"

#include <eigengrad/ops.hpp>
// From here on, templates are instantiated.
#undef EIGENGRAD_INSTANTIATE
#define EIGENGRAD_INSTANTIATE(...) template __VA_ARGS__;
#include <eigengrad/models.hpp>
#include <eigengrad/nn.hpp>
#include <eigengrad/optim.hpp>
