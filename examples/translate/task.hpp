// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <examples/translate/number_words.hpp>
#include <examples/translate/vocabulary.hpp>

/// What there is to learn: pairs of texts without end, made by a rule.
namespace translate {

struct Pair {
  std::string source;
  std::string target;
};

/// A tenth of the sources is never trained on.
enum class Part : std::uint64_t { kTrain = 1, kUnseen = 2 };

struct TaskSettings {
  std::string task = "numbers";
  Index length = 0;
  std::uint64_t seed = 1;
};

inline const std::vector<std::string>& task_names() {
  static const std::vector<std::string> names = {"reverse", "sort", "numbers"};
  return names;
}

inline void add_task_options(cli::Options& options, TaskSettings& t) {
  options.section("Pairs");
  options.add("task", t.task, task_names(),
              "reverse letters, sort digits, or English number words to German");
  options.add("length", t.length, "N",
              "letters or digits of the longest source; 0 is 10, for numbers 6", 0, 1000);
  options.add("seed", t.seed, "N", "seed of everything random", 0);
}

/// Fills in the length that was left open. **Throws** UsageError on one that the task cannot have.
inline void check_task(TaskSettings& t) {
  const bool numbers = t.task == "numbers";
  if (t.length == 0) t.length = numbers ? 6 : 10;
  if (t.length < 3) {
    throw cli::UsageError("--length must be at least 3, or all sources would be trained on");
  }
  if (numbers && t.length > 6) {
    throw cli::UsageError("--length must be up to 6 for numbers, which end at 999,999");
  }
}

/// Whether a source is kept from training. Short ones never are: there are few of them.
inline bool is_unseen(const std::string& source, Index length) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : source) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return length >= 3 && (hash >> 32) % 10 == 0;
}

/// Makes pairs of one part, the same ones for the same seed.
class Task {
 public:
  Task(const TaskSettings& settings, Part part)
      : settings_(settings),
        part_(part),
        rng_(eg::Generator(settings.seed).fork(static_cast<std::uint64_t>(part))) {}

  /// All lengths are equally frequent.
  Pair next() {
    while (true) {
      const Index length = 1 + rng_.integer(settings_.length);
      Pair pair = draw(length);
      if (is_unseen(pair.source, length) == (part_ == Part::kUnseen)) return pair;
    }
  }
  std::vector<Pair> next(Index count) {
    std::vector<Pair> out;
    for (Index i = 0; i < count; ++i) out.push_back(next());
    return out;
  }

 private:
  Pair draw(Index length) {
    if (settings_.task == "numbers") {
      int low = 1;
      for (Index i = 1; i < length; ++i) low *= 10;
      if (length == 1) low = 0;
      const int high = length == 1 ? 10 : low * 10;
      const int n = low + static_cast<int>(rng_.integer(high - low));
      return {english_words(n), german_words(n)};
    }
    const bool sorts = settings_.task == "sort";
    std::string source;
    for (Index i = 0; i < length; ++i) {
      source += static_cast<char>(sorts ? '0' + rng_.integer(10) : 'a' + rng_.integer(26));
    }
    std::string target(source.rbegin(), source.rend());
    if (sorts) std::sort(target.begin(), target.end());
    return {source, target};
  }

  TaskSettings settings_;
  Part part_;
  eg::Generator rng_;
};

inline Vocabularies make_vocabularies(const std::string& task) {
  if (task == "numbers") {
    std::vector<std::string> english, german;
    for (int n = 0; n <= 1000; ++n) {  // no number has other words
      english.push_back(english_words(n));
      german.push_back(german_words(n));
    }
    return {Vocabulary(Pieces::kWords, english), Vocabulary(Pieces::kCharacters, german)};
  }
  const Vocabulary characters(
      Pieces::kCharacters,
      {task == "sort" ? std::string("0123456789") : std::string("abcdefghijklmnopqrstuvwxyz")});
  return {characters, characters};
}

/// Room for the longest target and its end, in tokens.
inline Index longest(const TaskSettings& t) {
  // The longest word is that of 777,777, with 65 letters.
  return t.task == "numbers" ? 66 : t.length + 1;
}

}  // namespace translate
