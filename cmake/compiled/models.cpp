// SPDX-License-Identifier: MIT
// What eigengrad::compiled holds of the tools for models that need Eigen's decompositions, which
// take long to compile.
#define EIGENGRAD_COMPILED
#include "kernels.hpp"

#include <eigengrad/models.hpp>
// From here on, templates are instantiated.
#undef EIGENGRAD_INSTANTIATE
#define EIGENGRAD_INSTANTIATE(...) template __VA_ARGS__;
#include <eigengrad/models/resize_model.hpp>
#include <eigengrad/models/whitening_filters.hpp>
