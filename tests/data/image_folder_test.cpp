// SPDX-License-Identifier: MIT
#include <eigengrad/data/image_folder.hpp>
#include <eigengrad/io/safetensors.hpp>
#include <tests/support/folder.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

namespace data = eg::data;
using test::Index;
using test::NdArray;
using Bytes = NdArray<std::uint8_t>;
using Strings = std::vector<std::string>;

namespace {

/// The file of a picture (3, h, w) of one colour.
std::string plain(Index h, Index w, std::uint8_t value) {
  Bytes image({3, h, w});
  image.fill(value);
  return eg::image::encode_png(image);
}

/// Two classes with pictures of several sizes, and what is to be passed over.
void write_pets(const test::TemporaryFolder& folder, const std::string& at) {
  folder.write(at + "/dog/b.png", plain(8, 8, 10));
  folder.write(at + "/dog/more/a.PNG", plain(12, 5, 20));
  folder.write(at + "/cat/1.png", plain(9, 30, 30));
  folder.write(at + "/cat/.hidden.png", "nothing");
  folder.write(at + "/cat/notes.txt", "nothing");
  folder.write(at + "/.git/x.png", "nothing");
  folder.write(at + "/readme.txt", "nothing");
}

}  // namespace

TEST_CASE("centre_square takes the middle, whole, in the size asked for", "[image_folder]") {
  // Columns 0 to 8 of 9; the square of side 3 in the middle is columns 3 to 5.
  Bytes wide({1, 3, 9});
  for (Index i = 0; i < 27; ++i) wide.data()[i] = static_cast<std::uint8_t>(10 * (i % 9));
  CHECK_SAME(data::centre_square(wide, 3), Bytes({1, 3, 3}, {30, 40, 50, 30, 40, 50, 30, 40, 50}));
  CHECK_SAME(data::centre_square(wide, 1), Bytes({1, 1, 1}, {40}));
  CHECK_SAME(data::centre_square(wide.reshape({1, 9, 3}), 3),
             Bytes({1, 3, 3}, {0, 10, 20, 30, 40, 50, 60, 70, 80}));
  CHECK_ERROR(data::centre_square(wide, 0), eg::ShapeError,
              "[centre_square] needs a picture (C, H, W) and a size of at least 1: picture "
              "(1, 3, 9), size 0");
}

TEST_CASE("a folder of images by class is listed in order", "[image_folder]") {
  const test::TemporaryFolder folder;
  write_pets(folder, "pets");
  const data::ImageFiles files = data::list_images(folder / "pets");
  CHECK(files.classes == Strings{"cat", "dog"});
  CHECK(files.paths == Strings{folder / "pets/cat/1.png", folder / "pets/dog/b.png",
                               folder / "pets/dog/more/a.PNG"});
  CHECK(files.labels == std::vector<Index>{0, 1, 1});

  // Labels of a test set refer to the training set's classes.
  const data::ImageFiles test = data::list_images(folder / "pets", {"bird", "cat", "dog"});
  CHECK(test.classes.size() == 3);
  CHECK(test.labels == std::vector<Index>{1, 2, 2});
}

TEST_CASE("pictures are loaded as squares, the same on any number of threads", "[image_folder]") {
  const test::TemporaryFolder folder;
  write_pets(folder, "pets");
  const eg::io::SafetensorsFile pictures(std::string(EIGENGRAD_TEST_DIR) +
                                         "/reference/image.safetensors");
  const Bytes jpeg = pictures.get<std::uint8_t>("orientation_6.file");
  folder.write("pets/cat/2.jpg", std::string(jpeg.begin(), jpeg.end()));
  const data::ImageFiles files = data::list_images(folder / "pets");
  for (const int n : {1, 2, 4}) {
    const test::Threads guard(n);
    const data::LoadedImages loaded = data::load_images(files, {.image_size = 4});
    CHECK(loaded.skipped.empty());
    const Bytes& images = loaded.dataset.images();
    REQUIRE(images.shape() == test::Shape{4, 3, 4, 4});
    CHECK_SAME(loaded.dataset.labels(), NdArray<Index>({4}, {0, 0, 1, 1}));
    CHECK(loaded.dataset.classes() == Strings{"cat", "dog"});
    const std::uint8_t values[] = {30, 0, 10, 20};
    for (const Index i : {0, 2, 3}) {
      Bytes expected({3, 4, 4});
      expected.fill(values[i]);
      Bytes actual({3, 4, 4});
      std::copy_n(loaded.dataset.image(i), 48, actual.data());
      CHECK_SAME(actual, expected);
    }
    // What lies in the files is what a picture alone gives.
    Bytes second({3, 4, 4});
    std::copy_n(loaded.dataset.image(1), 48, second.data());
    CHECK_SAME(second, data::centre_square(eg::image::read_image(folder / "pets/cat/2.jpg"), 4));
  }
}

TEST_CASE("files that cannot be read are named, or left out and counted", "[image_folder]") {
  const test::TemporaryFolder folder;
  write_pets(folder, "pets");
  folder.write("pets/dog/bad.png", plain(4, 4, 1).substr(0, 60));
  folder.write("pets/dog/worse.png", "hello");
  const data::ImageFiles files = data::list_images(folder / "pets");
  const std::string first = "[image] cannot read " + folder / "pets/dog/bad.png" + ": ";
  std::string text = "nothing was thrown";
  try {
    data::load_images(files);
  } catch (const eg::IoError& error) {
    text = error.what();
  }
  CHECK(text.starts_with(first));
  CHECK(text.ends_with(" (nor can 1 of the other files)"));

  const data::LoadedImages loaded =
      data::load_images(files, {.image_size = 2, .skip_unreadable = true});
  CHECK(loaded.dataset.size() == 3);
  CHECK_SAME(loaded.dataset.labels(), NdArray<Index>({3}, {0, 1, 1}));
  CHECK(int{loaded.dataset.image(2)[0]} == 20);
  REQUIRE(loaded.skipped.size() == 2);
  CHECK(loaded.skipped[0].starts_with(first));
  CHECK(loaded.skipped[1] == "[image] cannot read " + folder / "pets/dog/worse.png" +
                                 ": it is no PNG, JPEG, BMP, PPM or PGM picture");
}

TEST_CASE("listing images: errors say what to do", "[image_folder]") {
  const test::TemporaryFolder folder;
  const std::string rule =
      "; each class needs a folder of its own with its pictures: " + folder / "x/CLASS/NAME.png";
  CHECK_ERROR(data::list_images(folder / "x"), eg::IoError,
              "[image_folder] there is no folder " + folder / "x");
  folder.write("x/1.png", plain(1, 1, 1));
  CHECK_ERROR(data::list_images(folder / "x"), eg::IoError,
              "[image_folder] " + folder / "x" + " holds no folders (pictures in it: 1)" + rule);
  folder.write("x/cat/1.png", plain(1, 1, 1));
  CHECK_ERROR(data::list_images(folder / "x"), eg::IoError,
              "[image_folder] " + folder / "x" + " holds one class only, cat" + rule);
  folder.write("x/dog/a.webp", "");
  CHECK_ERROR(data::list_images(folder / "x"), eg::IoError,
              "[image_folder] the class " + folder / "x/dog" +
                  " has no PNG, JPEG, BMP, PPM or PGM pictures, but " + folder / "x/dog/a.webp" +
                  "; add some, convert what is there, or remove the folder");
  CHECK_ERROR(data::list_images(folder / "x", {"cat", "mouse"}), eg::IoError,
              "[image_folder] " + folder / "x/dog" +
                  " is none of the 2 classes (cat to mouse); rename or remove it");
  std::string text = "nothing was thrown";
  try {
    data::load_images({{"a", "b"}, {"a", "b"}, {0, 1}}, {.image_size = 100'000'000});
  } catch (const eg::IoError& error) {
    text = error.what();
  }
  CHECK(
      text.starts_with("[image_folder] 2 pictures of 100000000x100000000 need 6e+07 GB, this "
                       "machine has "));
  CHECK_ERROR(data::decode_images({}, 0, 0, 0), eg::ValueError,
              "[decode_images] image_size must be at least 1: 0");
}

TEST_CASE("divided data sets are recognised", "[image_folder]") {
  const test::TemporaryFolder folder;
  write_pets(folder, "a");
  data::ImageParts parts = data::find_image_parts(folder / "a");
  CHECK(parts.train == folder / "a");
  CHECK(parts.validation.empty());
  CHECK(parts.test.empty());

  write_pets(folder, "b/train");
  write_pets(folder, "b/val");
  parts = data::find_image_parts(folder / "b");  // the only other part is for testing
  CHECK(parts.train == folder / "b/train");
  CHECK(parts.validation.empty());
  CHECK(parts.test == folder / "b/val");

  write_pets(folder, "b/test");
  parts = data::find_image_parts(folder / "b");
  CHECK(parts.validation == folder / "b/val");
  CHECK(parts.test == folder / "b/test");

  folder.write("b/bird/1.png", plain(1, 1, 1));
  CHECK_ERROR(data::find_image_parts(folder / "b"), eg::IoError,
              "[image_folder] " + folder / "b" + " holds train, and also " + folder / "b/bird" +
                  "; move the classes into train, or rename train if it is a class");
  folder.write("c/train/cat.0.png", plain(1, 1, 1));
  folder.write("c/test/0.png", plain(1, 1, 1));
  CHECK_ERROR(data::find_image_parts(folder / "c"), eg::IoError,
              "[image_folder] " + folder / "c/train/cat.0.png" +
                  " belongs to no class; each class needs a folder of its own with its pictures: " +
                  folder / "c/train" + "/CLASS/NAME.png");
}

TEST_CASE("a share of each class is held out, by name", "[image_folder]") {
  data::ImageFiles files;
  files.classes = {"cat", "dog", "newt"};
  for (Index i = 0; i < 200; ++i) {
    files.paths.push_back("/data/" + std::string(i < 120 ? "cat/" : "dog/") + std::to_string(i));
    files.labels.push_back(i < 120 ? 0 : 1);
  }
  const data::HeldOut parts = data::hold_out(files, 0.1);
  CHECK(parts.held_out.size() == 20);
  CHECK(std::count(parts.held_out.labels.begin(), parts.held_out.labels.end(), 0) == 12);
  CHECK(parts.rest.size() == 180);
  CHECK(parts.rest.classes == files.classes);
  CHECK(std::is_sorted(parts.rest.labels.begin(), parts.rest.labels.end()));
  Strings together = parts.rest.paths;
  together.insert(together.end(), parts.held_out.paths.begin(), parts.held_out.paths.end());
  std::sort(together.begin(), together.end());
  Strings all = files.paths;
  std::sort(all.begin(), all.end());
  CHECK(together == all);

  // Elsewhere: the same pictures. With more pictures: mostly the same.
  data::ImageFiles moved = files;
  for (std::string& path : moved.paths) path = "/other/place" + path.substr(5);
  const Strings elsewhere = data::hold_out(moved, 0.1).held_out.paths;
  REQUIRE(elsewhere.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(elsewhere[i] == "/other/place" + parts.held_out.paths[i].substr(5));
  }
  data::ImageFiles more = files;
  for (Index i = 0; i < 20; ++i) {
    more.paths.push_back("/data/dog/new" + std::to_string(i));
    more.labels.push_back(1);
  }
  Index same = 0;
  for (const std::string& path : data::hold_out(more, 0.1).held_out.paths) {
    same += std::count(parts.held_out.paths.begin(), parts.held_out.paths.end(), path);
  }
  CHECK(same >= 17);

  // At least one, and not all.
  const data::ImageFiles two{{"a"}, {"d/a/1", "d/a/2"}, {0, 0}};
  CHECK(data::hold_out(two, 0.01).held_out.size() == 1);
  CHECK(data::hold_out(two, 0.99).held_out.size() == 1);
  CHECK_ERROR(data::hold_out({{"a"}, {"d/a/1"}, {0}}, 0.5), eg::IoError,
              "[image_folder] the class a has one picture only, so none can be held out to test; "
              "add more");
  CHECK_ERROR(data::hold_out(two, 1), eg::ValueError,
              "[hold_out] share must be above 0 and below 1: 1");
}
