// SPDX-License-Identifier: MIT
#include <eigengrad/nn/load_state_dict.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
namespace nn = eg::nn;
using Dict = nn::StateDict<double>;

namespace {

const std::string kRule = "[load_state_dict] names and shapes must be the module's: ";

/// Loads `dict` into the arrays `own` in the order of their names.
nn::LoadReport load(Dict& own, const Dict& dict, bool strict = true) {
  nn::Named<NdArray<double>*> arrays;
  for (auto& [name, array] : own) arrays.emplace_back(name, &array);
  return eg::detail::load_arrays(arrays, {"count"}, dict, {.strict = strict});
}

NdArray<double> zeros(const test::Shape& shape) { return NdArray<double>::zeros(shape); }

Dict encoder() {
  return {{"norm.weight", zeros({4})},
          {"norm.bias", zeros({4})},
          {"fc.weight", zeros({2, 4})},
          {"fc.bias", zeros({2})}};
}

Dict with_prefix(const std::string& prefix, const Dict& dict) {
  Dict out;
  for (const auto& [name, array] : dict) out.emplace(prefix + name, array);
  return out;
}

}  // namespace

TEST_CASE("load_state_dict: the distance between names") {
  CHECK(eg::detail::edit_distance("kitten", "sitting") == 3);
  CHECK(eg::detail::edit_distance("", "abc") == 3);
  CHECK(eg::detail::edit_distance("abc", "") == 3);
  CHECK(eg::detail::edit_distance("weight", "wieght") == 2);
  CHECK(eg::detail::edit_distance("gamma", "gamma") == 0);
}

TEST_CASE("load_state_dict: every difference has its line, with shapes") {
  Dict own = encoder();
  own.at("norm.bias").fill(7);
  Dict dict = encoder();
  dict.erase("fc.bias");
  dict.erase("norm.weight");
  dict["nrom.weight"] = zeros({4});
  dict["head"] = zeros({});
  dict["fc.weight"] = zeros({4, 2});
  dict["count"] = zeros({1});  // to be ignored
  CHECK_ERROR(load(own, dict), eg::ValueError,
              kRule +
                  "2 missing, 2 unexpected, 1 of another shape\n"
                  "  missing: fc.bias (2)\n"
                  "  missing: norm.weight (4)\n"
                  "  unexpected: head ()\n"
                  "  unexpected: nrom.weight (4); is it norm.weight?\n"
                  "  of another shape: fc.weight (4, 2), the module's is (2, 4)");
  CHECK(own.at("norm.bias")(0) == 7);

  const nn::LoadReport report = load(own, dict, false);
  CHECK(report.text.substr(0, 44) == "2 missing, 2 unexpected, 1 of another shape\n");
  CHECK(own.at("norm.bias")(0) == 0);
  CHECK(load(own, encoder()).text.empty());
}

TEST_CASE("load_state_dict: of names equally close, the one with the same shape") {
  Dict own = {{"fc1.weight", zeros({3})}, {"fc2.weight", zeros({4})}, {"x", zeros({1})}};
  CHECK(load(own, {{"fc.weight", zeros({4})}, {"x", zeros({1})}}, false).text ==
        "2 missing, 1 unexpected\n"
        "  missing: fc1.weight (3)\n"
        "  missing: fc2.weight (4)\n"
        "  unexpected: fc.weight (4); is it fc2.weight?");
}

TEST_CASE("load_state_dict: a prefix is told once") {
  Dict own = encoder();
  SECTION("of all names in the dict") {
    CHECK_ERROR(load(own, with_prefix("module.", encoder())), eg::ValueError,
                kRule +
                    "4 missing, 4 unexpected; all 4 unexpected names begin with \"module.\"; "
                    "without it they are the module's");
  }
  SECTION("of most names in the dict; the rest has its lines") {
    Dict dict = with_prefix("vit.encoder.", encoder());
    dict.erase("vit.encoder.fc.bias");
    dict["classifier.bias"] = zeros({2});
    CHECK_ERROR(load(own, dict), eg::ValueError,
                kRule +
                    "4 missing, 4 unexpected; 3 of 4 unexpected names begin with "
                    "\"vit.encoder.\"; without it they are the module's\n"
                    "  missing: fc.bias (2)\n"
                    "  unexpected: classifier.bias (2)");
  }
  SECTION("of the module's names") {
    own = with_prefix("encoder.", encoder());
    own["head.weight"] = zeros({3});
    CHECK_ERROR(load(own, encoder()), eg::ValueError,
                kRule +
                    "5 missing, 4 unexpected; all 4 unexpected names lack the \"encoder.\" that "
                    "the module's begin with; with it they are the same\n"
                    "  missing: head.weight (3)");
  }
}

TEST_CASE("load_state_dict: long lists are cut") {
  Dict own, dict;
  for (int i = 0; i < 22; ++i) {
    own[std::string(1, static_cast<char>('a' + i))] = zeros({1});
    dict[std::to_string(1000 + i)] = zeros({1});
  }
  const std::string text = load(own, dict, false).text;
  CHECK(text.substr(0, 48) == "22 missing, 22 unexpected\n  missing: a (1)\n  mis");
  CHECK(text.find("\n  missing: j (1)\n  and 12 more missing\n  unexpected: 1000 (1)") !=
        text.npos);
  CHECK(text.ends_with("\n  unexpected: 1009 (1)\n  and 12 more unexpected"));
}

TEST_CASE("load_state_dict: an undefined array") {
  Dict own = {{"scale", NdArray<double>::scalar(3)}};
  CHECK_ERROR(
      load(own, {{"scale", NdArray<double>()}}), eg::ValueError,
      kRule + "1 of another shape\n  of another shape: scale undefined, the module's is ()");
}
