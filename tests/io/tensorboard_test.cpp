// SPDX-License-Identifier: MIT
#include <eigengrad/io/tensorboard.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

namespace io = eg::io;
using test::NdArray;

namespace {

io::TensorBoardOptions fixed_clock(eg::Index purge_step = -1) {
  return {.purge_step = purge_step, .clock = [] { return 1700000000.5; }};
}

}  // namespace

TEST_CASE("tensorboard: checksums") {
  using io::detail::crc32c;
  // RFC 3720, B.4, and the usual check value.
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xE3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43u);
  // The mask of tensorflow/core/lib/hash/crc32c.h: rotated right by 15, plus a constant.
  CHECK(io::detail::masked_crc32c("123456789") ==
        ((0xE3069283u >> 15 | 0xE3069283u << 17) + 0xA282EAD8u));
}

TEST_CASE("tensorboard: the encoding of numbers") {
  std::string out;
  io::detail::append_varint(out, 300);
  CHECK(out == "\xAC\x02");
  CHECK(io::detail::Message().integer(1, -1).bytes().size() == 11);  // ten bytes, as int64 has it
  CHECK(io::detail::Message().integer(1, 0).real(2, 0).bytes().empty());
  CHECK(io::detail::Message().single(2, 0).bytes() == std::string("\x15\0\0\0\0", 5));
}

TEST_CASE("tensorboard: the bytes of the tensorboard package") {
  const test::TemporaryFolder folder;
  std::string path;
  {
    io::TensorBoardWriter board(folder.path(), fixed_clock(7));
    board.scalar("loss/train", 0, 2.5);
    board.scalar("loss/train", 300, 0);
    board.histogram("weights", 300, NdArray<float>({4}, {-1, 0, 0.5f, 2}));
    board.image("image", 301, "\x89PNG not really", 2, 3);
    board.text("run", 301, "**bold**");
    path = board.path();
    CHECK(io::read_file(path).empty());
  }
  CHECK(path.find("/events.out.tfevents.1700000000.500000.") != std::string::npos);
  CHECK(io::read_file(path) ==
        io::read_file(std::string(EIGENGRAD_TEST_DIR) + "/reference/events.tfevents"));
}

TEST_CASE("tensorboard: histograms at the edges") {
  const auto bytes = [](const NdArray<double>& x) {
    return io::detail::histogram_message<double>({x.data(), static_cast<std::size_t>(x.numel())});
  };
  // All equal: one bucket with all of them. min 3, max 3, num 2, sum 6, sum_squares 18.
  io::detail::Message equal;
  equal.real(1, 3).real(2, 3).real(3, 2).real(4, 6).real(5, 18).reals(6, {3}).reals(7, {2});
  CHECK(bytes(NdArray<double>({2}, {3, 3})) == equal.bytes());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(bytes(NdArray<double>({3}, {3, nan, 3})) == equal.bytes());
  CHECK(bytes(NdArray<double>({0}, {})) ==
        io::detail::Message().reals(6, {0}).reals(7, {0}).bytes());
}

TEST_CASE("tensorboard: records reach the file with flush, and a folder that cannot be written") {
  const test::TemporaryFolder folder;
  io::TensorBoardWriter board(folder / "new/run", fixed_clock());
  board.flush();
  const std::string first = io::read_file(board.path());
  CHECK(first.size() == 8 + 4 + 9 + 15 + 4);  // the version alone: no session log in a new run
  board.scalar("a", 1, 1);
  CHECK(io::read_file(board.path()) == first);
  board.flush();
  CHECK(io::read_file(board.path()).size() > first.size());
  folder.write("file", "");
  CHECK_THROWS_AS(io::TensorBoardWriter(folder / "file"), eg::IoError);
}
