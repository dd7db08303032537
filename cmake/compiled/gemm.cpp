// SPDX-License-Identifier: MIT
#define EIGENGRAD_COMPILING
#include <eigengrad/kernels/gemm/gemm.hpp>
