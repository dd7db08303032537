// SPDX-License-Identifier: MIT
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <eigengrad/io/fields.hpp>
#include <tests/support/test.hpp>

namespace io = eg::io;

namespace mine {

enum class Colour { kRed, kBlue };
inline std::span<const char* const> enum_names(Colour) {
  static constexpr const char* kNames[] = {"red", "blue"};
  return kNames;
}

struct Point {
  double x = 0;
  std::uint8_t level = 0;
};
template <class Visit>
void visit_fields(Point& p, Visit&& visit) {
  visit("x", p.x);
  visit("level", p.level);
}

struct Circle {
  static constexpr const char* kKind = "circle";
  double radius = 1;
};
template <class Visit>
void visit_fields(Circle& c, Visit&& visit) {
  visit("radius", c.radius);
}

struct Square {
  static constexpr const char* kKind = "square";
  Point corner;
  double side = 2;
};
template <class Visit>
void visit_fields(Square& s, Visit&& visit) {
  visit("corner", s.corner);
  visit("side", s.side);
}

struct Drawing {
  std::variant<Circle, Square> shape;
  std::optional<double> width;
  std::optional<Point> origin;
  io::Json note;
};
template <class Visit>
void visit_fields(Drawing& d, Visit&& visit) {
  visit("shape", d.shape);
  visit("width", d.width);
  visit("origin", d.origin);
  visit("note", d.note);
}

struct Options {
  bool on = false;
  eg::Index count = 0;
  std::string name;
  Colour colour = Colour::kRed;
  std::vector<eg::Index> sizes;
  std::vector<Point> points;
  eg::Index recent = 3;
};
template <class Visit>
void visit_fields(Options& o, Visit&& visit) {
  visit("on", o.on);
  visit("count", o.count);
  visit("name", o.name);
  visit("colour", o.colour);
  visit("sizes", o.sizes);
  visit("points", o.points);
  visit("recent", o.recent, true);
}

/// As a program keeps of its work, for people and other programs to read.
struct Note {
  std::string title = "none";
  std::optional<double> score;
  std::optional<std::vector<eg::Index>> sizes;
  io::Json anything;
  double mean = -1;
};
template <class Visit>
void visit_fields(Note& n, Visit&& visit) {
  visit("title", n.title);
  visit("score", n.score);
  visit("sizes", n.sizes);
  visit("anything", n.anything);
  visit("mean", n.mean);
}

}  // namespace mine

namespace {

const char* const kText =
    R"({"on": true, "count": -3, "name": "a \"b\"", "colour": "blue", "sizes": [4, 5], )"
    R"("points": [{"x": 0.5, "level": 7}, {"x": 2.0, "level": 255}], "recent": 9})";

mine::Options read(const std::string& text) {
  return io::from_json<mine::Options>(io::Json::parse(text));
}

/// The text with its first `from` replaced.
std::string with(std::string from, std::string to) {
  std::string text = kText;
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("fields: there and back") {
  const mine::Options o = read(kText);
  CHECK(o.on);
  CHECK(o.count == -3);
  CHECK(o.name == "a \"b\"");
  CHECK(o.colour == mine::Colour::kBlue);
  CHECK(o.sizes == std::vector<eg::Index>{4, 5});
  REQUIRE(o.points.size() == 2);
  CHECK(o.points[1].x == 2);
  CHECK(o.points[1].level == 255);
  CHECK(io::to_json(o).dump() == kText);
  CHECK(io::to_json(mine::Options()).dump() ==
        R"({"on": false, "count": 0, "name": "", "colour": "red", "sizes": [], "points": [], )"
        R"("recent": 3})");
  CHECK(o.recent == 9);
  // A field that files of an earlier version lack.
  CHECK(read(with(", \"recent\": 9", "")).recent == 3);
  // A whole number stands for a number.
  CHECK(read(with("0.5", "3")).points[0].x == 3);
}

TEST_CASE("fields: what is wrong is named") {
  CHECK_ERROR(read(with("\"on\": true, ", "")), eg::IoError, "[json] field 'on' is missing");
  CHECK_ERROR(read(with("\"on\"", "\"off\"")), eg::IoError, "[json] field 'on' is missing");
  CHECK_ERROR(read(with("\"on\"", "\"more\": 1, \"on\"")), eg::IoError,
              "[json] field 'more' is unknown");
  CHECK_ERROR(read(with("true", "1")), eg::IoError,
              "[json] field 'on' must be a boolean, it is an integer");
  CHECK_ERROR(read(with("-3", "1.5")), eg::IoError,
              "[json] field 'count' must be an integer, it is a number");
  CHECK_ERROR(read(with("[4, 5]", "4")), eg::IoError,
              "[json] field 'sizes' must be an array, it is an integer");
  CHECK_ERROR(read(with("5]", "\"5\"]")), eg::IoError,
              "[json] field 'sizes[1]' must be an integer, it is a string");
  CHECK_ERROR(read(with("blue", "green")), eg::IoError,
              "[json] field 'colour' must be one of red, blue: \"green\"");
  CHECK_ERROR(read(with("0.5", "null")), eg::IoError,
              "[json] field 'points[0].x' must be a number, it is null");
  CHECK_ERROR(read(with("255", "256")), eg::IoError,
              "[json] field 'points[1].level' is out of range: 256");
  CHECK_ERROR(read(with("\"level\"", "\"y\": 0, \"level\"")), eg::IoError,
              "[json] field 'points[0].y' is unknown");
  CHECK_ERROR(read("[]"), eg::IoError, "[json] the value must be an object, it is an array");
}

TEST_CASE("fields: variants, optionals and documents") {
  const auto read = [](const std::string& text) {
    return io::from_json<mine::Drawing>(io::Json::parse(text), {.path = "drawing"});
  };
  const std::string bare = R"({"shape": {"kind": "circle", "radius": 3.0}, "note": {"a": [1]}})";
  const mine::Drawing circle = read(bare);
  CHECK(std::get<mine::Circle>(circle.shape).radius == 3);
  CHECK(!circle.width);
  CHECK(!circle.origin);
  CHECK(io::to_json(circle).dump() == bare);
  const std::string full =
      R"({"shape": {"kind": "square", "corner": {"x": 1.5, "level": 2}, "side": 4.0}, )"
      R"("width": 0.5, "origin": {"x": 0.0, "level": 1}, "note": null})";
  const mine::Drawing square = read(full);
  CHECK(std::get<mine::Square>(square.shape).corner.x == 1.5);
  CHECK(square.width == 0.5);
  CHECK(square.origin.value().level == 1);
  CHECK(io::to_json(square).dump() == full);

  CHECK_ERROR(read(R"({"note": 1})"), eg::IoError, "[json] field 'drawing.shape' is missing");
  CHECK_ERROR(read(R"({"shape": {"radius": 1}, "note": 1})"), eg::IoError,
              "[json] field 'drawing.shape.kind' is missing");
  CHECK_ERROR(read(R"({"shape": {"kind": "line"}, "note": 1})"), eg::IoError,
              "[json] field 'drawing.shape.kind' must be one of circle, square: \"line\"");
  CHECK_ERROR(read(R"({"shape": {"kind": "circle", "side": 1}, "note": 1})"), eg::IoError,
              "[json] field 'drawing.shape.radius' is missing");
  CHECK_ERROR(read(R"({"shape": {"kind": "circle", "radius": 1, "side": 1}, "note": 1})"),
              eg::IoError, "[json] field 'drawing.shape.side' is unknown");
  CHECK_ERROR(read(R"({"shape": {"kind": "square", "corner": {"x": "a", "level": 2}, "side": 4}})"),
              eg::IoError,
              "[json] field 'drawing.shape.corner.x' must be a number, it is a string");
  CHECK_ERROR(read(R"({"shape": {"kind": "circle", "radius": 1}, "width": true, "note": 1})"),
              eg::IoError, "[json] field 'drawing.width' must be a number, it is a boolean");
}

TEST_CASE("fields: values that are no struct") {
  const auto parse = [](const char* text) { return io::Json::parse(text); };
  CHECK(io::from_json<std::vector<float>>(parse("[0.5, 2]")) == std::vector<float>{0.5f, 2});
  CHECK(io::from_json<std::vector<bool>>(parse("[true, false]")) == std::vector<bool>{true, false});
  CHECK(io::from_json<std::vector<std::string>>(parse(R"(["a"])")) ==
        std::vector<std::string>{"a"});
  CHECK(io::from_json<mine::Colour>(parse(R"("blue")")) == mine::Colour::kBlue);
  CHECK(io::from_json<std::optional<int>>(parse("null")) == std::nullopt);
  CHECK(io::to_json(std::vector<std::optional<int>>{1, {}}).dump() == "[1, null]");
  CHECK_ERROR(io::from_json<std::vector<float>>(parse("[1, []]"), {.path = "mean"}), eg::IoError,
              "[json] field 'mean[1]' must be a number, it is an array");
  CHECK_ERROR(io::from_json<std::uint64_t>(parse("-1")), eg::IoError,
              "[json] the value is out of range: -1");
}

TEST_CASE("fields: an optional one is left out while it is empty") {
  mine::Note note;
  note.title = "a";
  note.anything = io::Json::parse(R"({"b": [1, "c"]})");
  CHECK(io::to_json(note).dump() == R"({"title": "a", "anything": {"b": [1, "c"]}, "mean": -1.0})");
  note.score = 0.5;
  note.sizes = std::vector<eg::Index>{3, 4};
  const io::Json json = io::to_json(note);
  CHECK(json.dump() == R"({"title": "a", "score": 0.5, "sizes": [3, 4], )"
                       R"("anything": {"b": [1, "c"]}, "mean": -1.0})");
  const auto again = io::from_json<mine::Note>(json);
  CHECK(again.score == 0.5);
  CHECK(again.sizes == std::vector<eg::Index>{3, 4});
  CHECK(again.anything == note.anything);
  const auto without =
      io::from_json<mine::Note>(io::Json::parse(R"({"title": "a", "anything": 1, "mean": 2})"));
  CHECK_FALSE(without.score);
  const io::Json wrong =
      io::Json::parse(R"({"title": "a", "score": "x", "anything": 1, "mean": 2})");
  CHECK_ERROR(io::from_json<mine::Note>(wrong), eg::IoError,
              "[json] field 'score' must be a number, it is a string");
}

TEST_CASE("fields: what another version wrote is read as far as it is known") {
  const auto read = [](const char* text) {
    return io::from_json<mine::Note>(io::Json::parse(text), {.lenient = true});
  };
  const mine::Note note = read(R"({"score": 3, "colour": "red", "mean": null})");
  CHECK(note.title == "none");
  CHECK(note.score == 3);
  CHECK(note.mean == -1);
  // What is there must still be of the right kind.
  CHECK_ERROR(read(R"({"title": 3})"), eg::IoError,
              "[json] field 'title' must be a string, it is an integer");
}
