// SPDX-License-Identifier: MIT
// Counts the calls of operator new that optimisers make once a training loop runs steadily.
#include <atomic>
#include <cstdlib>
#include <new>

#include <eigengrad/optim.hpp>
#include <tests/support/threads.hpp>

namespace optim = eg::optim;
using test::NdArray;
using test::Tensor;

namespace {
std::atomic<long> allocations{0};
}  // namespace

void* operator new(std::size_t n) {
  ++allocations;
  if (void* block = std::malloc(n)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }

TEST_CASE("optimisers: no heap allocation once they run") {
  // With several threads it is a matter of luck when the most scratch memory is in use at once.
  const test::Threads guard(1);
  std::vector<Tensor<float>> parameters;
  for (const test::Shape& shape : {test::Shape{40, 50}, {70000, 2}, {9, 9}, {50, 40}}) {
    parameters.emplace_back(test::random<float>(shape), true);
  }
  const auto backward = [&] {
    for (Tensor<float>& x : parameters) {
      x.zero_grad();
      eg::make_result(
          "given", NdArray<float>::scalar(0),
          [&x](eg::BackwardContext<float>& context) { context.accumulate(0, x.value().clone()); },
          x)
          .backward();
    }
  };
  // The second is too long for Muon to be quick.
  const std::vector<Tensor<float>> matrices = {parameters[0], parameters[2], parameters[3]};
  optim::SGD<float> sgd(parameters, {.momentum = 0.9});
  optim::AdamW<float> adam(parameters, {.lr = 1e-3});
  optim::Muon<float> muon(matrices);
  optim::Lion<float> lion(parameters);
  optim::Lamb<float> lamb(parameters);
  optim::Adafactor<float> adafactor(parameters);
  const optim::Schedule schedule = optim::cosine({.warmup_steps = 2, .total_steps = 9});
  long before = 0;
  for (int step = 0; step < 6; ++step) {
    if (step == 3) before = allocations;
    backward();
    optim::clip_grad_norm(parameters, 1.0);
    adam.set_lr(1e-3 * schedule(adam.step_count()));
    sgd.step();
    adam.step();
    muon.step();
    lion.step();
    lamb.step();
    adafactor.step();
    adam.zero_grad();
  }
  CHECK(allocations == before);
}
