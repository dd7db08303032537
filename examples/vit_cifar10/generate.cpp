// SPDX-License-Identifier: MIT
// Makes data for those who have none.
#include <cstdio>

#include <eigengrad/eigengrad.hpp>
#include <eigengrad/image/image_file.hpp>
#include <eigengrad/image/resize.hpp>
#include <examples/common/options.hpp>
#include <examples/vit_cifar10/commands.hpp>

namespace vit {
namespace {

namespace eg = eigengrad;
using eg::Index;

/// FOLDER/CLASS/00012.png, each of a size of its own, from half to twice that of the images.
void write_folder(const std::string& folder, const eg::data::ImageDataset& images,
                  std::uint64_t seed) {
  for (const std::string& name : images.classes()) eg::io::make_folder(folder + "/" + name);
  const eg::Generator root(seed);
  const Index size = images.height();
  eg::parallel_for(images.size(), 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      eg::Generator rng = root.fork(static_cast<std::uint64_t>(i));
      eg::NdArray<std::uint8_t> image({3, size, size});
      std::copy_n(images.image(i), images.image_size(), image.data());
      const Index height = size / 2 + rng.integer(2 * size - size / 2 + 1);
      const Index width = size / 2 + rng.integer(2 * size - size / 2 + 1);
      char name[32];
      std::snprintf(name, sizeof name, "/%05lld.png", static_cast<long long>(i));
      const auto label = static_cast<std::size_t>(images.labels().data()[i]);
      eg::image::write_png(folder + "/" + images.classes()[label] + name,
                           eg::image::resize(image, height, width));
    }
  });
}

}  // namespace

int generate(const std::vector<std::string>& arguments) {
  std::string out;
  std::string format = "cifar";
  Index train_images = 50000;
  Index test_images = 10000;
  std::uint64_t seed = 1;
  cli::Options options("vit_cifar10 generate --out DIR [options]",
                       "Writes a drawn data set of ten classes, for a first try without data. "
                       "Defaults are in brackets.");
  options.section("Options");
  options.add("out", out, "DIR", "folder to write to (required)");
  options.add("format", format, {"cifar", "folder"},
              "cifar-10-batches-bin as CIFAR-10 has it, or PNG files of several sizes in "
              "train/CLASS and test/CLASS");
  options.add("train", train_images, "N", "training images", 5);
  options.add("test", test_images, "N", "test images", 1);
  options.add("seed", seed, "N", "seed", 0);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (out.empty()) throw cli::UsageError("--out DIR is required");
  const auto train = eg::data::synthetic_images({.images = train_images, .seed = seed});
  const auto test = eg::data::synthetic_images({.images = test_images, .seed = seed + 1});
  if (format == "cifar") {
    eg::data::save_cifar10(out, train, test);
    out += "/cifar-10-batches-bin";
  } else if (train_images < 10 || test_images < 10) {
    throw cli::UsageError(
        "--format folder needs at least one image of each of the 10 classes in "
        "--train and in --test");
  } else {
    write_folder(out + "/train", train, seed);
    write_folder(out + "/test", test, seed + 1);
  }
  std::printf("%lld training and %lld test images are in %s\n",
              static_cast<long long>(train_images), static_cast<long long>(test_images),
              out.c_str());
  return 0;
}

}  // namespace vit
