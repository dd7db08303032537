// SPDX-License-Identifier: MIT
#pragma once

namespace eigengrad {

/// How a value between pixels follows from those around it, for tensors and for byte images.
enum class Interpolation { kNearest, kBilinear, kBicubic };

}  // namespace eigengrad
