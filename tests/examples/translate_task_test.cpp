// SPDX-License-Identifier: MIT
#include <algorithm>
#include <set>

#include <examples/translate/batch.hpp>
#include <tests/support/test.hpp>

using namespace translate;
using test::NdArray;
using Tokens = std::vector<eg::Index>;

namespace {

TaskSettings settings(const std::string& task, eg::Index length = 0) {
  TaskSettings out{.task = task, .length = length, .seed = 5};
  check_task(out);
  return out;
}

}  // namespace

TEST_CASE("translate: a text's pieces") {
  CHECK(split(Pieces::kWords, "two hundred and forty-two") ==
        std::vector<std::string>{"two", "hundred", "and", "forty", "two"});
  CHECK(split(Pieces::kWords, " -a ").size() == 1);
  CHECK(split(Pieces::kCharacters, "zwölf") == std::vector<std::string>{"z", "w", "ö", "l", "f"});
  CHECK(split(Pieces::kCharacters, "").empty());
}

TEST_CASE("translate: vocabularies number what they know after padding, start and end") {
  const Vocabulary characters(Pieces::kCharacters, {"cab", "ö"});
  CHECK(characters.size() == 7);
  CHECK(characters.encode("abcö") == Tokens{3, 4, 5, 6});
  CHECK(characters.decode({1, 6, 3, 2, 0}) == "öa");
  const Vocabulary words(Pieces::kWords, {"one two"});
  CHECK(words.decode(words.encode("two-one")) == "two one");
  CHECK_ERROR(words.encode("one three"), cli::UsageError,
              "the model does not know \"three\", word 2 of the text; it knows one two");
  CHECK_ERROR(characters.encode("aß"), cli::UsageError,
              "the model does not know \"ß\", character 2 of the text; it knows a b c ö");
}

TEST_CASE("translate: pairs follow their rule") {
  Task reverse(settings("reverse"), Part::kTrain), sort(settings("sort"), Part::kTrain);
  std::set<std::size_t> lengths;
  for (int i = 0; i < 300; ++i) {
    const Pair letters = reverse.next(), digits = sort.next();
    lengths.insert(letters.source.size());
    CHECK(letters.target == std::string(letters.source.rbegin(), letters.source.rend()));
    CHECK(std::is_sorted(digits.target.begin(), digits.target.end()));
    CHECK(std::is_permutation(digits.source.begin(), digits.source.end(), digits.target.begin(),
                              digits.target.end()));
  }
  CHECK(lengths.size() == 10);
  CHECK(*lengths.rbegin() == 10);
}

TEST_CASE("translate: unseen sources are none that train, and all can be written") {
  for (const std::string& name : task_names()) {
    INFO(name);
    const TaskSettings task = settings(name, name == "numbers" ? 4 : 3);
    const Vocabularies vocabularies = make_vocabularies(name);
    Task train(task, Part::kTrain), unseen(task, Part::kUnseen);
    std::set<std::string> trained, measured;
    for (int i = 0; i < 5000; ++i) {
      const Pair pair = train.next(), other = unseen.next();
      trained.insert(pair.source);
      measured.insert(other.source);
      REQUIRE(vocabularies.target.decode(vocabularies.target.encode(other.target)) == other.target);
    }
    CHECK(measured.size() > 90);
    std::vector<std::string> both;
    std::set_intersection(trained.begin(), trained.end(), measured.begin(), measured.end(),
                          std::back_inserter(both));
    CHECK(both.empty());
    // The same seed, the same pairs.
    CHECK(Task(task, Part::kTrain).next().source == Task(task, Part::kTrain).next().source);
  }
}

TEST_CASE("translate: a tenth is unseen, of short sources nothing") {
  int unseen = 0;
  for (int n = 100; n < 20100; ++n) unseen += is_unseen(english_words(n), 5);
  CHECK(unseen > 1800);  // the standard deviation is 42
  CHECK(unseen < 2200);
  for (int n = 0; n < 100; ++n) CHECK_FALSE(is_unseen(english_words(n), n < 10 ? 1 : 2));
}

TEST_CASE("translate: no target is longer than the model's room") {
  const TaskSettings task = settings("numbers");
  const Vocabulary german = make_vocabularies("numbers").target;
  std::size_t most = 0;
  for (int n = 0; n < 1000; ++n) {
    most = std::max({most, german.encode(german_words(n * 1000 + 777)).size(),
                     german.encode(german_words(777000 + n)).size()});
  }
  CHECK(static_cast<eg::Index>(most) + 1 == longest(task));
  CHECK(longest(settings("sort", 8)) == 9);
}

TEST_CASE("translate: batches are padded, and padding has no weight") {
  const Vocabulary letters(Pieces::kCharacters, {"abc"});
  const Batch batch = make_batch({{"ab", "c"}, {"c", "bca"}}, {letters, letters});
  CHECK_SAME(batch.source, NdArray<eg::Index>({2, 2}, {3, 4, 5, 0}));
  CHECK_SAME(batch.input, NdArray<eg::Index>({2, 4}, {1, 5, 0, 0, 1, 4, 5, 3}));
  CHECK_SAME(batch.labels, NdArray<eg::Index>({2, 4}, {5, 2, 0, 0, 4, 5, 3, 2}));
  const float w = 1.f / 6;
  CHECK_SAME(batch.weights, NdArray<float>({8}, {w, w, 0, 0, w, w, w, w}));
}

TEST_CASE("translate: lengths that a task cannot have") {
  CHECK(settings("numbers").length == 6);
  CHECK(settings("sort").length == 10);
  CHECK_ERROR(settings("sort", 2), cli::UsageError,
              "--length must be at least 3, or all sources would be trained on");
  CHECK_ERROR(settings("numbers", 7), cli::UsageError,
              "--length must be up to 6 for numbers, which end at 999,999");
}
