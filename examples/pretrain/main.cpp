// SPDX-License-Identifier: MIT
// Pretrains a Vision Transformer on images without their labels, and shows what it has learned.
#include <cstdio>
#include <string>
#include <vector>

#include <examples/common/options.hpp>
#include <examples/common/program.hpp>
#include <examples/pretrain/commands.hpp>

namespace {

constexpr const char* kHelp =
    "usage: pretrain COMMAND [options]\n"
    "\n"
    "Pretrains a Vision Transformer on CIFAR-10 without labels, and shows what it has learned.\n"
    "\n"
    "  run        learn a task that needs no labels; writes encoder.safetensors and more\n"
    "  probe      measure a run's features by a linear classifier, next to an untrained encoder's\n"
    "  picture    draw images that a run has completed or coloured\n"
    "\n"
    "pretrain COMMAND --help lists a command's options.\n";

int run(const std::string& command, const std::vector<std::string>& arguments) {
  if (command == "run") return pretrain::run(arguments);
  if (command == "probe") return pretrain::probe(arguments);
  if (command == "picture") return pretrain::picture(arguments);
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  throw cli::UsageError("there is no command \"" + command +
                        "\"; it is one of run, probe, picture");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  return cli::exit_status("pretrain", [&] { return run(argv[1], {argv + 2, argv + argc}); });
}
