// SPDX-License-Identifier: MIT
// Trains an encoder and decoder on pairs of sequences, and translates with it.
#include <cstdio>
#include <string>
#include <vector>

#include <examples/common/options.hpp>
#include <examples/common/program.hpp>
#include <examples/translate/commands.hpp>

namespace {

constexpr const char* kHelp =
    "usage: translate COMMAND [options]\n"
    "\n"
    "Trains a transformer, encoder and decoder, to write one sequence for another: letters\n"
    "reversed, digits sorted, or English number words in German.\n"
    "\n"
    "  train      train a model on pairs that the program makes; writes model.safetensors\n"
    "  run        translate with a trained model\n"
    "  pairs      print some of the pairs\n"
    "\n"
    "translate COMMAND --help lists a command's options.\n";

int run(const std::string& program, const std::string& command,
        const std::vector<std::string>& arguments) {
  if (command == "train") return translate::train(arguments, program);
  if (command == "run") return translate::run(arguments);
  if (command == "pairs") return translate::pairs(arguments);
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  throw cli::UsageError("there is no command \"" + command + "\"; it is one of train, run, pairs");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  return cli::exit_status("translate", [&] {
    return run(argv[0], argv[1], {argv + 2, argv + argc});
  });
}
