// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include <examples/vit_cifar10/learner.hpp>

/// Patches that become smaller during a run: the first epochs, on few tokens, cost little.
namespace vit {

class PatchSchedule {
 public:
  struct Part {
    Index patch_size;
    int epochs;
  };

  /// `text` is "8:30,4:10", 30 epochs with patches of 8 pixels and then 10 with patches of 4; an
  /// empty one has no parts. **Throws** UsageError.
  explicit PatchSchedule(std::string_view text) {
    const std::string whole(text);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(','), text.size());
      parts_.push_back(part(text.substr(0, end), whole));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  bool empty() const { return parts_.empty(); }
  int epochs() const {
    return std::accumulate(parts_.begin(), parts_.end(), 0,
                           [](int sum, const Part& part) { return sum + part.epochs; });
  }
  /// The side of the patches in an epoch, which counts from 1.
  Index patch_size(int epoch) const {
    for (const Part& part : parts_) {
      if (epoch <= part.epochs) return part.patch_size;
      epoch -= part.epochs;
    }
    return parts_.back().patch_size;
  }

 private:
  static Part part(std::string_view text, const std::string& whole) {
    Part out{};
    const std::size_t colon = text.find(':');
    const auto number = [](std::string_view digits, auto& value) {
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value);
      return error == std::errc() && end == digits.data() + digits.size() && value >= 1;
    };
    if (colon == std::string_view::npos || !number(text.substr(0, colon), out.patch_size) ||
        !number(text.substr(colon + 1), out.epochs)) {
      throw cli::UsageError("--patch-schedule needs PATCH:EPOCHS with commas, like 8:30,4:10: \"" +
                            whole + "\"");
    }
    return out;
  }

  std::vector<Part> parts_;
};

/// The settings with patches of another size; stride and padding change in proportion.
ModelSettings with_patch_size(ModelSettings model, Index patch_size);

/// A learner for `plan` with patches of another size that goes on where `learner` is: the filters
/// of the patches and the positions are resized, their moments and running means with them.
Learner change_patch_size(Learner& learner, const TrainSettings& t, Index patch_size,
                          Index steps_per_epoch, Index total_steps);

}  // namespace vit
