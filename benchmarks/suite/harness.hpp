// SPDX-License-Identifier: MIT
#pragma once

#include <benchmarks/machine.hpp>
#include <benchmarks/timing.hpp>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>

/// What the files of the suite share: a benchmark is compared with a naive version, then timed.
namespace bench {

namespace eg = eigengrad;
using eg::Index;
using eg::Shape;
using Array = eg::NdArray<float>;
using Exact = eg::NdArray<double>;  ///< what the naive versions compute
using Tensor = eg::Tensor<float>;

/// A benchmark whose inputs are made.
struct Kernel {
  std::function<void()> run;
  /// How far the result is from the naive version's: `difference` of them, the largest if several.
  std::function<double()> error;
  /// Something to say about the time; may be empty.
  std::function<std::string(const Timing&)> note = {};
};

struct Settings {
  std::string filter = "";
  int threads = eg::num_threads();
  bool quick = false, json = false;
};

class Suite {
 public:
  explicit Suite(Settings settings);

  /// Compares, times and prints, unless the filter leaves it out. `prepare` makes the inputs.
  /// A result that differs by more than `tolerance` gets a message instead of a time.
  void add(const std::string& name, Work work, double tolerance,
           const std::function<Kernel()>& prepare);

  /// Says how the machine did; **returns** the number of benchmarks that differed.
  int finish();

  const Settings& settings() const { return settings_; }

 private:
  Timing time(const Kernel& kernel) const;
  void print(const std::string& name, Work work, const Timing& timing, double error,
             double tolerance, const std::string& note) const;

  Settings settings_;
  Machine machine_;
  int run_ = 0, failed_ = 0;
};

/// Reproducible values in [-1, 1).
inline Array random(const Shape& shape, std::uint64_t seed = 1) {
  return eg::Generator(seed).uniform<float>(shape, -1, 1);
}

/// The largest distance of an element, relative to the largest element expected. NaN if one is.
template <class T>
double difference(const eg::NdArray<T>& actual, const Exact& expected) {
  if (actual.numel() != expected.numel()) return std::nan("");
  double worst = 0;
  double scale = 0;
  for (Index i = 0; i < expected.numel(); ++i) {
    const double distance = std::abs(double(actual.data()[i]) - expected.data()[i]);
    if (std::isnan(distance)) return distance;
    worst = std::max(worst, distance);
    scale = std::max(scale, std::abs(expected.data()[i]));
  }
  return scale > 0 ? worst / scale : worst;
}

/// The backward of `result` alone: its graph is made once and kept. `naive` computes the gradients
/// of `leaves`.
inline Kernel backward_kernel(std::vector<Tensor> leaves, const Tensor& result, const Array& dout,
                              std::function<std::vector<Exact>()> naive) {
  auto run = [leaves, result, dout]() mutable {
    for (Tensor& leaf : leaves) leaf.zero_grad();
    result.backward(dout, {.retain_graph = true});
  };
  auto error = [leaves, run, naive]() mutable {
    run();
    const std::vector<Exact> expected = naive();
    double worst = 0;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const double d = difference(leaves[i].grad(), expected[i]);
      if (!(d <= worst)) worst = d;
      if (std::isnan(d)) break;
    }
    return worst;
  };
  return {.run = run, .error = error};
}

// One function per file.
void gemm_benchmarks(Suite& suite);
void linear_benchmarks(Suite& suite);
void attention_benchmarks(Suite& suite);
void row_benchmarks(Suite& suite);
void elementwise_benchmarks(Suite& suite);
void movement_benchmarks(Suite& suite);
void image_benchmarks(Suite& suite);
void optimizer_benchmarks(Suite& suite);
void step_benchmarks(Suite& suite);
void loading_benchmarks(Suite& suite);

}  // namespace bench
