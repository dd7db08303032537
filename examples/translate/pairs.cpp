// SPDX-License-Identifier: MIT
#include <cstdio>

#include <examples/translate/commands.hpp>
#include <examples/translate/task.hpp>

namespace translate {

int pairs(const std::vector<std::string>& arguments) {
  TaskSettings task;
  Index count = 10;
  bool unseen = false;
  cli::Options options(
      "translate pairs [options]",
      "Prints pairs, source and target with a tab between them: those that `train` "
      "takes, in its\norder, for the same task, length and seed.");
  add_task_options(options, task);
  options.add("count", count, "N", "number of pairs", 0);
  options.flag("unseen", unseen, "those that measure, instead of those that train");
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  check_task(task);
  Task from(task, unseen ? Part::kUnseen : Part::kTrain);
  for (Index i = 0; i < count; ++i) {
    const Pair pair = from.next();
    std::printf("%s\t%s\n", pair.source.c_str(), pair.target.c_str());
  }
  return 0;
}

}  // namespace translate
