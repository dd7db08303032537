// SPDX-License-Identifier: MIT
#include <stdexcept>

#include <eigengrad/core/evaluation_mode.hpp>
#include <tests/support/test.hpp>

namespace {

struct Model {
  bool* on;
  bool training() const { return *on; }
  void train(bool mode) const { *on = mode; }
};

}  // namespace

TEST_CASE("evaluation_mode: lasts for a scope, and both modes come back") {
  for (const bool before : {true, false}) {
    bool on = before;
    const Model model{&on};
    {
      const eg::EvaluationMode mode(model);
      CHECK_FALSE(on);
    }
    CHECK(on == before);
  }
}

TEST_CASE("evaluation_mode: an exception leaves the mode as it was") {
  bool on = true;
  const Model model{&on};
  const auto fail = [&] {
    const eg::EvaluationMode mode(model);
    throw std::runtime_error("stop");
  };
  CHECK_THROWS(fail());
  CHECK(on);
}

TEST_CASE("evaluation_mode: a function has no mode") {
  const auto twice = [](int x) { return 2 * x; };
  const eg::EvaluationMode mode(twice);
  CHECK(twice(3) == 6);
}
