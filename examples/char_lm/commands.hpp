// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

/// The program's commands; each takes the arguments after its name and returns the exit status.
namespace char_lm {

int train(const std::vector<std::string>& arguments, const std::string& program);
int sample(const std::vector<std::string>& arguments);

}  // namespace char_lm
