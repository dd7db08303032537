// SPDX-License-Identifier: MIT
// Counts every call of the C library's allocator, OpenMP's and the standard library's included,
// while a training loop runs: after the first steps there is none.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

#include <eigengrad/data/loader.hpp>
#include <eigengrad/data/synthetic.hpp>
#include <eigengrad/models.hpp>
#include <eigengrad/nn.hpp>
#include <eigengrad/ops.hpp>
#include <eigengrad/optim.hpp>
#include <tests/support/threads.hpp>

namespace models = eg::models;
namespace nn = eg::nn;
namespace optim = eg::optim;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

std::atomic<bool> counting{false};
std::atomic<long> allocations{0};

void count() {
  if (counting.load(std::memory_order_relaxed)) ++allocations;
}

}  // namespace

// Sanitizers have an allocator of their own, and only glibc leaves a way to its allocator.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 1
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#undef COUNTS_ALLOCATIONS
#endif
#endif
#endif

#ifdef COUNTS_ALLOCATIONS
// operator new is among the callers of malloc.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t n) {
  count();
  return __libc_malloc(n);
}
void* calloc(std::size_t n, std::size_t size) {
  count();
  return __libc_calloc(n, size);
}
void* realloc(void* block, std::size_t n) {
  count();
  return __libc_realloc(block, n);
}
void* memalign(std::size_t alignment, std::size_t n) {
  count();
  return __libc_memalign(alignment, n);
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
  count();
  return __libc_memalign(alignment, n);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t n) {
  count();
  *block = __libc_memalign(alignment, n);
  return *block == nullptr;
}
}  // extern "C"
#endif

namespace {

/// Calls of the allocator during `f`.
template <class F>
long allocations_of(F&& f) {
  allocations = 0;
  counting = true;
  f();
  counting = false;
  return allocations;
}

/// The most in any of the steps 3 to 6.
template <class Step>
long steady_allocations(Step&& step) {
  long most = 0;
  for (int i = 1; i <= 6; ++i) {
    const long n = allocations_of(step);
    if (i >= 3) most = std::max(most, n);
  }
  return most;
}

/// Random images; their labels go through the classes again and again.
struct Batch {
  Tensor<float> images;
  NdArray<Index> labels;

  explicit Batch(Index n) : images(test::random<float>({n, 3, 32, 32})), labels({n}) {
    for (Index i = 0; i < n; ++i) labels(i) = i % 10;
  }
};

void skip_unless_counted() {
#ifndef COUNTS_ALLOCATIONS
  WARN("allocations cannot be counted here");
#endif
}

}  // namespace

#ifdef COUNTS_ALLOCATIONS
TEST_CASE("allocations: one is counted, wherever it comes from") {
  CHECK(allocations_of([] {}) == 0);
  void* volatile block = nullptr;  // compilers leave out an allocation that nobody looks at
  CHECK(allocations_of([&] { block = std::malloc(100); }) == 1);
  CHECK(allocations_of([&] { block = std::realloc(block, 300); }) == 1);
  std::free(block);
  CHECK(allocations_of([&] { block = std::calloc(10, 10); }) == 1);
  std::free(block);
  CHECK(allocations_of([&] { block = std::aligned_alloc(64, 128); }) == 1);
  std::free(block);
  CHECK(allocations_of([&] { block = ::operator new(100); }) == 1);
  ::operator delete(block);
  const Batch batch(2);
  CHECK(steady_allocations([&] { eg::relu(batch.images); }) == 0);
  std::vector<std::unique_ptr<int>> kept(6);
  std::size_t i = 0;
  CHECK(steady_allocations([&] {
          eg::relu(batch.images);
          kept[i++] = std::make_unique<int>(1);
        }) == 1);
}
#endif

TEST_CASE("allocations: none in a step of a vision transformer under AdamW") {
  skip_unless_counted();
  const int threads = GENERATE(1, 2);
  const test::Threads guard(threads);
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(
      {.dim = 48,
       .depth = 2,
       .layer = {.heads = 3, .dropout = 0.1, .attention_dropout = 0.1},
       .rotary_base = 100,
       .position_dropout = 0.1,
       .patch_dropout = 0.25,
       .stochastic_depth = 0.2},
      rng);
  const std::vector<Tensor<float>> parameters = model.parameters();
  optim::AdamW<float> adamw(optim::decay_groups(model.parameters_with_roles()), {.lr = 1e-3});
  const optim::Schedule schedule = optim::cosine({.warmup_steps = 2, .total_steps = 9});
  const Batch batch(32);
  double loss = 0;
  const long n = steady_allocations([&] {
    adamw.zero_grad();
    const Tensor<float> l =
        eg::cross_entropy(model(batch.images), batch.labels, {.label_smoothing = 0.1});
    l.backward();
    optim::clip_grad_norm(parameters, 1.0);
    adamw.set_lr_factor(schedule(adamw.step_count()));
    adamw.step();
    loss = double(l.item());
  });
  INFO(threads << " threads");
  CHECK(n == 0);
  CHECK(std::isfinite(loss));
}

TEST_CASE("allocations: none in a step of the convolutional one under Muon and AdamW") {
  skip_unless_counted();
  const int threads = GENERATE(1, 2);
  const test::Threads guard(threads);
  eg::Generator rng(1);
  const models::VisionTransformer<float> model(
      {.tokenizer = models::ConvTokenizerOptions{.channels = {16, 32, 48}},
       .dim = 48,
       .depth = 2,
       .layer = {.heads = 3, .mlp_ratio = 2},
       .pooling = models::Pooling::kSequence},
      rng);
  const std::vector<Tensor<float>> parameters = model.parameters();
  auto [hidden, others] = optim::hidden_groups(model.parameters_with_roles());
  optim::Muon<float> muon(hidden, {.lr = 0.02});
  optim::AdamW<float> adamw(others, {.lr = 1e-3});
  const optim::Schedule schedule = optim::cosine({.warmup_steps = 2, .total_steps = 9});
  const Batch batch(32);
  double loss = 0;
  const long n = steady_allocations([&] {
    muon.zero_grad();
    adamw.zero_grad();
    const Tensor<float> l =
        eg::cross_entropy(model(batch.images), batch.labels, {.label_smoothing = 0.1});
    l.backward();
    optim::clip_grad_norm(parameters, 1.0);
    const double factor = schedule(adamw.step_count());
    adamw.set_lr_factor(factor);
    adamw.step();
    muon.set_lr_factor(factor);
    muon.step();
    loss = double(l.item());
  });
  INFO(threads << " threads");
  CHECK(n == 0);
  CHECK(std::isfinite(loss));
}

TEST_CASE("allocations: none in a step on images that are augmented and mixed in the background") {
  skip_unless_counted();
  namespace data = eg::data;
  const int workers = GENERATE(1, 2);
  INFO(workers << " workers");
  const data::DataLoader loader(
      data::synthetic_images({.images = 32 * 60}),
      {.batch_size = 32,
       .shuffle = true,
       .workers = workers,
       .augment = {.resized_crop = data::RandomResizedCrop{},
                   .crop_padding = 2,
                   .flip = data::Flip::kRandom,
                   .rotation = 10,
                   .policy = data::RandAugment{.magnitude_std = 1},
                   .jitter = {.brightness = 0.1, .contrast = 0.1, .saturation = 0.1, .hue = 0.1},
                   .erasing = {.probability = 0.3, .noise = true},
                   .cutout = 8},
       .mix = {.mixup_alpha = 0.8, .cutmix_alpha = 1, .probability = 0.7}});
  eg::Generator rng(1);
  const models::VisionTransformer<float> model({.dim = 48, .depth = 1}, rng);
  optim::AdamW<float> adamw(model.parameters(), {.lr = 1e-3});
  auto epoch = loader.epoch(0);
  Index step = 0;
  allocations = 0;
  for (auto& batch : epoch) {
    counting = ++step > 10;  // by then both threads have made some batches
    adamw.zero_grad();
    eg::cross_entropy(model(batch.images), batch, {.label_smoothing = 0.1}).backward();
    adamw.step();
    if (step == 50) break;  // before the threads come to their end
  }
  counting = false;
  CHECK(allocations == 0);
}
