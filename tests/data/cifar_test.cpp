// SPDX-License-Identifier: MIT
#include <eigengrad/data/cifar.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/test.hpp>

namespace data = eg::data;
using data::CifarLabels;
using data::CifarPart;
using test::Index;
using test::NdArray;

namespace {

const std::string kHint10 =
    "; download https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz and unpack it in ";
const std::string kHint100 =
    "; download https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz and unpack it in ";

/// A record with pixels start, start + 1, ... (mod 251).
std::string record(const std::string& labels, int start) {
  std::string out = labels;
  for (int i = 0; i < 3072; ++i) out += static_cast<char>((start + i) % 251);
  return out;
}

void write_train(const test::TemporaryFolder& folder, const std::string& inner) {
  for (int file = 1; file <= 5; ++file) {
    folder.write(inner + "data_batch_" + std::to_string(file) + ".bin",
                 record({static_cast<char>(file)}, file) + record({9}, 10 * file));
  }
}

}  // namespace

TEST_CASE("cifar: value") {
  const test::TemporaryFolder folder;
  SECTION("CIFAR-10: five files in order, from the folder or from the one above") {
    write_train(folder, "cifar-10-batches-bin/");
    folder.write("cifar-10-batches-bin/test_batch.bin", record({3}, 100));
    for (const std::string& at : {folder.path(), folder / "cifar-10-batches-bin"}) {
      const auto train = data::load_cifar10(at, CifarPart::kTrain);
      CHECK(train.images().shape() == test::Shape{10, 3, 32, 32});
      CHECK_SAME(train.labels(), NdArray<Index>({10}, {1, 9, 2, 9, 3, 9, 4, 9, 5, 9}));
      CHECK(int(train.images()(0, 0, 0, 0)) == 1);
      CHECK(int(train.images()(9, 0, 0, 1)) == 51);
      CHECK(int(train.images()(4, 1, 2, 5)) == (3 + 1024 + 2 * 32 + 5) % 251);
      CHECK(train.classes().size() == 10);
      CHECK(train.classes()[0] == "airplane");
      CHECK(train.classes()[9] == "truck");
      const auto test = data::load_cifar10(at, CifarPart::kTest);
      CHECK(test.size() == 1);
      CHECK(int(test.images()(0, 2, 31, 31)) == (100 + 3071) % 251);
    }
  }
  SECTION("CIFAR-100: fine and coarse labels") {
    folder.write("cifar-100-binary/train.bin", record({19, 99}, 0) + record({0, 4}, 1));
    folder.write("cifar-100-binary/test.bin", record({7, 24}, 2));
    const auto fine = data::load_cifar100(folder.path(), CifarPart::kTrain);
    CHECK_SAME(fine.labels(), NdArray<Index>({2}, {99, 4}));
    CHECK(fine.classes().size() == 100);
    CHECK(fine.classes()[0] == "apple");
    CHECK(fine.classes()[99] == "worm");
    CHECK(int(fine.images()(1, 0, 0, 0)) == 1);
    const auto coarse = data::load_cifar100(folder.path(), CifarPart::kTrain, CifarLabels::kCoarse);
    CHECK_SAME(coarse.labels(), NdArray<Index>({2}, {19, 0}));
    CHECK(coarse.classes().size() == 20);
    CHECK(coarse.classes()[19] == "vehicles_2");
    const auto test = data::load_cifar100(folder / "cifar-100-binary", CifarPart::kTest);
    CHECK(test.classes()[static_cast<std::size_t>(test.labels()(0))] == "cockroach");
  }
  SECTION("more records than are read at once") {
    std::string content;
    for (int i = 0; i < 1030; ++i) content += record({static_cast<char>(i % 10)}, i);
    folder.write("test_batch.bin", content);
    const auto set = data::load_cifar10(folder.path(), CifarPart::kTest);
    REQUIRE(set.size() == 1030);
    for (Index i = 0; i < 1030; ++i) {
      REQUIRE(set.labels()(i) == i % 10);
      REQUIRE(Index(set.image(i)[0]) == i % 251);
    }
  }
  SECTION("class names from the file, with any line ends") {
    folder.write("test_batch.bin", record({0}, 0));
    folder.write("batches.meta.txt", "a\r\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    const auto set = data::load_cifar10(folder.path(), CifarPart::kTest);
    CHECK(set.classes() ==
          std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  }
}

TEST_CASE("cifar: what is written comes back") {
  const test::TemporaryFolder folder;
  const auto made = [](Index n, std::uint64_t seed) {
    NdArray<std::uint8_t> images({n, 3, 32, 32});
    eg::Generator rng(seed);
    for (auto& pixel : images) pixel = static_cast<std::uint8_t>(rng.next());
    NdArray<Index> labels({n});
    for (auto& label : labels) label = rng.integer(10);
    return data::ImageDataset(images, labels, {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  };
  const auto train = made(13, 1);
  const auto test = made(1, 2);
  const std::string at = folder / "new/folder";
  data::save_cifar10(at, train, test);
  CHECK(std::filesystem::file_size(at + "/cifar-10-batches-bin/data_batch_1.bin") == 2 * 3073);
  const auto read = data::load_cifar10(at, CifarPart::kTrain);
  CHECK_SAME(read.images(), train.images());
  CHECK_SAME(read.labels(), train.labels());
  CHECK(read.classes() == train.classes());
  CHECK_SAME(data::load_cifar10(at, CifarPart::kTest).images(), test.images());

  CHECK_ERROR(data::save_cifar10(at, made(4, 1), test), eg::ValueError,
              "[save_cifar10] needs at least 5 images (3, 32, 32) of 10 classes: images "
              "(4, 3, 32, 32), classes 10");
  CHECK_ERROR(data::save_cifar10(at, train, data::ImageDataset()), eg::ValueError,
              "[save_cifar10] needs at least 1 images (3, 32, 32) of 10 classes: images "
              "(0, 0, 0, 0), classes 0");
}

TEST_CASE("cifar: error") {
  const test::TemporaryFolder folder;
  const std::string at = folder.path();
  SECTION("missing") {
    CHECK_ERROR(data::load_cifar10(folder / "none", CifarPart::kTrain), eg::IoError,
                "[cifar10] there is no folder " + (folder / "none") + kHint10 + (folder / "none"));
    CHECK_ERROR(data::load_cifar10(at, CifarPart::kTrain), eg::IoError,
                "[cifar10] there is no data_batch_1.bin in " + at + kHint10 + at);
    CHECK_ERROR(data::load_cifar100(at, CifarPart::kTest), eg::IoError,
                "[cifar100] there is no test.bin in " + at + kHint100 + at);
    write_train(folder, "cifar-10-batches-bin/");
    const std::string inner = folder / "cifar-10-batches-bin";
    CHECK_ERROR(data::load_cifar10(at, CifarPart::kTest), eg::IoError,
                "[cifar10] there is no test_batch.bin in " + at + " or " + inner + kHint10 + at);
    std::filesystem::remove(inner + "/data_batch_4.bin");
    CHECK_ERROR(data::load_cifar10(at, CifarPart::kTrain), eg::IoError,
                "[cifar10] there is no data_batch_4.bin in " + inner + kHint10 + inner);
  }
  SECTION("cut off") {
    const std::string damaged = " bytes more; the file is cut off or damaged, fetch it again";
    const std::string path = folder.write("test_batch.bin", record({1}, 0) + record({1}, 0));
    std::filesystem::resize_file(path, 2 * 3073 - 1);
    CHECK_ERROR(data::load_cifar10(at, CifarPart::kTest), eg::IoError,
                "[cifar10] " + path + " has 6145 bytes, 1 records of 3073 and 3072" + damaged);
    std::filesystem::resize_file(path, 0);
    CHECK_ERROR(data::load_cifar10(at, CifarPart::kTest), eg::IoError,
                "[cifar10] " + path + " has 0 bytes, 0 records of 3073 and 0" + damaged);
    const std::string hundred = folder.write("test.bin", record({1}, 0));
    CHECK_ERROR(data::load_cifar100(at, CifarPart::kTest), eg::IoError,
                "[cifar100] " + hundred + " has 3073 bytes, 0 records of 3074 and 3073" + damaged);
    write_train(folder, "");
    std::filesystem::resize_file(folder / "data_batch_5.bin", 3074);
    CHECK_ERROR(data::load_cifar10(at, CifarPart::kTrain), eg::IoError,
                "[cifar10] " + (folder / "data_batch_5.bin") +
                    " has 3074 bytes, 1 records of 3073 and 1" + damaged);
  }
  SECTION("labels") {
    const std::string ten = folder.write("test_batch.bin", record({9}, 0) + record({10}, 0));
    CHECK_ERROR(data::load_cifar10(at, CifarPart::kTest), eg::IoError,
                "[cifar10] " + ten +
                    ", record 1: label 10 is out of range, 0 to 9 are allowed; "
                    "the file is damaged, fetch it again");
    const std::string hundred = folder.write("test.bin", record({20, 100}, 0));
    CHECK_ERROR(data::load_cifar100(at, CifarPart::kTest), eg::IoError,
                "[cifar100] " + hundred +
                    ", record 0: label 100 is out of range, 0 to 99 are "
                    "allowed; the file is damaged, fetch it again");
    CHECK_ERROR(data::load_cifar100(at, CifarPart::kTest, CifarLabels::kCoarse), eg::IoError,
                "[cifar100] " + hundred +
                    ", record 0: label 20 is out of range, 0 to 19 are "
                    "allowed; the file is damaged, fetch it again");
  }
  SECTION("class names") {
    folder.write("test_batch.bin", record({0}, 0));
    const std::string path = folder.write("batches.meta.txt", "a\nb\n");
    CHECK_ERROR(data::load_cifar10(at, CifarPart::kTest), eg::IoError,
                "[cifar10] " + path +
                    " names 2 classes, 10 were expected; delete or fetch it "
                    "again");
  }
}
