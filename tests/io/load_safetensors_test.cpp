// SPDX-License-Identifier: MIT
#include <eigengrad/io/load_safetensors.hpp>
#include <eigengrad/io/safetensors.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

namespace io = eg::io;
using test::Index;
using test::NdArray;
using Dict = std::map<std::string, NdArray<float>>;
using Names = std::vector<std::string>;

namespace {

NdArray<float> number(float x) { return NdArray<float>({1}, {x}); }

Names names(const Dict& dict) {
  Names out;
  for (const auto& entry : dict) out.push_back(entry.first);
  return out;
}

}  // namespace

TEST_CASE("load_safetensors: value") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  io::SafetensorsWriter()
      .add("vit.encoder.layer.0.bias", number(1))
      .add("vit.encoder.layer.1.bias", NdArray<double>({2}, {2, 3}))
      .add("vit.norm", number(4))
      .add("count", NdArray<Index>({1}, {5}))
      .add("mask", NdArray<bool>({1}, {true}))
      .write(path);
  SECTION("all real numbers, under their own names") {
    const Dict dict = io::load_safetensors<float>(path);
    CHECK(names(dict) == Names{"vit.encoder.layer.0.bias", "vit.encoder.layer.1.bias", "vit.norm"});
    CHECK_SAME(dict.at("vit.encoder.layer.1.bias"), NdArray<float>({2}, {2, 3}));
  }
  SECTION("parts replaced, then renamed") {
    const Dict dict = io::load_safetensors<float>(
        path, {.replace = {{"vit", ""}, {"encoder.layer", "blocks"}},
               .rename = [](const std::string& name) -> std::optional<std::string> {
                 if (name == "norm") return std::nullopt;
                 return "my." + name;
               }});
    CHECK(names(dict) == Names{"my.blocks.0.bias", "my.blocks.1.bias"});
    CHECK_SAME(dict.at("my.blocks.0.bias"), number(1));
  }
  SECTION("error") {
    CHECK_ERROR(io::load_safetensors<float>(path, {.replace = {{"0", "1"}}}), eg::ValueError,
                "[load_safetensors] " + path +
                    ": 'vit.encoder.layer.0.bias' and 'vit.encoder.layer.1.bias' would both be "
                    "called 'vit.encoder.layer.1.bias'");
    CHECK_ERROR(io::load_safetensors<float>(path, {.replace = {{"vit.norm", ""}}}), eg::ValueError,
                "[load_safetensors] " + path + ": nothing is left of the name 'vit.norm'");
    CHECK_ERROR(io::load_safetensors<float>(path, {.replace = {{".", "model"}}}), eg::ValueError,
                "[load_safetensors] what to replace by 'model' must not be empty; rename can add a "
                "prefix");
  }
}

TEST_CASE("load_safetensors: real numbers of an unknown type are not left out silently") {
  const test::TemporaryFolder folder;
  const std::string header = R"({"x":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}})";
  std::string content(8, '\0');
  content[0] = static_cast<char>(header.size());
  const std::string path = folder.write("a.safetensors", content + header + "12");
  CHECK_ERROR(io::load_safetensors<float>(path), eg::IoError,
              "[safetensors] " + path +
                  ": array 'x' is F8_E4M3, F64, F32, F16 or BF16 was expected; convert it or ask "
                  "for another type");
}

TEST_CASE("load_safetensors: replaced parts are whole, anywhere, and as often as they come") {
  const auto replace = io::detail::replace_parts;
  CHECK(replace("a.b.c", "a", "x") == "x.b.c");
  CHECK(replace("a.b.c", "b.c", "x.y.z") == "a.x.y.z");
  CHECK(replace("a.b.c", "b", "") == "a.c");
  CHECK(replace("a.b.c", "c", "") == "a.b");
  CHECK(replace("a", "a", "") == "");
  CHECK(replace("a.a.ab.a", "a", "x") == "x.x.ab.x");
  CHECK(replace("a.a.b", "a", "") == "b");
  CHECK(replace("a.a.b", "a", "a.a") == "a.a.a.a.b");
  CHECK(replace("layers.layer.sublayer", "layer", "x") == "layers.x.sublayer");
  CHECK(replace("model.fc", "model.", "net.") == "net.fc");
}

TEST_CASE("load_safetensors: an index of several files") {
  const test::TemporaryFolder folder;
  const std::map<std::string, std::string> note = {{"note", "first"}, {"format", "pt"}};
  io::save_safetensors<float>(folder / "m-1.safetensors", {{"a", number(1)}, {"b", number(2)}},
                              note);
  io::save_safetensors<double>(folder / "m-2.safetensors", {{"c", NdArray<double>({1}, {3})}},
                               {{"note", "second"}, {"more", "x"}});
  const std::string map = R"({"a": "m-1.safetensors", "b": "m-1.safetensors",
                              "c": "m-2.safetensors"})";
  const std::string path = folder.write(
      "m.safetensors.index.json",
      R"({"metadata": {"total_size": 16, "format": "index"}, "weight_map": )" + map + "}");
  const io::SafetensorsFile file(path);
  CHECK(file.path() == path);
  CHECK(file.names() == Names{"a", "b", "c"});
  CHECK(file.contains("c"));
  CHECK(file.dtype("c") == "F64");
  CHECK(file.shape("c") == test::Shape{1});
  CHECK_SAME(file.get<float>("c"), number(3));
  CHECK(file.get_all<float>("").size() == 3);
  CHECK(file.metadata() ==
        std::map<std::string, std::string>{
            {"format", "index"}, {"more", "x"}, {"note", "first"}, {"total_size", "16"}});
  const Dict dict = io::load_safetensors<float>(path, {.replace = {{"c", "d"}}});
  CHECK(names(dict) == Names{"a", "b", "d"});
  CHECK_SAME(dict.at("b"), number(2));
  CHECK_ERROR(file.get<Index>("b"), eg::IoError,
              "[safetensors] " + folder.path() +
                  "/m-1.safetensors: array 'b' is F32, I64, I32 or U8 was expected; convert it or "
                  "ask for another type");
  CHECK_ERROR(file.get<float>("d"), eg::IoError,
              "[safetensors] " + path + ": no array is called 'd'; names() lists all 3");
}

TEST_CASE("load_safetensors: an index that is wrong") {
  const test::TemporaryFolder folder;
  io::save_safetensors<float>(folder / "1.safetensors", {{"a", number(1)}, {"b", number(2)}});
  io::save_safetensors<float>(folder / "2.safetensors", {{"b", number(2)}});
  const std::string needs =
      "an index needs a 'weight_map', an object of array and file names; fetch it again";
  const std::string again = "; the files are not of one model, fetch or save them all again";
  const auto outside = [](const std::string& file) {
    return "the file of array 'a', '" + file + "', is not in the index's folder; this is refused";
  };
  struct Case {
    std::string content, message;
  };
  const Case cases[] = {
      {"[]", needs},
      {"{}", needs},
      {R"({"weight_map": []})", needs},
      {R"({"weight_map": {"a": 1}})", "the file of array 'a' is an integer"},
      {R"({"weight_map": {"a": "../1.safetensors"}})", outside("../1.safetensors")},
      {R"({"weight_map": {"a": "x/../../1.safetensors"}})", outside("x/../../1.safetensors")},
      {R"({"weight_map": {"a": ".."}})", outside("..")},
      {R"({"weight_map": {"a": "/etc/passwd"}})", outside("/etc/passwd")},
      {R"({"weight_map": {"a": ""}})", outside("")},
      {R"({"weight_map": {"a": "1.safetensors", "x": "8.safetensors", "y": "9.safetensors"}})",
       "2 of 3 files are missing: 8.safetensors, 9.safetensors; fetch them into the index's "
       "folder"},
      {R"({"weight_map": {"a": "1.safetensors", "b": "1.safetensors", "c": "1.safetensors"}})",
       "1.safetensors lacks arrays that the index lists for it: c" + again},
      {R"({"weight_map": {"a": "1.safetensors"}})",
       "1.safetensors has arrays that the index does not list for it: b" + again},
      {R"({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})",
       "1.safetensors has arrays that the index does not list for it: b" + again},
  };
  for (const Case& c : cases) {
    const std::string path = folder.write("bad.index.json", c.content);
    CHECK_ERROR(io::SafetensorsFile(path), eg::IoError, "[safetensors] " + path + ": " + c.message);
  }
}
