// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

/// The program's commands; each takes the arguments after its name and returns the exit status.
namespace translate {

int train(const std::vector<std::string>& arguments, const std::string& program);
int run(const std::vector<std::string>& arguments);
int pairs(const std::vector<std::string>& arguments);

}  // namespace translate
