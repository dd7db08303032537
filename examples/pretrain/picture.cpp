// SPDX-License-Identifier: MIT
#include <cstdio>
#include <vector>

#include <eigengrad/image/image_file.hpp>
#include <examples/common/program.hpp>
#include <examples/pretrain/commands.hpp>
#include <examples/pretrain/task.hpp>

namespace pretrain {
namespace {

struct PictureSettings {
  std::string data;
  std::string out = "picture.png";
  Index images = 10;
  Index first = 0;
  Index scale = 3;
  int threads = 0;
};

/// Rows of a picture: the images, what the model sees of them, and what it makes of that.
std::vector<Images> rows(const Learner& learner, const Images& images) {
  const eg::NoGrad no_grad;
  const eg::EvaluationMode evaluation(learner.module());
  const PixelModel& model = learner.pixels();
  const Index p = model.patch_size();
  const eg::Shape image{3, images.dim(2), images.dim(3)};
  if (learner.record().task == "colourisation") {
    const Images grey = to_grey(images);
    const Images colour = eg::models::from_patches(model(grey), image, p);
    return {images, grey, grey + colour - to_grey(colour)};  // the luminance is known
  }
  eg::Generator rng(learner.record().seed, 4);
  const auto mask =
      eg::models::random_patch_mask(images.dim(0), model.patches(), learner.record().mask, rng);
  const auto hidden = mask.reshape({images.dim(0), model.patches(), 1});
  const auto seen = eg::models::to_patches(images, p);
  const auto masked = eg::where(hidden, eg::Tensor<float>(eg::NdArray<float>::scalar(0)), seen);
  const auto completed = eg::where(hidden, model(images, mask), seen);
  return {images, eg::models::from_patches(masked, image, p),
          eg::models::from_patches(completed, image, p)};
}

/// The rows one below the other, with white between the images.
eg::NdArray<std::uint8_t> draw(const std::vector<Images>& rows, Index scale) {
  constexpr Index kGap = 4;
  const Index count = rows[0].dim(0);
  const Index side = rows[0].dim(2) * scale;
  const Index height = static_cast<Index>(rows.size()) * (side + kGap) + kGap;
  const Index width = count * (side + kGap) + kGap;
  auto out = eg::NdArray<std::uint8_t>::full({3, height, width}, 255);
  for (Index row = 0; row < static_cast<Index>(rows.size()); ++row) {
    const auto images = eg::image::resize(to_bytes(rows[static_cast<std::size_t>(row)]), side, side,
                                          {.interpolation = eg::image::Interpolation::kNearest});
    for (Index i = 0; i < images.numel(); ++i) {
      const Index x = i % side, y = i / side % side, c = i / (side * side) % 3;
      const Index column = i / (side * side * 3);
      out(c, row * (side + kGap) + kGap + y, column * (side + kGap) + kGap + x) = images.data()[i];
    }
  }
  return out;
}

/// The validation images that are to be drawn. **Throws** UsageError when there are fewer.
Images chosen(const eg::data::ImageDataset& images, const PictureSettings& s) {
  if (s.first + s.images > images.size()) {
    throw cli::UsageError("--first and --images ask for images up to " +
                          std::to_string(s.first + s.images) + " of the " +
                          std::to_string(images.size()) + " for validation");
  }
  eg::NdArray<Index> numbers = eg::NdArray<Index>::arange(s.images);
  for (Index& i : numbers) i += s.first;
  return Images(eg::data::normalize(eg::data::subset(images, numbers).images(), normalization()));
}

}  // namespace

int picture(const std::vector<std::string>& arguments) {
  PictureSettings s;
  std::vector<std::string> folders;
  cli::Options options("pretrain picture RUN --data DIR [options]",
                       "Draws validation images, below each what the model sees of it, and below "
                       "that what it makes of it.");
  options.section("Options");
  add_data_option(options, s.data);
  options.add("out", s.out, "FILE", "the PNG file to write");
  options.add("images", s.images, "N", "images to draw", 1, 1000);
  options.add("first", s.first, "N", "number of the first of them among the validation images", 0);
  options.add("scale", s.scale, "N", "side of a drawn pixel", 1, 100);
  cli::add_threads_option(options, s.threads);
  options.positional(folders);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  const Learner learner = load_learner(only_run("picture", folders));
  if (!learner.makes_images()) {
    throw cli::UsageError(
        "a run of rotation makes no images; draw one of completion or "
        "colourisation");
  }
  const Images images = chosen(load_images(s.data, learner.record().seed, 0).validation, s);
  cli::set_threads(s.threads);
  eg::image::write_png(s.out, draw(rows(learner, images), s.scale));
  std::printf("%s: %lld images as they are, as the model sees them, and %s\n", s.out.c_str(),
              static_cast<long long>(s.images),
              learner.record().task == "completion" ? "completed" : "coloured");
  return 0;
}

}  // namespace pretrain
