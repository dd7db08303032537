// SPDX-License-Identifier: MIT
// The page as a whole.
#include <utility>
#include <vector>

#include <examples/vit_cifar10/report/report.hpp>
#include <examples/vit_cifar10/report/sections.hpp>
#include <examples/vit_cifar10/report/style.hpp>

namespace vit::report {

std::string make_report(const std::string& folder, Predictions predictions,
                        const eg::data::DataLoader* training) {
  const Checkpoint checkpoint = load_checkpoint(folder + "/model.safetensors");
  checkpoint.model.eval();
  const Index side = checkpoint.model.options().image_size;
  const Material m{
      read_run(folder), checkpoint, std::move(predictions),
      eg::inspect::summarize(checkpoint.model,
                             eg::Tensor<float>(eg::NdArray<float>::zeros({1, 3, side, side}))),
      training ? first_images(*training) : std::vector<SeenImage>{}};
  const std::pair<const char*, std::string> parts[] = {
      {"Training", curves_section(m)},
      {"Classes", classes_section(m)},
      {"Confidence", calibration_section(m)},
      {"Mistakes", mistakes_section(m)},
      {"Attention", attention_section(m)},
      {"Weights", weights_section(m)},
      {"Training images", training_images_section(m)},
      {"Model", model_section(m)},
      {"Settings", run_section(m)}};
  std::string links;
  std::string body;
  for (const auto& [name, part] : parts) {
    if (part.empty()) continue;
    const std::size_t id = part.find('"') + 1;  // <section id="...">
    links += "<a href=\"#" + part.substr(id, part.find('"', id) - id) + "\">" + name + "</a>\n";
    body += part;
  }
  const std::string title = "Vision Transformer on " + dataset_title(m) + ": " +
                            percent(m.predictions.metrics.accuracy(), 2);
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n<title>" +
      title + "</title>\n<link rel=\"icon\" href=\"data:,\"/>\n<style>" + kStyle +
      "</style>\n</head>\n<body>\n<main>\n" + header(m) + "<nav>" + links + "</nav>\n" + body +
      "</main>\n</body>\n</html>\n";
  const std::string path = folder + "/report.html";
  eg::io::write_file(path, page);
  return path;
}

}  // namespace vit::report
