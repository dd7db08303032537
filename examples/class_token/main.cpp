// SPDX-License-Identifier: MIT
// Why a class token does not learn: three faults of a vision transformer, mended one after the
// other. docs/class_token.md explains them.
#include <cstdio>

#include <eigengrad/eigengrad.hpp>
#include <examples/class_token/curves.hpp>
#include <examples/class_token/model.hpp>
#include <examples/common/options.hpp>
#include <examples/common/program.hpp>

namespace class_token {
namespace {

struct Settings {
  std::string data;
  bool drawn = false;
  eg::Index images = 45000;
  eg::Index validation = 5000;
  int epochs = 20;
  std::string variants = "all";
  std::uint64_t seed = 1;
  int threads = 0;
  std::string out = "class_token";
  std::string name = "curves";
  std::string plot;
};

cli::Options make_options(Settings& s) {
  cli::Options options("class_token --data DIR [options]",
                       "Trains a small vision transformer with three faults that keep its class "
                       "token from learning, and with one fault less each time. Defaults are in "
                       "brackets.");
  std::vector<std::string> names = {"all"};
  for (const Variant& variant : variants()) names.push_back(variant.name);
  options.section("Data");
  options.add("data", s.data, "DIR",
              "folder of CIFAR-10; examples/vit_cifar10/get_data.sh DIR fetches it");
  options.flag("drawn", s.drawn, "draw images of ten shapes and textures in place of CIFAR-10");
  options.add("images", s.images, "N", "training images, the first of those not held out", 1);
  options.add("validation", s.validation, "N", "training images to hold out for the accuracy", 1);
  options.section("Training");
  options.add("variants", s.variants, names, "which to train");
  options.add("epochs", s.epochs, "N", "epochs", 1);
  options.add("seed", s.seed, "N", "seed of weights, batches and the images held out", 0);
  cli::add_threads_option(options, s.threads);
  options.section("Results");
  options.add("out", s.out, "DIR", "folder for NAME.csv and NAME.svg, written after each epoch");
  options.add("name", s.name, "NAME", "their name");
  options.add("plot", s.plot, "FILE.csv", "train nothing, draw FILE.svg from FILE.csv");
  return options;
}

eg::data::TrainValidation load(const Settings& s) {
  if (s.data.empty() == !s.drawn) {
    throw cli::UsageError(
        "needs either --data DIR or --drawn; examples/vit_cifar10/get_data.sh DIR fetches "
        "CIFAR-10");
  }
  const eg::data::ImageDataset all =
      s.drawn ? eg::data::synthetic_images({.images = s.images + s.validation, .seed = s.seed})
              : eg::data::load_cifar10(s.data, eg::data::CifarPart::kTrain);
  if (s.images + s.validation > all.size()) {
    throw cli::UsageError("--images " + std::to_string(s.images) + " and --validation " +
                          std::to_string(s.validation) + " are more than the " +
                          std::to_string(all.size()) + " training images");
  }
  eg::data::TrainValidation parts = eg::data::split(all, s.validation, s.seed);
  parts.train = eg::data::subset(parts.train, eg::NdArray<eg::Index>::arange(s.images));
  return parts;
}

/// One epoch of training. **Returns** the mean of the batches' losses.
double train_epoch(const Variant& variant, const Model& model, eg::optim::Adam<float>& optimizer,
                   const eg::data::DataLoader& loader, int epoch) {
  double sum = 0;
  for (const eg::data::Batch& batch : loader.epoch(epoch)) {
    optimizer.zero_grad();
    Tensor logits = model(batch.images);
    if (variant.softmax_before_loss) logits = softmax(logits);
    const Tensor loss = cross_entropy(logits, batch.labels);
    loss.backward();
    optimizer.step();
    sum += static_cast<double>(loss.item());
  }
  return sum / static_cast<double>(loader.batches());
}

/// Trains one variant, from the same seed as the others, and adds its records.
void train(const Variant& variant, const eg::data::TrainValidation& data, const Settings& s,
           std::vector<Record>& records) {
  const eg::data::Augment normalized{.normalization = eg::data::channel_statistics(data.train)};
  const eg::data::DataLoader loader(
      data.train, {.batch_size = 64, .shuffle = true, .seed = s.seed, .augment = normalized});
  const eg::data::DataLoader held_out(data.validation, {.batch_size = 64, .augment = normalized});
  eg::Generator rng(s.seed);
  const Model model(variant, rng);
  eg::optim::Adam<float> optimizer(model.parameters(), {.lr = 1e-4});
  for (int epoch = 1; epoch <= s.epochs; ++epoch) {
    const double loss = train_epoch(variant, model, optimizer, loader, epoch);
    const double accuracy = eg::data::evaluate(held_out, model).accuracy_percent();
    records.push_back({variant.name, epoch, loss, accuracy});
    std::printf("%-15s  epoch %2d  loss %.4f  validation %5.2f %%\n", variant.name.c_str(), epoch,
                loss, accuracy);
    std::fflush(stdout);
    const std::string file = s.out + "/" + s.name;
    eg::io::write_file(file + ".csv", to_csv(records));
    eg::io::write_file(file + ".svg", to_svg(read_csv(file + ".csv")));  // as --plot draws it
  }
}

/// Draws the picture of a CSV file next to it.
void plot(const std::string& csv) {
  if (!csv.ends_with(".csv")) throw cli::UsageError("--plot needs a file .csv: " + csv);
  const std::string svg = csv.substr(0, csv.size() - 4) + ".svg";
  eg::io::write_file(svg, to_svg(read_csv(csv)));
  std::printf("%s is drawn\n", svg.c_str());
}

int run(const std::vector<std::string>& arguments) {
  Settings s;
  cli::Options options = make_options(s);
  if (!options.parse(arguments)) {
    std::fputs(options.help().c_str(), stdout);
    return 0;
  }
  if (!s.plot.empty()) {
    plot(s.plot);
    return 0;
  }
  cli::set_threads(s.threads);
  const eg::data::TrainValidation data = load(s);
  eg::io::make_folder(s.out);
  std::vector<Record> records;
  for (const Variant& variant : variants()) {
    if (s.variants == "all" || s.variants == variant.name) train(variant, data, s, records);
  }
  std::printf("%s/%s.csv and .svg have the curves\n", s.out.c_str(), s.name.c_str());
  return 0;
}

}  // namespace
}  // namespace class_token

int main(int argc, char** argv) {
  return cli::exit_status("class_token", [&] { return class_token::run({argv + 1, argv + argc}); });
}
