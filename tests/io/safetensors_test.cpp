// SPDX-License-Identifier: MIT
#include <eigengrad/io/safetensors.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

namespace io = eg::io;
using test::Index;
using test::NdArray;

namespace {

/// A file with this header and zeros as data.
std::string file_of(const std::string& header, std::size_t bytes = 0) {
  std::string out(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(out.data(), &length, 8);
  return out + header + std::string(bytes, '\0');
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  int begin, int end) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

}  // namespace

TEST_CASE("safetensors: value") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  io::save_safetensors<float>(path, {{"b", NdArray<float>({2}, {1, 2})}, {"a", {{}, {3}}}},
                              {{"z", "last"}, {"k", "v"}});
  // The bytes of the format, by hand: names sorted, header padded to eight bytes.
  std::string header =
      "{\"__metadata__\": {\"k\": \"v\", \"z\": \"last\"}, "
      "\"a\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [0, 4]}, "
      "\"b\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [4, 12]}}";
  while (header.size() % 8 != 0) header += ' ';
  std::string expected = file_of(header);
  for (const float x : {3.f, 1.f, 2.f}) {
    expected.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  CHECK(io::read_file(path) == expected);

  const io::SafetensorsFile file(path);
  CHECK(file.names() == std::vector<std::string>{"a", "b"});
  CHECK(file.contains("a"));
  CHECK_FALSE(file.contains("c"));
  CHECK(file.dtype("b") == "F32");
  CHECK(file.shape("b") == test::Shape{2});
  CHECK(file.metadata() == std::map<std::string, std::string>{{"k", "v"}, {"z", "last"}});
  CHECK_SAME(file.get<float>("a"), NdArray<float>::scalar(3));
  CHECK_SAME(file.get<double>("b"), NdArray<double>({2}, {1, 2}));
}

TEST_CASE("safetensors: several dicts in one file") {
  const test::TemporaryFolder folder;
  const std::map<std::string, NdArray<float>> weights = {{"a", {{}, {3}}}, {"model.b", {{}, {4}}}};
  const std::map<std::string, NdArray<Index>> counts = {{"a", {{2}, {5, -6}}}};
  io::SafetensorsWriter()
      .add_all("model.", weights)
      .add_all("counts.", counts)
      .write(folder / "a.safetensors");
  const io::SafetensorsFile file(folder / "a.safetensors");
  CHECK(file.names() == std::vector<std::string>{"counts.a", "model.a", "model.model.b"});
  const auto back = file.get_all<float>("model.");
  CHECK(back.size() == 2);
  CHECK_SAME(back.at("a"), weights.at("a"));
  CHECK_SAME(back.at("model.b"), weights.at("model.b"));
  CHECK_SAME(file.get_all<Index>("counts.").at("a"), counts.at("a"));
  CHECK(file.get_all<float>("optimizer.").empty());
}

TEST_CASE("safetensors: all types come back, wide ones first") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
  const auto real = test::random<double>({3, 1, 7000});
  const auto work = test::random<float>({1, 17, 1, 3, 1, 2});
  const NdArray<Index> labels({3}, {-1, 0, INT64_MAX});
  const NdArray<bool> mask({2, 2}, {true, false, false, true});
  const NdArray<std::uint8_t> pixels({3}, {0, 127, 255});
  io::SafetensorsWriter()
      .add("a mask", mask)
      .add("b work", work)
      .add("c real", real)
      .add("d labels", labels)
      .add("e pixels", pixels)
      .add("f empty", NdArray<float>({0, 5}))
      .add("g \"\n\xC3\xA9", NdArray<double>({1}, {9}))
      .write(path);
  const io::SafetensorsFile file(path);
  CHECK_SAME(file.get<bool>("a mask"), mask);
  CHECK_SAME(file.get<float>("b work"), work);
  CHECK_SAME(file.get<double>("c real"), real);
  CHECK_SAME(file.get<float>("c real"),
             NdArray<float>(real.array().cast<float>()).reshape({3, 1, 7000}));
  CHECK_SAME(file.get<Index>("d labels"), labels);
  CHECK_SAME(file.get<std::uint8_t>("e pixels"), pixels);
  CHECK_SAME(file.get<Index>("e pixels"), NdArray<Index>({3}, {0, 127, 255}));
  CHECK(file.get<float>("f empty").shape() == test::Shape{0, 5});
  CHECK_SAME(file.get<double>("g \"\n\xC3\xA9"), NdArray<double>({1}, {9}));

  SECTION("without arrays") {
    io::save_safetensors<float>(path, {});
    CHECK(io::SafetensorsFile(path).names().empty());
  }
  SECTION("an open file still reads what it opened after it is replaced") {
    io::save_safetensors<double>(path, {{"c real", NdArray<double>({1}, {0})}});
    CHECK_SAME(file.get<double>("c real"), real);
  }
}

TEST_CASE("safetensors: written by Python") {
  const io::SafetensorsFile file(EIGENGRAD_TEST_DIR "/reference/safetensors_python.safetensors");
  const double inf = std::numeric_limits<double>::infinity();
  CHECK_SAME(file.get<double>("F64"), NdArray<double>({2, 3}, {1, 2, 1 / 3., -1e300, 5e-324, 0.1}));
  CHECK_SAME(file.get<float>("F32"), NdArray<float>({4}, {1, -2.5f, 1 / 3.f, 3e38f}));
  const NdArray<double> half({11}, {0, -0.0, 1, -1.5, 65504, 0x1p-14, 0x1p-24, -0x3p-24, inf, -inf,
                                    std::numeric_limits<double>::quiet_NaN()});
  CHECK_SAME(file.get<double>("F16"), half);
  CHECK_SAME(file.get<float>("F16"), half);
  CHECK(std::signbit(file.get<float>("F16")(1)));
  CHECK_SAME(file.get<float>("BF16"),
             NdArray<float>({5}, {1, -2.5f, 3.140625f, 0x1.c4p127f, 0x1p-133f}));
  CHECK_SAME(file.get<Index>("I64"), NdArray<Index>({3, 1}, {0, -1, (Index{1} << 62) + 1}));
  CHECK_SAME(file.get<Index>("I32"), NdArray<Index>({3}, {7, -2147483648, 2147483647}));
  CHECK_SAME(file.get<Index>("U8"), NdArray<Index>({2, 2}, {0, 127, 128, 255}));
  CHECK_SAME(file.get<bool>("BOOL"), NdArray<bool>({3}, {true, false, true}));
  CHECK_SAME(file.get<float>("rank 6"), NdArray<float>({1, 2, 1, 1, 2, 1}, {0, 1, 2, 3}));
  CHECK(file.get<float>("scalar").item() == 4.5f);
  CHECK(file.get<float>("empty").shape() == test::Shape{0, 3});
  CHECK(file.get<float>("gr\xC3\xB6\xC3\x9F"
                        "e \"a\\b\"")
            .item() == 9);
  CHECK(file.metadata().at("note") == "a \"quoted\"\nline \xC3\xA9");

  const std::string at = "[safetensors] " + file.path() + ": ";
  CHECK_ERROR(file.get<float>("rank 7"), eg::IoError,
              at + "array 'rank 7' has 7 axes, at most 6 are supported; reshape it before saving");
  CHECK_ERROR(file.get<float>("I16"), eg::IoError,
              at + "array 'I16' is I16, F64, F32, F16 or BF16 was expected; convert it or ask for "
                   "another type");
  CHECK_ERROR(file.get<float>("I64"), eg::IoError,
              at + "array 'I64' is I64, F64, F32, F16 or BF16 was expected; convert it or ask for "
                   "another type");
  CHECK_ERROR(file.get<Index>("F32"), eg::IoError,
              at + "array 'F32' is F32, I64, I32 or U8 was expected; convert it or ask for another "
                   "type");
  CHECK_ERROR(file.get<bool>("U8"), eg::IoError,
              at + "array 'U8' is U8, BOOL was expected; convert it or ask for another type");
  CHECK_ERROR(file.get<float>("missing"), eg::IoError,
              at + "no array is called 'missing'; names() lists all 14");
}

TEST_CASE("safetensors: malformed headers") {
  const test::TemporaryFolder folder;
  const std::string cut = "; the file is cut off or not safetensors, fetch or save it again";
  const std::string needs =
      "array 'x' needs a dtype, a shape of sizes and two data_offsets; save the file again";
  struct Case {
    std::string content, message;
  };
  const Case cases[] = {
      {"", "has 0 bytes, a header needs 8" + cut},
      {"1234567", "has 7 bytes, a header needs 8" + cut},
      {std::string("\x40\0\0\0\0\0\0\0{}", 10),
       "the header should have 64 bytes, the file has 2 left" + cut},
      {std::string(16, '\xFF'),
       "the header should have 18446744073709551615 bytes, the file has 8 left" + cut},
      {file_of("[]"), "the header is an array" + cut},
      {file_of("{" + entry("x", "F32", "[2]", 0, 8) + "}", 7),
       "array 'x' is at bytes 0 to 8 of 7; the file is cut off or damaged, fetch or save it again"},
      {file_of("{" + entry("x", "F32", "[2]", 8, 0) + "}", 8),
       "array 'x' is at bytes 8 to 0 of 8; the file is cut off or damaged, fetch or save it again"},
      {file_of("{" + entry("x", "F32", "[2]", 0, 8) + "," + entry("y", "F32", "[2]", 4, 12) + "}",
               12),
       "array 'y' overlaps the array before it; save the file again"},
      {file_of("{" + entry("x", "F32", "[2]", 0, 8) + "," + entry("y", "F32", "[2]", 0, 8) + "}",
               8),
       "array 'y' overlaps the array before it; save the file again"},
      {file_of("{" + entry("x", "F32", "[1]", 0, 4) + "," + entry("y", "F32", "[1]", 8, 12) + "}",
               12),
       "array 'y' leaves a gap before it; save the file again"},
      {file_of("{" + entry("x", "F32", "[1]", 0, 4) + "}", 9),
       "the last 5 bytes belong to no array; save the file again"},
      {file_of("{" + entry("x", "F32", "[3]", 0, 8) + "}", 8),
       "array 'x' has 8 bytes, its shape and dtype F32 need 12; save the file again"},
      {file_of("{" + entry("x", "F32", "[4294967296,4294967296,4]", 0, 8) + "}", 8),
       "array 'x' has 8 bytes, its shape and dtype F32 need more; save the file again"},
      {file_of("{" + entry("x", "F64", "[4294967296,4294967296,0]", 0, 0) + "}", 0),
       "array 'x' has 0 bytes, its shape and dtype F64 need more; save the file again"},
      {file_of("{" + entry("x", "F32", "[-2,-1]", 0, 8) + "}", 8), needs},
      {file_of("{" + entry("x", "F32", "[2.0]", 0, 8) + "}", 8), needs},
      {file_of("{" + entry("x", "F32", "2", 0, 8) + "}", 8), needs},
      {file_of("{" + entry("x", "F32", "[2]", -8, 0) + "}", 8), needs},
      {file_of("{\"x\": 3}"), needs},
      {file_of("{\"x\": {\"shape\": [], \"data_offsets\": [0, 0]}}"), needs},
      {file_of("{\"x\": {\"dtype\": 1, \"shape\": [], \"data_offsets\": [0, 0]}}"), needs},
      {file_of("{\"x\": {\"dtype\": \"F32\", \"data_offsets\": [0, 0]}}"), needs},
      {file_of("{\"x\": {\"dtype\": \"F32\", \"shape\": []}}"), needs},
      {file_of("{\"x\": {\"dtype\": \"F32\", \"shape\": [], \"data_offsets\": [0]}}"), needs},
      {file_of("{\"__metadata__\": []}"),
       "'__metadata__' must be an object of strings; save the file again"},
      {file_of("{\"__metadata__\": {\"epoch\": 3}}"),
       "metadata 'epoch' must be a string; save the file again"},
  };
  for (const Case& c : cases) {
    const std::string path = folder.write("bad.safetensors", c.content);
    CHECK_ERROR(io::SafetensorsFile(path), eg::IoError, "[safetensors] " + path + ": " + c.message);
  }
}

TEST_CASE("safetensors: damaged and unknown content") {
  const test::TemporaryFolder folder;
  SECTION("bad JSON and a name given twice") {
    const std::string path = folder.write("bad.safetensors", file_of("{\"x\" 1}"));
    CHECK_ERROR(io::SafetensorsFile(path), eg::IoError,
                "[json] " + path + ", line 1, column 6: ':' was expected");
    folder.write("bad.safetensors", file_of(""));
    CHECK_ERROR(io::SafetensorsFile(path), eg::IoError,
                "[json] " + path + ", line 1, column 1: the text ends where a value was expected");
    const std::string twice = entry("x", "F32", "[1]", 0, 4);
    folder.write("bad.safetensors", file_of("{" + twice + "," + twice + "}", 4));
    CHECK_ERROR(io::SafetensorsFile(path), eg::IoError,
                "[json] " + path + ", line 1, column " + std::to_string(2 * twice.size() + 4) +
                    ": the object before has two members 'x'");
  }
  SECTION("an unknown dtype and too many axes are errors only when they are asked for") {
    const std::string path = folder.write(
        "new.safetensors", file_of("{" + entry("x", "F4", "[1000000000000]", 0, 2) + "," +
                                       entry("y", "F32", "[1,1,1,1,1,1,1]", 2, 6) + "}",
                                   6));
    const io::SafetensorsFile file(path);
    const std::string at = "[safetensors] " + path + ": ";
    CHECK_ERROR(file.get<float>("x"), eg::IoError,
                at + "array 'x' is F4, F64, F32, F16 or BF16 was expected; convert it or ask for "
                     "another type");
    CHECK_ERROR(file.get<float>("y"), eg::IoError,
                at + "array 'y' has 7 axes, at most 6 are supported; reshape it before saving");
  }
  SECTION("no file") {
    const std::string path = folder / "none.safetensors";
    CHECK_ERROR(io::SafetensorsFile(path), eg::IoError,
                "[file] cannot open " + path + ": No such file or directory");
  }
  SECTION(
      "every way of cutting a good file off is an error, and so is every flipped header byte "
      "unless it still makes a file") {
    const std::string path = folder / "good.safetensors";
    io::save_safetensors<float>(path, {{"a", NdArray<float>({2}, {1, 2})}, {"b", {{1}, {3}}}});
    const std::string good = io::read_file(path);
    for (std::size_t n = 0; n < good.size(); ++n) {
      folder.write("bad.safetensors", good.substr(0, n));
      CHECK_THROWS_AS(io::SafetensorsFile(folder / "bad.safetensors"), eg::IoError);
    }
    for (std::size_t i = 0; i + 12 < good.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
        folder.write("bad.safetensors", bad);
        try {
          const io::SafetensorsFile file(folder / "bad.safetensors");
          for (const std::string& name : file.names()) (void)file.get<float>(name);
        } catch (const eg::IoError&) {
        }
      }
    }
  }
}

TEST_CASE("safetensors: error of the writer") {
  const test::TemporaryFolder folder;
  const NdArray<float> x({1}, {1});
  io::SafetensorsWriter writer;
  writer.add("x", x);
  CHECK_ERROR(writer.add("x", x), eg::ValueError, "[save_safetensors] array 'x' is there already");
  CHECK_ERROR(writer.add("y", NdArray<float>()), eg::ValueError,
              "[save_safetensors] array 'y' is undefined");
  CHECK_ERROR(writer.add("__metadata__", x), eg::ValueError,
              "[save_safetensors] array '__metadata__' has a reserved name");
  CHECK_ERROR(writer.add("\xFF", x), eg::ValueError,
              "[save_safetensors] array '\xFF' has a name that is not UTF-8");
  const std::string path = folder / "none/a.safetensors";
  CHECK_ERROR(writer.write(path), eg::IoError,
              "[file] cannot write " + path + ".tmp: No such file or directory");
}
