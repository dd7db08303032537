// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <eigengrad/core/ndarray.hpp>

namespace vit {

/// Reads a picture (PNG, JPEG, BMP, ...) as (3, H, W), 0 to 255. **Throws** IoError.
eigengrad::NdArray<float> read_image(const std::string& path);

}  // namespace vit
