// SPDX-License-Identifier: MIT
#include <algorithm>
#include <benchmarks/step.hpp>
#include <vector>

#include <eigengrad/models/vision_transformer.hpp>
#include <eigengrad/ops/cross_entropy.hpp>
#include <eigengrad/optim/adam.hpp>

namespace eg = eigengrad;

namespace bench {
namespace {

std::vector<Index> widths(const std::string& channels) {
  std::vector<Index> out;
  for (std::size_t at = 0; at < channels.size();) {
    const std::size_t comma = std::min(channels.find(',', at), channels.size());
    const std::string word = channels.substr(at, comma - at);
    if (word.empty() || word.find_first_not_of("0123456789") != std::string::npos) {
      throw eg::ValueError("[step] channels must be whole numbers with commas between: " +
                           channels);
    }
    out.push_back(std::stol(word));
    at = comma + 1;
  }
  return out;
}

eg::models::VisionTransformerOptions model_options(const StepSettings& s) {
  eg::models::VisionTransformerOptions options{
      .image_size = s.image,
      .classes = 10,
      .tokenizer = eg::models::PatchEmbeddingOptions{.patch_size = s.patch},
      .dim = s.dim,
      .depth = s.depth,
      .layer = {.heads = s.heads, .head_dim = s.head_dim, .mlp_ratio = double(s.mlp_ratio)}};
  if (!s.channels.empty()) {
    std::vector<Index> channels = widths(s.channels);
    channels.push_back(s.dim);
    options.tokenizer = eg::models::ConvTokenizerOptions{.channels = channels};
    options.pooling = eg::models::Pooling::kSequence;
  }
  return options;
}

void hash(std::uint64_t& h, const eg::NdArray<float>& a) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(a.data());
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.numel()) * sizeof(float); ++i) {
    h = (h ^ bytes[i]) * 0x100000001b3u;
  }
}

}  // namespace

double forward_macs(const StepSettings& s) {
  const double d = double(s.dim);
  double macs = 10 * d;
  double tokens = 0;
  if (s.channels.empty()) {
    const double patches = double((s.image / s.patch) * (s.image / s.patch));
    macs += patches * 3 * double(s.patch * s.patch) * d;
    tokens = patches + 1;
  } else {
    std::vector<Index> out = widths(s.channels);
    out.push_back(s.dim);
    double in = 3;
    double side = double(s.image);
    for (const Index c : out) {
      macs += side * side * in * 9 * double(c);
      in = double(c);
      side /= 2;
    }
    tokens = side * side;
    macs += tokens * d * 2;
  }
  const double inner = s.head_dim > 0 ? double(s.heads * s.head_dim) : d;
  const double block =
      tokens * d * (4 * inner + 2 * double(s.mlp_ratio) * d) + 2 * tokens * tokens * inner;
  return macs + double(s.depth) * block;
}

double step_gflop(const StepSettings& s) {
  return (s.inference ? 1 : 3) * 2 * forward_macs(s) * double(s.batch) / 1e9;
}

struct Step::Parts {
  explicit Parts(const StepSettings& s)
      : inference(s.inference), rng(0), model(model_options(s), rng) {
    optimizer = std::make_unique<eg::optim::AdamW<float>>(model.parameters(),
                                                          eg::optim::AdamWOptions{.lr = 1e-3});
    images = eg::Tensor<float>(rng.normal<float>({s.batch, 3, s.image, s.image}));
    labels = eg::NdArray<Index>({s.batch});
    for (Index& label : labels) label = rng.integer(10);
    if (inference) model.eval();
  }

  bool inference;
  eg::Generator rng;
  eg::models::VisionTransformer<float> model;
  std::unique_ptr<eg::optim::AdamW<float>> optimizer;
  eg::Tensor<float> images;
  eg::NdArray<Index> labels;
  eg::NdArray<float> result;
};

Step::Step(const StepSettings& settings) : parts_(std::make_unique<Parts>(settings)) {}
Step::~Step() = default;

void Step::operator()() {
  Parts& p = *parts_;
  if (p.inference) {
    const eg::NoGrad no_grad;
    p.result = p.model(p.images).value();
    return;
  }
  p.optimizer->zero_grad();
  const eg::Tensor<float> loss = eg::cross_entropy(p.model(p.images), p.labels);
  loss.backward();
  p.optimizer->step();
  p.result = loss.value();
}

Index Step::parameters() const {
  Index n = 0;
  for (const eg::Tensor<float>& parameter : parts_->model.parameters()) n += parameter.numel();
  return n;
}

std::uint64_t Step::fingerprint() const {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const eg::Tensor<float>& parameter : parts_->model.parameters()) hash(h, parameter.value());
  if (parts_->result.defined()) hash(h, parts_->result);
  return h;
}

}  // namespace bench
