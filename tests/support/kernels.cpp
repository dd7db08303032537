// SPDX-License-Identifier: MIT
// The one place where the tests' heavy kernels are instantiated.
#include <eigengrad/kernels/gemm.hpp>

namespace eigengrad::kernels {
template void gemm<float>(const Gemm<float>&);
template void gemm<double>(const Gemm<double>&);
}  // namespace eigengrad::kernels
