// SPDX-License-Identifier: MIT
#include <eigengrad/data/evaluate.hpp>
#include <tests/support/test.hpp>

namespace data = eg::data;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

/// Image i is one pixel, 10 i, of class i % 3.
data::ImageDataset pixels(Index n) {
  NdArray<std::uint8_t> images({n, 1, 1, 1});
  NdArray<Index> labels(eg::Shape{n});
  for (Index i = 0; i < n; ++i) {
    images.data()[i] = static_cast<std::uint8_t>(10 * i);
    labels.data()[i] = i % 3;
  }
  return data::ImageDataset(images, labels, {"a", "b", "c"});
}

/// Logits that are large for class `i % 3` of image i, but 0 of the image with the pixel `blank`.
Tensor<float> classify(const Tensor<float>& images, float blank) {
  NdArray<float> out = NdArray<float>::zeros({images.dim(0), 3});
  for (Index b = 0; b < images.dim(0); ++b) {
    const float pixel = std::round(255 * images.value().data()[b]);
    if (pixel != blank) out(b, static_cast<Index>(pixel / 10) % 3) = 4;
  }
  return Tensor<float>(out);
}

/// With a mode, as a module has it.
struct Model {
  struct State {
    bool training = true;
    int calls_in_training = 0;
    bool saw_gradients = false;
  };
  State* state;

  bool training() const { return state->training; }
  void train(bool mode) const { state->training = mode; }
  Tensor<float> operator()(const Tensor<float>& images) const {
    state->calls_in_training += state->training;
    state->saw_gradients = state->saw_gradients || eg::grad_enabled();
    return classify(images, 20);
  }
};

}  // namespace

TEST_CASE("evaluate: all images, batch by batch in their order") {
  const data::DataLoader loader(pixels(8), {.batch_size = 3});
  std::vector<Index> sizes;
  std::vector<float> logits;
  const data::ClassificationMetrics metrics = data::evaluate(
      loader, [](const Tensor<float>& images) { return classify(images, 20); },
      [&](const data::Batch& batch, const NdArray<float>& y) {
        sizes.push_back(batch.labels.numel());
        logits.insert(logits.end(), y.begin(), y.end());
      });
  CHECK(sizes == std::vector<Index>{3, 3, 2});
  CHECK(logits.size() == 24);
  CHECK(logits[3 * 7 + 1] == 4);
  CHECK(metrics.images() == 8);
  // Image 2, of class 2, has equal logits, so the first class is taken.
  CHECK(metrics.accuracy() == 7.0 / 8);
  CHECK(metrics.confusion()(2, 0) == 1);
}

TEST_CASE("evaluate: a module is evaluated without gradients, and keeps its mode") {
  const data::DataLoader loader(pixels(6), {.batch_size = 4});
  Model::State state;
  const Model model{&state};
  CHECK(data::evaluate(loader, model).accuracy() == 5.0 / 6);
  CHECK(state.training);
  CHECK(state.calls_in_training == 0);
  CHECK_FALSE(state.saw_gradients);
  state.training = false;
  data::evaluate(loader, model);
  CHECK_FALSE(state.training);
}

TEST_CASE("evaluate: an exception leaves the mode as it was") {
  struct Broken : Model {
    Tensor<float> operator()(const Tensor<float>& images) const {
      return Tensor<float>(NdArray<float>::zeros({images.dim(0), 5}));
    }
  };
  const data::DataLoader loader(pixels(6));
  Model::State state;
  const Broken model{{&state}};
  CHECK_ERROR(data::evaluate(loader, model), eg::ShapeError,
              "[metrics] needs logits (B, 3) and labels (B): logits (6, 5), labels (6)");
  CHECK(state.training);
}
