// SPDX-License-Identifier: MIT
#include <eigengrad/io/file.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

namespace io = eg::io;

TEST_CASE("file: value") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.bin";
  const std::string content("zero \0 and \xFF\n", 13);
  io::write_file(path, content);
  CHECK(io::read_file(path) == content);
  io::write_file(path, "");
  CHECK(io::read_file(path).empty());
  CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
}

TEST_CASE("file: edge") {
  const test::TemporaryFolder folder;
  SECTION("without a commit the old file stays and the temporary one is removed") {
    const std::string path = folder.write("a.txt", "old");
    {
      io::AtomicFile file(path);
      file.write("new");
      CHECK(io::read_file(path) == "old");
    }
    CHECK(io::read_file(path) == "old");
    CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
  }
  SECTION("an open file shows the content it had when it was opened") {
    const std::string path = folder.write("a.txt", "first");
    const io::InputFile file(path);
    io::write_file(path, "other");
    std::string content(5, ' ');
    file.read(0, content.data(), 5);
    CHECK(content == "first");
    file.read(3, content.data(), 2);
    CHECK(content == "strst");
  }
  SECTION("folders") {
    io::make_folder(folder / "a/b//c/");
    CHECK(io::is_folder(folder / "a/b/c"));
    io::make_folder(folder / "a/b/c");
    CHECK_FALSE(io::is_file(folder / "a/b/c"));
    CHECK_FALSE(io::is_folder(folder / "a/x"));
    CHECK(io::is_file(folder.write("a/f", "")));
    CHECK_FALSE(io::is_folder(folder / "a/f"));
    CHECK_ERROR(io::make_folder(folder / "a/f"), eg::IoError,
                "[file] cannot make the folder " + (folder / "a/f") + ": Not a directory");
    CHECK_ERROR(io::make_folder(folder / "a/f/g"), eg::IoError,
                "[file] cannot make the folder " + (folder / "a/f") + ": Not a directory");
  }
  SECTION("a bare name is written into the working folder") {
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder.path());
    io::write_file("bare.txt", "here");
    std::filesystem::current_path(before);
    CHECK(io::read_file(folder / "bare.txt") == "here");
  }
}

TEST_CASE("file: error") {
  const test::TemporaryFolder folder;
  const std::string missing = folder / "missing/a.txt";
  CHECK_ERROR(io::read_file(missing), eg::IoError,
              "[file] cannot open " + missing + ": No such file or directory");
  CHECK_ERROR(io::write_file(missing, "x"), eg::IoError,
              "[file] cannot write " + missing + ".tmp: No such file or directory");
  CHECK_ERROR(io::read_file(folder.path()), eg::IoError,
              "[file] cannot read " + folder.path() + ": Is a directory");
  CHECK_ERROR(io::write_file(folder.path(), "x"), eg::IoError,
              "[file] cannot replace " + folder.path() + ": Is a directory");
  CHECK_FALSE(std::filesystem::exists(folder.path() + ".tmp"));

  const std::string path = folder.write("short.txt", "12345");
  char buffer[8];
  CHECK_ERROR(io::InputFile(path).read(2, buffer, 8), eg::IoError,
              "[file] " + path + " ends at byte 5, 5 more were expected");
}
