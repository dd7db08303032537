// SPDX-License-Identifier: MIT
#include <eigengrad/io/json.hpp>
#include <tests/support/test.hpp>

using eg::io::Json;

namespace {

std::string error_of(const std::string& text) {
  try {
    (void)Json::parse(text, "f");
  } catch (const eg::IoError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("json: value") {
  const Json value = Json::parse(R"( {"name": "vit", "size": [1, -2, 3.5, 1e3], "on": true,
                                      "off": false, "none": null, "inner": {"": {}}} )");
  CHECK(value.at("name").as_string() == "vit");
  CHECK(value.at("size").items().size() == 4);
  CHECK(value.at("size").items()[1].as_integer() == -2);
  CHECK(value.at("size").items()[1].as_number() == -2.0);
  CHECK(value.at("size").items()[2].as_number() == 3.5);
  CHECK(value.at("size").items()[3].as_number() == 1000.0);
  CHECK(value.at("on").as_bool());
  CHECK_FALSE(value.at("off").as_bool());
  CHECK(value.at("none").is_null());
  CHECK(value.at("inner").at("").members().empty());
  CHECK(value.contains("name"));
  CHECK_FALSE(value.contains("Name"));
  CHECK(value.members()[1].first == "size");  // the order of the text
}

TEST_CASE("json: dump") {
  Json value;
  value["b"] = 1;
  value["a"] = std::vector<double>{0.1, 2, -1e-300};
  value["text"] = "quote \" slash \\ line\n tab\t bell\x07 \xC3\xA9";
  value["none"] = nullptr;
  value["empty"] = Json::array();
  value["object"] = Json::object();
  value["b"] = 7;
  CHECK(value.dump() == R"({"b": 7, "a": [0.1, 2.0, -1e-300], )"
                        R"("text": "quote \" slash \\ line\n tab\t bell\u0007 )"
                        "\xC3\xA9"
                        R"(", "none": null, "empty": [], "object": {}})");
  CHECK(Json::parse(value.dump()) == value);
  CHECK(Json::parse(value.dump(2)) == value);

  Json list;
  list.push_back(1);
  list.push_back("x");
  Json outer;
  outer["list"] = list;
  CHECK(outer.dump(2) == "{\n  \"list\": [\n    1,\n    \"x\"\n  ]\n}");
}

TEST_CASE("json: edge") {
  SECTION("escapes") {
    CHECK(Json::parse(R"("\"\\\/\b\f\n\r\tA\u00e9\u20AC\ud83d\ude00")").as_string() ==
          "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    CHECK(Json::parse(R"("\u0000")").as_string() == std::string(1, '\0'));
    CHECK(Json::parse("\"\xF0\x9F\x98\x80\"").as_string() == "\xF0\x9F\x98\x80");
  }
  SECTION("numbers") {
    CHECK(Json::parse("9223372036854775807").as_integer() == INT64_MAX);
    CHECK(Json::parse("-9223372036854775808").as_integer() == INT64_MIN);
    CHECK_FALSE(Json::parse("9223372036854775808").is_integer());
    CHECK(Json::parse("9223372036854775808").as_number() == 9223372036854775808.0);
    CHECK(Json::parse("0").as_integer() == 0);
    CHECK(Json::parse("-0.5E+1").as_number() == -5.0);
    CHECK_FALSE(Json::parse("2.0").is_integer());
    for (const double x : {0.1, 1.0 / 3, 1e300, 5e-324, 123456789012345678.0, -0.0}) {
      CHECK(Json::parse(Json(x).dump()).as_number() == x);
      CHECK_FALSE(Json::parse(Json(x).dump()).is_integer());
    }
    CHECK(Json(0.1f).as_number() == double(0.1f));
    CHECK(Json(std::numeric_limits<double>::quiet_NaN()).dump() == "null");
    CHECK(Json(-std::numeric_limits<double>::infinity()).dump() == "null");
  }
  SECTION("text that is not UTF-8 is written as U+FFFD") {
    CHECK(Json("a\xFFz").dump() == "\"a\xEF\xBF\xBDz\"");
    CHECK(Json("\xC3").dump() == "\"\xEF\xBF\xBD\"");
  }
  SECTION("depth") {
    const auto nested = [](int n) { return std::string(n, '[') + std::string(n, ']'); };
    CHECK_NOTHROW(Json::parse(nested(Json::kMaxDepth)));
    CHECK(error_of(nested(Json::kMaxDepth + 1)) ==
          "[json] f, line 1, column 101: nested too deeply");
    CHECK(error_of(std::string(1000000, '[')) == "[json] f, line 1, column 101: nested too deeply");
  }
}

TEST_CASE("json: error") {
  const std::pair<std::string, std::string> cases[] = {
      {"", "line 1, column 1: the text ends where a value was expected"},
      {"[1,\n 2,]", "line 2, column 4: a value was expected"},
      {"[1 2]", "line 1, column 4: ',' or ']' was expected"},
      {"[", "line 1, column 2: the text ends where a value was expected"},
      {"[1", "line 1, column 3: ',' or ']' was expected"},
      {"{\"a\": 1,}", "line 1, column 9: a name in quotes was expected"},
      {"{a: 1}", "line 1, column 2: a name in quotes was expected"},
      {"{\"a\" 1}", "line 1, column 6: ':' was expected"},
      {"{\"a\": 1", "line 1, column 8: ',' or '}' was expected"},
      {"{\"a\": 1, \"b\": 2, \"a\": 3}",
       "line 1, column 25: the object before has two members 'a'"},
      {"1 2", "line 1, column 3: nothing may follow the value"},
      {std::string("1\0", 2), "line 1, column 2: nothing may follow the value"},
      {"nul", "line 1, column 1: a value was expected"},
      {"NaN", "line 1, column 1: a value was expected"},
      {"'a'", "line 1, column 1: a value was expected"},
      {"// x\n1", "line 1, column 1: a value was expected"},
      {"01", "line 1, column 2: nothing may follow the value"},
      {"+1", "line 1, column 1: a value was expected"},
      {"-", "line 1, column 2: a digit was expected"},
      {"1.", "line 1, column 3: a digit was expected"},
      {".5", "line 1, column 1: a value was expected"},
      {"1e", "line 1, column 3: a digit was expected"},
      {"1e999", "line 1, column 6: the number is out of range"},
      {"\"a", "line 1, column 3: the text ends inside a string"},
      {"\"a\n\"", "line 1, column 3: control characters must be escaped"},
      {"\"\\x\"", "line 1, column 3: unknown escape"},
      {"\"\\", "line 1, column 3: unknown escape"},
      {"\"\\u12\"", "line 1, column 4: four hexadecimal digits were expected"},
      {"\"\\u12g4\"", "line 1, column 4: four hexadecimal digits were expected"},
      {"\"\\u-123\"", "line 1, column 4: four hexadecimal digits were expected"},
      {"\"\\ud83d\"", "line 1, column 8: half of a surrogate pair"},
      {"\"\\ude00\"", "line 1, column 8: half of a surrogate pair"},
      {"\"\\ud83d\\u0041\"", "line 1, column 14: half of a surrogate pair"},
      {"\"\x80\"", "line 1, column 2: this is not UTF-8"},
      {"\"\xC0\xAF\"", "line 1, column 2: this is not UTF-8"},
      {"\"\xED\xA0\x80\"", "line 1, column 2: this is not UTF-8"},
      {"\"\xF4\x90\x80\x80\"", "line 1, column 2: this is not UTF-8"},
  };
  for (const auto& [text, message] : cases) {
    INFO(text);
    CHECK(error_of(text) == "[json] f, " + message);
  }
  CHECK_ERROR(Json(1).as_string(), eg::IoError, "[json] a string was expected, this is an integer");
  CHECK_ERROR(Json("x").as_number(), eg::IoError, "[json] a number was expected, this is a string");
  CHECK_ERROR(Json(1.5).as_integer(), eg::IoError,
              "[json] an integer was expected, this is a number");
  CHECK_ERROR(Json().at("a"), eg::IoError, "[json] an object was expected, this is null");
  CHECK_ERROR(Json::object().at("a"), eg::IoError, "[json] no member is called 'a'");
}
