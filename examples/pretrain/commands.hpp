// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

/// The program's commands; each takes the arguments after its name and returns the exit status.
namespace pretrain {

int run(const std::vector<std::string>& arguments);
int probe(const std::vector<std::string>& arguments);
int picture(const std::vector<std::string>& arguments);

}  // namespace pretrain
