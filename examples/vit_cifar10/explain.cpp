// SPDX-License-Identifier: MIT
// Shows where a model looks in a picture.
#include <algorithm>
#include <cstdio>

#include <eigengrad/data/image_folder.hpp>
#include <eigengrad/eigengrad.hpp>
#include <eigengrad/image/image_file.hpp>
#include <eigengrad/models/attention_map.hpp>
#include <examples/vit_cifar10/checkpoint.hpp>
#include <examples/vit_cifar10/commands.hpp>
#include <examples/vit_cifar10/ranking.hpp>
#include <examples/vit_cifar10/report/picture.hpp>

namespace vit {
namespace {

struct ExplainSettings {
  std::string checkpoint;
  std::string out;
  std::string method = "rollout";
  Index layer = 0;
  Index head = 0;
  Index size = 384;
  std::vector<std::string> pictures;
};

void check(const ExplainSettings& e) {
  if (e.pictures.size() != 1) {
    throw cli::UsageError("explain needs one picture, not " + std::to_string(e.pictures.size()));
  }
  if (e.method != "head" && e.head > 0) {
    throw cli::UsageError("--head " + std::to_string(e.head) + " is for --method head, not " +
                          e.method);
  }
  if (e.method == "rollout" && e.layer > 0) {
    throw cli::UsageError("--layer " + std::to_string(e.layer) +
                          " is for --method last or head; rollout goes through all layers");
  }
}

/// A number that a person counts from 1, as an index; 0 means `otherwise`.
Index pick(const char* option, Index number, Index count, Index otherwise) {
  if (number > count) {
    throw cli::UsageError(std::string("--") + option + " " + std::to_string(number) +
                          " is out of range: the model has " + std::to_string(count) + " " +
                          option + (count == 1 ? "" : "s"));
  }
  return number > 0 ? number - 1 : otherwise;
}

/// The maps that the options name, and what they are called.
std::pair<eg::NdArray<float>, std::string> choose(const eg::models::AttentionMaps<float>& maps,
                                                  const ExplainSettings& e) {
  if (e.method == "rollout") {
    return {maps.rollout(), "attention through all " + std::to_string(maps.layers()) + " layers"};
  }
  const Index layer = pick("layer", e.layer, maps.layers(), maps.layers() - 1);
  const std::string where =
      "layer " + std::to_string(layer + 1) + " of " + std::to_string(maps.layers());
  if (e.method == "last") return {maps.layer(layer), "attention in " + where};
  const Index head = pick("head", e.head, maps.heads(), 0);
  return {maps.head(layer, head), "attention of head " + std::to_string(head + 1) + " of " +
                                      std::to_string(maps.heads()) + " in " + where};
}

/// IMAGE's name without folders and ending, in the current folder.
std::string default_out(const std::string& picture) {
  std::string name = picture.substr(picture.find_last_of('/') + 1);
  const std::size_t dot = name.find_last_of('.');
  if (dot != std::string::npos && dot > 0) name.resize(dot);
  return name + "_attention.png";
}

void print_top(const std::string& picture, const eg::NdArray<float>& probability,
               const std::vector<std::string>& names) {
  const float* p = probability.data();
  const std::vector<Index> order = top_classes(p, static_cast<Index>(names.size()), 5, picture);
  const auto name = [&](Index k) -> const std::string& {
    return names[static_cast<std::size_t>(k)];
  };
  std::size_t width = 0;
  for (const Index k : order) width = std::max(width, name(k).size());
  std::printf("%s\n", picture.c_str());
  for (const Index k : order) {
    std::printf("  %-*s %5.1f %%\n", static_cast<int>(width), name(k).c_str(), 100 * double(p[k]));
  }
}

void explain_picture(const ExplainSettings& e) {
  const Checkpoint c = load_checkpoint(e.checkpoint);
  if (c.model.options().depth == 0) {
    throw cli::UsageError("the model in " + e.checkpoint +
                          " has no encoder layers (--depth 0), so no attention to show; `predict` "
                          "says what is in a picture");
  }
  const std::string& path = e.pictures.front();
  const report::Picture picture = eg::image::read_image(path);
  const Index side = c.model.options().image_size;
  const eg::NoGrad no_grad;
  c.model.eval();
  const eg::Tensor<float> input(
      eg::data::normalize(eg::data::centre_square(picture, side), c.normalization)
          .reshape({1, 3, side, side}));

  const eg::models::AttentionMaps<float> maps(c.model, input);
  const auto [all, name] = choose(maps, e);
  const eg::NdArray<float> map = report::map_of(all, 0);
  print_top(path, eg::softmax(c.model(input)).value(), c.class_names);
  const Index whole = std::min(picture.dim(1), picture.dim(2));
  const report::Picture shown =
      report::resized(eg::data::centre_square(picture, whole), e.size, e.size);
  const report::Picture both[] = {shown, report::overlay(shown, map)};
  const std::string out = e.out.empty() ? default_out(path) : e.out;
  eg::image::write_png(out, report::side_by_side(both, std::max<Index>(1, e.size / 48)));
  std::printf("%s, %lldx%lld tokens: %s\n", name.c_str(), static_cast<long long>(map.dim(0)),
              static_cast<long long>(map.dim(1)), out.c_str());
}

}  // namespace

int explain(const std::vector<std::string>& arguments) {
  ExplainSettings e;
  cli::Options options(
      "vit_cifar10 explain --checkpoint FILE [options] PICTURE",
      "Says what is in a picture, and writes a PNG of the picture and of where the model looks,\n"
      "side by side: grey where the model draws on little, bright where it draws on much. The\n"
      "middle square of the picture is scaled to the model's size, as for training. Defaults are\n"
      "in brackets.");
  options.section("Options");
  options.add("checkpoint", e.checkpoint, "FILE", "model.safetensors of a run (required)");
  options.add("out", e.out, "FILE", "the PNG to write [PICTURE's name with _attention.png, here]");
  options.add("method", e.method, {"rollout", "last", "head"},
              "rollout: attention through all layers; last: the mean of a layer's heads; head: one "
              "head");
  options.add("layer", e.layer, "N", "layer from 1, for last and head; 0 is the last layer", 0,
              1000);
  options.add("head", e.head, "N", "head from 1, for head; 0 is the first head", 0, 10000);
  options.add("size", e.size, "PX", "side of each of the two pictures, in pixels", 16, 4096);
  options.positional(e.pictures);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  check(e);
  explain_picture(e);
  return 0;
}

}  // namespace vit
