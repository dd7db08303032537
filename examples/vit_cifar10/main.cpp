// SPDX-License-Identifier: MIT
// Trains a Vision Transformer on CIFAR or on a folder of images, and uses it.
#include <cstdio>

#include <examples/common/options.hpp>
#include <examples/common/program.hpp>
#include <examples/vit_cifar10/commands.hpp>

namespace {

constexpr const char* kHelp =
    "usage: vit_cifar10 COMMAND [options]\n"
    "\n"
    "Trains a Vision Transformer on CIFAR-10, CIFAR-100 or a folder of images on the CPU, and uses "
    "it.\n"
    "\n"
    "  train      train a model; writes model.safetensors, report.html and more\n"
    "  eval       measure a checkpoint: accuracy, each class, calibration\n"
    "  predict    say what is in pictures and folders of them\n"
    "  explain    show where a model looks in a picture\n"
    "  report     make a run's report.html again\n"
    "  runs       compare runs: time, budget, images/s, accuracy\n"
    "  generate   write a drawn data set, as CIFAR-10 or as a folder of images\n"
    "\n"
    "vit_cifar10 COMMAND --help lists a command's options.\n";

int run(const std::string& command, const std::vector<std::string>& arguments,
        const std::string& command_line) {
  if (command == "train") return vit::train(arguments, command_line);
  if (command == "eval") return vit::evaluate(arguments);
  if (command == "predict") return vit::predict(arguments);
  if (command == "explain") return vit::explain(arguments);
  if (command == "report") return vit::report_command(arguments);
  if (command == "runs") return vit::runs(arguments);
  if (command == "generate") return vit::generate(arguments);
  if (command == "--help" || command == "-h" || command == "help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  throw cli::UsageError("there is no command \"" + command +
                        "\"; it is one of train, eval, predict, explain, report, runs, generate");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(kHelp, stderr);
    return 2;
  }
  std::string command_line;
  for (int i = 0; i < argc; ++i) {
    if (i > 0) command_line += ' ';
    command_line += argv[i];
  }
  return cli::exit_status("vit_cifar10", [&] {
    return run(argv[1], {argv + 2, argv + argc}, command_line);
  });
}
