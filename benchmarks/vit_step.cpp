// SPDX-License-Identifier: MIT
// One training step of a ViT on synthetic images: forward, cross-entropy, backward, AdamW.
//     vit_step --dim 192 --depth 6 --heads 3 --batch 64 --threads 2 --json
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <eigengrad/eigengrad.hpp>
#include <eigengrad/kernels/peak.hpp>
#include <examples/common/options.hpp>

namespace eg = eigengrad;

namespace {

struct Settings {
  eg::Index batch = 64, image = 32, patch = 4, dim = 192, depth = 6, heads = 3, mlp_ratio = 4;
  std::string channels;
  int threads = 2, steps = 20, warmup = 3;
  bool inference = false, profile = false, json = false;
};

std::vector<eg::Index> widths(const Settings& s) {
  std::vector<eg::Index> out;
  for (std::size_t at = 0; at < s.channels.size();) {
    const std::size_t comma = std::min(s.channels.find(',', at), s.channels.size());
    out.push_back(std::stol(s.channels.substr(at, comma - at)));
    at = comma + 1;
  }
  return out;
}

/// Multiply-adds of one image's forward pass: the products only, as the field counts them.
double forward_macs(const Settings& s) {
  const double d = double(s.dim);
  double macs = 10 * d;
  double tokens = 0;
  if (s.channels.empty()) {
    const double patches = double((s.image / s.patch) * (s.image / s.patch));
    macs += patches * 3 * double(s.patch * s.patch) * d;
    tokens = patches + 1;
  } else {
    std::vector<eg::Index> out = widths(s);
    out.push_back(s.dim);
    double in = 3;
    double side = double(s.image);
    for (const eg::Index c : out) {
      macs += side * side * in * 9 * double(c);
      in = double(c);
      side /= 2;
    }
    tokens = side * side;
    macs += tokens * d * 2;
  }
  const double block = tokens * d * d * (4 + 2 * double(s.mlp_ratio)) + 2 * tokens * tokens * d;
  return macs + double(s.depth) * block;
}

void run(const Settings& s) {
  eg::set_num_threads(s.threads);
  eg::Generator rng(0);
  eg::nn::VisionTransformerOptions options{.image_size = s.image,
                                           .patch_size = s.patch,
                                           .classes = 10,
                                           .dim = s.dim,
                                           .depth = s.depth,
                                           .heads = s.heads,
                                           .mlp_ratio = double(s.mlp_ratio)};
  if (!s.channels.empty()) {
    options.tokenizer_channels = widths(s);
    options.pooling = eg::nn::Pooling::kSequence;
  }
  eg::nn::VisionTransformer<float> model(options, rng);
  eg::optim::AdamW<float> optimizer(model.parameters(), {.lr = 1e-3f});
  const eg::Tensor<float> images(rng.normal<float>({s.batch, 3, s.image, s.image}));
  eg::NdArray<eg::Index> labels({s.batch});
  for (eg::Index& label : labels) label = rng.integer(10);
  if (s.inference) model.eval();

  auto step = [&] {
    if (s.inference) {
      const eg::NoGrad no_grad;
      model(images);
      return;
    }
    optimizer.zero_grad();
    eg::cross_entropy(model(images), labels).backward();
    optimizer.step();
  };
  using Clock = std::chrono::steady_clock;
  for (int i = 0; i < s.warmup; ++i) step();
  std::vector<double> seconds;
  for (int i = 0; i < s.steps; ++i) {
    const auto start = Clock::now();
    step();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  if (s.profile) {
    eg::Profiler profiler;
    for (int i = 0; i < s.steps; ++i) step();
    std::fputs(profiler.table().c_str(), stdout);
  }
  std::sort(seconds.begin(), seconds.end());
  const double t = (seconds[(seconds.size() - 1) / 2] + seconds[seconds.size() / 2]) / 2;
  const double passes = s.inference ? 1 : 3;  // backward is twice the forward's products
  const double gflops = passes * 2 * forward_macs(s) * double(s.batch) / t / 1e9;
  const double peak = eg::kernels::peak_gflops<float>();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const long rss = usage.ru_maxrss / 1024;

  if (s.json) {
    std::printf(
        "{\"peer\": \"eigengrad %s\", \"isa\": \"%s\", \"compile\": false, \"bf16\": false, "
        "\"inference\": %s, \"threads\": %d, "
        "\"batch\": %ld, \"dim\": %ld, \"depth\": %ld, \"channels\": \"%s\", "
        "\"images_per_s\": %.1f, \"ms_per_step\": %.2f, \"gflops\": %.1f, \"peak_gflops\": %.1f, "
        "\"percent_of_peak\": %.1f, \"peak_rss_mib\": %ld}\n",
        EIGENGRAD_VERSION, eg::simd::isa_name(eg::simd::active_isa()),
        s.inference ? "true" : "false", s.threads, long(s.batch), long(s.dim), long(s.depth),
        s.channels.c_str(), double(s.batch) / t, t * 1e3, gflops, peak, 100 * gflops / peak, rss);
  } else {
    std::printf("%.1f images/s, %.2f ms a step, %.1f GFLOP/s = %.1f %% of the peak %.1f, %ld MiB\n",
                double(s.batch) / t, t * 1e3, gflops, 100 * gflops / peak, peak, rss);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  cli::Options options("vit_step [options]",
                       "Times a ViT's training step on synthetic images and states it as a share "
                       "of the machine's FMA peak.");
  options.add("batch", s.batch, "N", "images a step", 1);
  options.add("image", s.image, "PX", "side of the images", 1);
  options.add("patch", s.patch, "PX", "side of a patch", 1);
  options.add("channels", s.channels, "C,C", "convolutional tokenizer, e.g. 32,96");
  options.add("dim", s.dim, "N", "width of a token", 1);
  options.add("depth", s.depth, "N", "encoder layers", 0);
  options.add("heads", s.heads, "N", "attention heads", 1);
  options.add("mlp-ratio", s.mlp_ratio, "N", "hidden width of the MLP over dim", 1);
  options.add("threads", s.threads, "N", "threads", 1);
  options.add("steps", s.steps, "N", "timed steps (the median counts)", 1);
  options.add("warmup", s.warmup, "N", "steps before", 0);
  options.flag("inference", s.inference, "forward only, without gradients");
  options.flag("profile", s.profile, "print where the time of as many more steps goes, by op");
  options.flag("json", s.json, "one line of JSON");
  try {
    if (!options.parse({argv + 1, argv + argc})) {
      std::fputs(options.help().c_str(), stdout);
      return 0;
    }
    run(s);
  } catch (const cli::UsageError& error) {
    std::fprintf(stderr, "vit_step: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vit_step: %s\n", error.what());
    return 1;
  }
}
