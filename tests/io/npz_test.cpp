// SPDX-License-Identifier: MIT
#include <eigengrad/io/npz.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

namespace io = eg::io;
using test::Index;
using test::NdArray;

namespace {

const std::string kReference = EIGENGRAD_TEST_DIR "/reference/";
const std::string kAgain = " is damaged; fetch or save the file again";

/// 0, 1, ... in the shape (2, 3, 4).
template <class T>
NdArray<T> cube() {
  return NdArray<T>::arange(24).reshape({2, 3, 4});
}

}  // namespace

TEST_CASE("npz: written by NumPy") {
  const io::NpzFile file(kReference + "numpy_types.npz");
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(file.names().size() == 30);
  CHECK(file.contains("f8"));
  CHECK_FALSE(file.contains("readme.txt"));
  CHECK(file.dtype("big f2") == ">f2");
  CHECK(file.shape("fortran") == test::Shape{2, 3, 4});

  CHECK_SAME(file.get<double>("f8"), NdArray<double>({2}, {1 / 3., -1e300}));
  CHECK_SAME(file.get<double>("big f8"), file.get<double>("f8"));
  CHECK_SAME(file.get<float>("f4"), NdArray<float>({2}, {1 / 3.f, -1e30f}));
  CHECK_SAME(file.get<double>("big f4"), file.get<float>("f4"));
  const NdArray<double> half({6}, {0, -1.5, 65504, 0x1p-24, inf, std::nan("")});
  CHECK_SAME(file.get<double>("f2"), half);
  CHECK_SAME(file.get<float>("big f2"), half);

  const auto pair = [](Index a, Index b) { return NdArray<Index>({2}, {a, b}); };
  CHECK_SAME(file.get<Index>("i1"), pair(-128, 127));
  CHECK_SAME(file.get<Index>("i2"), pair(-32768, 32767));
  CHECK_SAME(file.get<Index>("i4"), pair(INT32_MIN, INT32_MAX));
  CHECK_SAME(file.get<Index>("big i4"), pair(INT32_MIN, INT32_MAX));
  CHECK(file.get<Index>("i8")(0) == INT64_MIN);
  CHECK(file.get<Index>("i8")(1) == INT64_MAX);
  CHECK_SAME(file.get<Index>("u1"), pair(0, 255));
  CHECK_SAME(file.get<Index>("u2"), pair(0, 65535));
  CHECK_SAME(file.get<Index>("u4"), pair(0, UINT32_MAX));
  CHECK(file.get<Index>("u8")(1) == INT64_MAX);
  CHECK_SAME(file.get<std::uint8_t>("u1"), NdArray<std::uint8_t>({2}, {0, 255}));
  CHECK_SAME(file.get<bool>("b1"), NdArray<bool>({2, 2}, {true, false, false, true}));

  CHECK(file.get<float>("scalar").item() == 4.5f);
  CHECK(file.get<float>("empty").shape() == test::Shape{0, 3});
  CHECK_SAME(file.get<double>("fortran"), cube<double>());
  CHECK_SAME(file.get<Index>("fortran big i2"), cube<Index>());
  const auto rows = file.get<float>("long fortran");
  REQUIRE(rows.shape() == test::Shape{90, 100});
  for (Index i = 0; i < rows.numel(); ++i) REQUIRE(rows.data()[i] == static_cast<float>(i % 1000));
  for (const char* name : {"format 2", "format 3",
                           "gr\xC3\xB6\xC3\x9F"
                           "e"}) {
    CHECK_SAME(file.get<double>(name), NdArray<double>({1, 2}, {1, 2}));
  }
  CHECK(file.get_all<double>("format ").size() == 2);

  const std::string at = "[npy] " + file.path() + ", array ";
  const std::string convert = " were expected; convert it with astype or ask for another type";
  CHECK_ERROR(file.get<Index>("u8 above"), eg::IoError,
              at + "'u8 above', holds 9223372036854775808, more than an Index can");
  CHECK_ERROR(file.get<float>("rank 7"), eg::IoError,
              at + "'rank 7', has 7 axes, at most 6 are supported; reshape it before saving");
  for (const auto& [name, type] : {std::pair("c8", "<c8"), {"objects", "|O"}, {"text", "<U3"}}) {
    CHECK_ERROR(
        file.get<float>(name), eg::IoError,
        at + "'" + name + "', is of type '" + type + "', real numbers (f8, f4 or f2)" + convert);
  }
  CHECK_ERROR(file.get<float>("records"), eg::IoError,
              at + "'records', holds records with fields; save each field as an array of its own");
  CHECK_ERROR(file.get<float>("none"), eg::IoError,
              "[npz] " + file.path() + ": no array is called 'none'; names() lists all 30");
}

TEST_CASE("npz: compressed by NumPy") {
  const io::NpzFile file(kReference + "numpy_compressed.npz");
  CHECK(file.names() == std::vector<std::string>{"x"});
  CHECK_ERROR(file.get<float>("x"), eg::IoError,
              "[npz] " + file.path() +
                  ": 'x.npy' is compressed (numpy.savez_compressed); save it with numpy.savez");
}

TEST_CASE("npz: the sum of zip") {
  // The check value of CRC-32,
  // https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-32-iso-hdlc
  CHECK(io::detail::crc32("123456789", 9) == 0xCBF43926);
  CHECK(io::detail::crc32("6789", 4, io::detail::crc32("12345", 5)) == 0xCBF43926);
}

TEST_CASE("npz: several dicts in one file") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.npz";
  const auto real = test::random<double>({3, 4000});
  const NdArray<bool> mask({2}, {true, false});
  io::NpzWriter writer;
  writer.add("a/real", real).add("mask", mask).add("\xC3\xA9", NdArray<float>({0, 2}));
  writer.add_all("model.", std::map<std::string, NdArray<float>>{{"w", {{1}, {3}}}});
  writer.write(path);
  const std::string bytes = io::read_file(path);
  writer.write(path);
  CHECK(io::read_file(path) == bytes);

  const io::NpzFile file(path);
  CHECK(file.names() == std::vector<std::string>{"a/real", "mask", "model.w", "\xC3\xA9"});
  CHECK_SAME(file.get<double>("a/real"), real);
  CHECK_SAME(file.get<bool>("mask"), mask);
  CHECK(file.get<float>("\xC3\xA9").shape() == test::Shape{0, 2});
  CHECK_SAME(file.get_all<float>("model.").at("w"), NdArray<float>({1}, {3}));

  io::save_npz<float>(path, {});
  CHECK(io::NpzFile(path).names().empty());
}

TEST_CASE("npz: error of the writer") {
  io::NpzWriter writer;
  const NdArray<float> x({1}, {1});
  writer.add("x", x);
  CHECK_ERROR(writer.add("x", x), eg::ValueError, "[save_npz] array 'x' is there already");
  CHECK_ERROR(writer.add("y", NdArray<float>()), eg::ValueError,
              "[save_npz] array 'y' is undefined");
  CHECK_ERROR(writer.add("", x), eg::ValueError, "[save_npz] array '' needs a name");
  CHECK_ERROR(writer.add("\xFF", x), eg::ValueError,
              "[save_npz] array '\xFF' has a name that is not UTF-8");
  CHECK_ERROR(writer.add(std::string(10'001, 'a'), x), eg::ValueError,
              "[save_npz] array '" + std::string(10'001, 'a') + "' has too long a name");
}

TEST_CASE("npz: damaged files") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "bad.npz";
  io::save_npz<float>(path, {{"a", NdArray<float>({2}, {1, 2})}, {"b", NdArray<float>({1}, {3})}});
  const std::string good = io::read_file(path);
  const std::string at = "[npz] " + path + ": ";
  const auto changed = [&](std::size_t place, std::string_view bytes) {
    std::string bad = good;
    folder.write("bad.npz", bad.replace(place, bytes.size(), bytes));
  };
  const std::size_t numbers = 30 + 5 + 128;
  const std::size_t end = good.size() - 22;
  const std::size_t directory = end - 2 * (46 + 5);
  SECTION("numbers") {
    changed(numbers, "\x01");
    CHECK_ERROR(io::NpzFile(path).get<float>("a"), eg::IoError, at + "'a.npy'" + kAgain);
    CHECK(io::NpzFile(path).get<float>("b").item() == 3);
  }
  SECTION("the file's own header") {
    changed(30, "c");
    CHECK_ERROR(io::NpzFile(path).get<float>("a"), eg::IoError, at + "'a.npy'" + kAgain);
    changed(26, "\xFF\xFF");
    CHECK_ERROR(io::NpzFile(path).get<float>("a"), eg::IoError, at + "'a.npy'" + kAgain);
  }
  SECTION("the directory") {
    const std::string bad = at + "the directory is damaged; fetch or save the file again";
    changed(directory, "x");
    CHECK_ERROR(io::NpzFile(path), eg::IoError, bad);
    changed(directory + 28, "\xFF\xFF");
    CHECK_ERROR(io::NpzFile(path), eg::IoError, bad);
    changed(directory + 46, "b");  // two of one name
    CHECK_ERROR(io::NpzFile(path), eg::IoError, bad);
    changed(end + 12, "\x01");
    CHECK_ERROR(io::NpzFile(path), eg::IoError, bad);
    changed(directory + 8, "\x01");
    CHECK_ERROR(io::NpzFile(path).get<float>("a"), eg::IoError,
                at + "'a.npy' is encrypted; save it without a password");
  }
  SECTION("zip64") {
    const std::string large =
        at + "is larger than 4 GiB (zip64), which is not read; save each array with numpy.save";
    changed(end + 16, "\xFF\xFF\xFF\xFF");
    CHECK_ERROR(io::NpzFile(path), eg::IoError, large);
    changed(directory + 20, "\xFF\xFF\xFF\xFF");
    CHECK_ERROR(io::NpzFile(path), eg::IoError, large);
  }
  SECTION("another file") {
    folder.write("bad.npz", "");
    const std::string other =
        at +
        "does not end as a zip archive does; the file is cut off or not .npz, fetch or save "
        "it again";
    CHECK_ERROR(io::NpzFile(path), eg::IoError, other);
    folder.write("bad.npz", good.substr(0, good.size() - 1));
    CHECK_ERROR(io::NpzFile(path), eg::IoError, other);
  }
  SECTION(
      "cut off anywhere, or a bit of any byte flipped: an error or the numbers that were written") {
    eg::reset_peak_memory();
    const std::size_t before = eg::peak_memory();
    for (std::size_t n = 0; n < good.size(); ++n) {
      folder.write("bad.npz", good.substr(0, n));
      CHECK_THROWS_AS(io::NpzFile(path), eg::IoError);
    }
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (const int bit : {0, 3, 7}) {
        changed(i, std::string(1, static_cast<char>(good[i] ^ (1 << bit))));
        try {
          const auto back = io::NpzFile(path).get_all<float>("");
          for (const auto& [name, array] : back) {
            const float first = array(0);
            const bool same = array.numel() == 2 ? first == 1 : array.numel() == 1 && first == 3;
            if (!same) FAIL_CHECK("bit " << bit << " of byte " << i << ", " << name);
          }
        } catch (const eg::IoError&) {
        }
      }
    }
    CHECK(eg::peak_memory() < before + 4096);
  }
}
