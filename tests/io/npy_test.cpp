// SPDX-License-Identifier: MIT
#include <eigengrad/io/npy.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

namespace io = eg::io;
using test::Index;
using test::NdArray;

namespace {

const std::string kReference = EIGENGRAD_TEST_DIR "/reference/";

/// A file of format 1.0 with this header and zeros as numbers.
std::string file_of(const std::string& header, std::size_t bytes = 0) {
  std::string out = "\x93NUMPY\x01";
  out += '\0';
  out += static_cast<char>(header.size());
  out += '\0';
  return out + header + std::string(bytes, '\0');
}

std::string header(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

}  // namespace

TEST_CASE("npy: NumPy's bytes, both ways") {
  const NdArray<float> matrix({2, 3}, {1, 2.5f, -3, 0, 1e-3f, 7});
  CHECK_SAME(io::load_npy<float>(kReference + "numpy_matrix.npy"), matrix);
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.npy";
  io::save_npy(path, matrix);
  CHECK(io::read_file(path) == io::read_file(kReference + "numpy_matrix.npy"));
}

TEST_CASE("npy: all types and shapes come back") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.npy";
  const auto back = [&](const auto& array) {
    io::save_npy(path, array);
    CHECK(io::InputFile(path).size() % 64 == sizeof(*array.data()) * array.numel() % 64);
    return io::load_npy<typename std::decay_t<decltype(array)>::value_type>(path);
  };
  const auto real = test::random<double>({3, 1, 7});
  CHECK_SAME(back(real), real);
  CHECK_SAME(back(NdArray<float>::scalar(4)), NdArray<float>::scalar(4));
  CHECK_SAME(back(NdArray<Index>({3}, {-1, 0, INT64_MAX})),
             NdArray<Index>({3}, {-1, 0, INT64_MAX}));
  CHECK_SAME(back(NdArray<bool>({2, 1}, {true, false})), NdArray<bool>({2, 1}, {true, false}));
  CHECK_SAME(back(NdArray<std::uint8_t>({2}, {0, 255})), NdArray<std::uint8_t>({2}, {0, 255}));
  CHECK(back(NdArray<float>({0, 5})).shape() == test::Shape{0, 5});
  CHECK(back(NdArray<float>({1, 1, 1, 1, 1, 2})).rank() == 6);
  CHECK_ERROR((io::save_npy(path, NdArray<float>()), 0), eg::ValueError,
              "[save_npy] the array is undefined");
}

TEST_CASE("npy: headers as others write them") {
  const test::TemporaryFolder folder;
  for (const char* text : {
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
           "{ \"shape\" : ( 2L , ) , \"descr\" : \"=f4\" ,\t\"fortran_order\" :\nFalse }\n",
           "{'fortran_order': True, 'descr': '<f4', 'shape': (2,), }   \n",
       }) {
    const std::string path = folder.write("a.npy", file_of(text, 8));
    CHECK_SAME(io::load_npy<float>(path), NdArray<float>::zeros({2}));
  }
}

TEST_CASE("npy: error") {
  const test::TemporaryFolder folder;
  const std::string cut = "; the file is cut off or not .npy, fetch or save it again";
  const std::string bytes = "; the file is cut off or damaged, fetch or save it again";
  const std::string rule =
      ": the header must be a dict of descr, fortran_order and shape; the file is damaged, save it "
      "again";
  const std::string convert = "; convert it with astype or ask for another type";
  std::string later = file_of(header("<f4", "(1,)"), 4);
  later[6] = '\x04';
  std::string huge = file_of(header("<f4", "(1,)"), 4);
  huge[6] = '\x02';
  huge[11] = '\x7F';
  struct Case {
    std::string content, message;
  };
  const Case cases[] = {
      {"", " does not begin as an array of NumPy's does" + cut},
      {"PK\x03\x04 and more", " does not begin as an array of NumPy's does" + cut},
      {later, " is of format 4.0, 1 to 3 are read; save it with a current NumPy"},
      {huge, " has a header of 2138767418 bytes" + cut},
      {file_of(header("<f4", "(1,)")).substr(0, 40), " ends inside its header" + cut},
      {file_of(header("<f4", "(2,)"), 7),
       " has 7 bytes of numbers, its shape and type '<f4' need 8" + bytes},
      {file_of(header("<f4", "(2,)"), 9),
       " has 9 bytes of numbers, its shape and type '<f4' need 8" + bytes},
      {file_of(header("<f8", "(4294967296, 4294967296, 4)"), 8),
       " has 8 bytes of numbers, its shape and type '<f8' need more" + bytes},
      {file_of(header("<f4", "(1, 1, 1, 1, 1, 1, 1)"), 4),
       " has 7 axes, at most 6 are supported; reshape it before saving"},
      {file_of(header("<i4", "(1,)"), 4),
       " is of type '<i4', real numbers (f8, f4 or f2) were expected" + convert},
      {file_of(header("<c8", "(1,)"), 8),
       " is of type '<c8', real numbers (f8, f4 or f2) were expected" + convert},
      {file_of("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }"),
       " holds records with fields; save each field as an array of its own"},
      {file_of(header("<f4", "(1,)") + "x", 4), rule},
      {file_of(header("<f4", "(-1,)"), 4), rule},
      {file_of(header("<f4", "(1.5,)"), 4), rule},
      {file_of(header("<f4", "(99999999999999999999,)"), 4), rule},
      {file_of(header("<f4", "[1]"), 4), rule},
      {file_of("{'descr': '<f4', 'shape': (1,), }", 4), rule},
      {file_of("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4), rule},
      {file_of("{'descr': '<f4', 'fortran_order': None, 'shape': (1,)}", 4), rule},
      {file_of("{'descr': '<f4", 4), rule},
      {file_of("", 4), rule},
  };
  for (const Case& c : cases) {
    const std::string path = folder.write("bad.npy", c.content);
    CHECK_ERROR(io::load_npy<float>(path), eg::IoError, "[npy] " + path + c.message);
  }
  const std::string path = folder.write("bad.npy", file_of(header("<f4", "(1,)"), 4));
  const std::string is_float = "[npy] " + path + " is of type '<f4', ";
  CHECK_ERROR(io::load_npy<Index>(path), eg::IoError,
              is_float + "integers (i1 to i8, u1 to u8) were expected" + convert);
  CHECK_ERROR(io::load_npy<bool>(path), eg::IoError,
              is_float + "truth values (b1) were expected" + convert);
  CHECK_ERROR(io::load_npy<std::uint8_t>(path), eg::IoError,
              is_float + "bytes (u1) were expected" + convert);
  CHECK_ERROR(io::load_npy<float>(folder / "none.npy"), eg::IoError,
              "[file] cannot open " + folder.path() + "/none.npy: No such file or directory");
}

TEST_CASE("npy: a file that is cut off is an error, a flipped bit an error or other numbers") {
  const test::TemporaryFolder folder;
  const std::string good = io::read_file(kReference + "numpy_matrix.npy");
  eg::reset_peak_memory();
  const std::size_t before = eg::peak_memory();
  for (std::size_t n = 0; n < good.size(); ++n) {
    const std::string path = folder.write("bad.npy", good.substr(0, n));
    CHECK_THROWS_AS(io::load_npy<float>(path), eg::IoError);
  }
  int loaded = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      const std::string path = folder.write("bad.npy", bad);
      try {
        const auto back = io::load_npy<float>(path);
        CHECK(back.numel() <= 6);
        ++loaded;
      } catch (const eg::IoError&) {
      }
    }
  }
  CHECK(loaded >= 24 * 8);  // the numbers themselves have no sum to check
  CHECK(eg::peak_memory() < before + 4096);
}
