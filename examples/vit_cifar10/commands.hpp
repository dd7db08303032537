// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

/// The program's commands; each takes the arguments after its name and returns the exit status.
namespace vit {

int train(const std::vector<std::string>& arguments, const std::string& command_line);
int evaluate(const std::vector<std::string>& arguments);
int predict(const std::vector<std::string>& arguments);
int explain(const std::vector<std::string>& arguments);
int report_command(const std::vector<std::string>& arguments);
int runs(const std::vector<std::string>& arguments);
int generate(const std::vector<std::string>& arguments);

}  // namespace vit
