// SPDX-License-Identifier: MIT
// Trains a language model of characters on a text, and lets it write.
#include <cstdio>
#include <string>
#include <vector>

#include <examples/char_lm/commands.hpp>
#include <examples/common/options.hpp>
#include <examples/common/program.hpp>

namespace {

constexpr const char* kHelp =
    "usage: char_lm COMMAND [options]\n"
    "\n"
    "Trains a language model of characters, a small GPT, on a text, and lets it write.\n"
    "\n"
    "  train      train a model on a text file; writes model.safetensors and more\n"
    "  sample     continue a prompt with a trained model\n"
    "\n"
    "char_lm COMMAND --help lists a command's options.\n";

int run(const std::string& program, const std::string& command,
        const std::vector<std::string>& arguments) {
  if (command == "train") return char_lm::train(arguments, program);
  if (command == "sample") return char_lm::sample(arguments);
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  throw cli::UsageError("there is no command \"" + command + "\"; it is one of train, sample");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  return cli::exit_status("char_lm", [&] {
    return run(argv[0], argv[1], {argv + 2, argv + argc});
  });
}
