// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <examples/vit_cifar10/report/predictions.hpp>

namespace vit::report {

/// Writes FOLDER/report.html, one file that needs no other and no network, about the run whose
/// run.json and model.safetensors are in the folder.
///
/// `predictions` are those of its model; `training`, if given, makes its batches. **Returns** the
/// file's path.
/// **Throws** IoError when a file cannot be read or written.
std::string make_report(const std::string& folder, Predictions predictions,
                        const eg::data::DataLoader* training);

}  // namespace vit::report
