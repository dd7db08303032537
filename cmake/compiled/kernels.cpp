// SPDX-License-Identifier: MIT
// What eigengrad::compiled holds of the kernels, but for the matrix product.
#define EIGENGRAD_COMPILED
#include <eigengrad/kernels/gemm/gemm.hpp>
// From here on, templates are instantiated.
#undef EIGENGRAD_INSTANTIATE
#define EIGENGRAD_INSTANTIATE(...) template __VA_ARGS__;
#include "kernels.hpp"
