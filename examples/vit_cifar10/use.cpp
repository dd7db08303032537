// SPDX-License-Identifier: MIT
// What is done with a trained model: eval and predict. And generate, which makes data.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include <eigengrad/eigengrad.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/data.hpp>
#include <examples/vit_cifar10/image.hpp>
#include <examples/vit_cifar10/model.hpp>

namespace vit {
namespace {

Checkpoint open_checkpoint(const std::string& path) {
  if (path.empty()) {
    throw cli::UsageError("--checkpoint FILE is required: the model.safetensors of a run");
  }
  return load_checkpoint(path);
}

/// The largest square in the middle, scaled to `side` pixels.
eg::NdArray<float> square(const eg::NdArray<float>& image, Index side) {
  const Index height = image.dim(1);
  const Index width = image.dim(2);
  const Index part = std::min(height, width);
  const eg::NoGrad no_grad;
  eg::Tensor<float> x(image.reshape({1, 3, height, width}));
  x = eg::narrow(eg::narrow(x, 2, (height - part) / 2, part), 3, (width - part) / 2, part);
  return eg::interpolate(x, {side, side}).value().reshape({3, side, side});
}

/// A picture as the model's input (1, 3, S, S).
eg::Tensor<float> prepare(const std::string& path, const Checkpoint& c, bool resize) {
  const Index side = c.settings.image_size;
  eg::NdArray<float> image = read_image(path);
  if (image.dim(1) != side || image.dim(2) != side) {
    if (!resize) {
      throw eg::IoError("[image] " + path + " is " + std::to_string(image.dim(2)) + "x" +
                        std::to_string(image.dim(1)) + " pixels, the model wants " +
                        std::to_string(side) + "x" + std::to_string(side) +
                        "; --resize scales the middle of it");
    }
    image = square(image, side);
  }
  for (Index channel = 0; channel < 3; ++channel) {
    const auto k = static_cast<std::size_t>(channel);
    float* pixels = image.data() + channel * side * side;
    for (Index i = 0; i < side * side; ++i) {
      pixels[i] = (pixels[i] / 255 - c.normalization.mean[k]) / c.normalization.stddev[k];
    }
  }
  return eg::Tensor<float>(image.reshape({1, 3, side, side}));
}

}  // namespace

int evaluate(const std::vector<std::string>& arguments) {
  std::string checkpoint_path;
  std::string data;
  std::string part = "test";
  Index batch = 256;
  cli::Options options("vit_cifar10 eval --checkpoint FILE --data DIR [options]",
                       "Measures a checkpoint. Defaults stand in brackets.");
  options.section("Options");
  options.add("checkpoint", checkpoint_path, "FILE", "model.safetensors of a run (required)");
  options.add("data", data, "DIR",
              "folder that holds cifar-10-batches-bin or cifar-100-binary (required)");
  options.add("part", part, {"test", "train"}, "which images");
  options.add("batch", batch, "N", "images at a time", 1);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  const Checkpoint c = open_checkpoint(checkpoint_path);
  const std::string dataset = c.settings.classes == 100 ? "cifar100" : "cifar10";
  const Metrics m = measure(
      c.model,
      load_dataset(dataset, data,
                   part == "test" ? eg::data::CifarPart::kTest : eg::data::CifarPart::kTrain),
      c.normalization, batch);
  std::printf("%lld images  loss %.4f  top-5 %.2f %%\n%s accuracy %.2f %%\n",
              static_cast<long long>(m.images), m.loss(), m.top5_accuracy(), part.c_str(),
              m.accuracy());
  return 0;
}

int predict(const std::vector<std::string>& arguments) {
  std::string checkpoint_path;
  Index top = 5;
  bool resize = false;
  std::vector<std::string> files;
  cli::Options options("vit_cifar10 predict --checkpoint FILE IMAGE...",
                       "Says what is in pictures (PNG, JPEG, BMP, ...), with probabilities.");
  options.section("Options");
  options.add("checkpoint", checkpoint_path, "FILE", "model.safetensors of a run (required)");
  options.add("top", top, "N", "classes to print for each picture", 1);
  options.flag("resize", resize, "accept pictures of any size");
  options.positional(files);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (files.empty()) throw cli::UsageError("predict needs at least one picture");
  const Checkpoint c = open_checkpoint(checkpoint_path);
  c.model.eval();
  const eg::NoGrad no_grad;
  for (const std::string& file : files) {
    const eg::NdArray<float> p = eg::softmax(c.model(prepare(file, c, resize))).value();
    std::vector<Index> order(static_cast<std::size_t>(p.numel()));
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](Index a, Index b) { return p.data()[a] > p.data()[b]; });
    std::printf("%s:", file.c_str());
    for (std::size_t i = 0; i < order.size() && static_cast<Index>(i) < top; ++i) {
      std::printf("%s %s %.1f %%", i ? "," : "",
                  c.class_names[static_cast<std::size_t>(order[i])].c_str(),
                  100 * double(p.data()[order[i]]));
    }
    std::printf("\n");
  }
  return 0;
}

int generate(const std::vector<std::string>& arguments) {
  std::string out;
  Index train_images = 50000;
  Index test_images = 10000;
  std::uint64_t seed = 1;
  cli::Options options("vit_cifar10 generate --out DIR [options]",
                       "Writes a generated dataset of ten classes in CIFAR-10's binary format.");
  options.section("Options");
  options.add("out", out, "DIR", "where cifar-10-batches-bin goes (required)");
  options.add("train", train_images, "N", "training images", 5);
  options.add("test", test_images, "N", "test images", 1);
  options.add("seed", seed, "N", "seed", 0);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (out.empty()) throw cli::UsageError("--out DIR is required");
  eg::data::save_cifar10(out, eg::data::synthetic_images({.images = train_images, .seed = seed}),
                         eg::data::synthetic_images({.images = test_images, .seed = seed + 1}));
  std::printf("%lld training and %lld test images are in %s/cifar-10-batches-bin\n",
              static_cast<long long>(train_images), static_cast<long long>(test_images),
              out.c_str());
  return 0;
}

}  // namespace vit
