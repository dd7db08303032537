// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <eigengrad/optim/optimizer.hpp>
#include <tests/support/gradients.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/threads.hpp>

/// What the tests of SGD and Adam share.
namespace test {

/// The steps that reference/optimizers.py took with PyTorch.
template <class T>
class OptimizerReference {
 public:
  static constexpr Index kSteps = 20;

  std::vector<Tensor<T>> parameters;

  OptimizerReference() : file_("optimizers") {
    for (int i = 0; i < 4; ++i) {
      parameters.emplace_back(file_.get<T>("start" + std::to_string(i)), true);
      gradients_.push_back(file_.get<T>("gradients" + std::to_string(i)));
    }
  }

  std::vector<eg::optim::ParameterGroup<T>> groups() const {
    return {{.parameters = {parameters[0], parameters[1]}},
            {.parameters = {parameters[2], parameters[3]}, .lr = 0.02, .weight_decay = 0.3}};
  }

  void backward(Index step) {
    const bool missing[] = {false, step == 0 || step == 1 || step == 6, step % 5 == 4, true};
    for (std::size_t i = 0; i < 4; ++i) {
      if (!missing[i]) set_gradient(parameters[i], part(gradients_[i], step));
    }
  }

  static void take_step(eg::optim::Optimizer<T>& optimizer, OptimizerReference& model, Index step) {
    optimizer.zero_grad();
    model.backward(step);
    if (step == 10) optimizer.set_lr_factor(0.5);
    optimizer.step();
  }

  /// What differs from PyTorch's parameters, after whichever step; empty if nothing does.
  std::string compare(eg::optim::Optimizer<T>& optimizer, const std::string& name,
                      double tolerance) {
    const NdArray<T> expected = file_.get<T>(name + ".out");
    for (Index step = 0; step < kSteps; ++step) {
      take_step(optimizer, *this, step);
      const std::string text = difference(joined(parameters), part(expected, step), tolerance);
      if (!text.empty()) return "step " + std::to_string(step) + ": " + text;
    }
    return "";
  }

 private:
  Reference file_;
  std::vector<NdArray<T>> gradients_;
};

/// Twenty steps with a save and a load into new objects after the ninth give the same bits.
template <class Optimizer, class T, class Options>
std::string resumed_difference(const Options& options) {
  OptimizerReference<T> model;
  Optimizer optimizer(model.groups(), options);
  OptimizerReference<T> resumed;
  for (Index step = 0; step < model.kSteps; ++step) {
    if (step == 9) {
      Optimizer other(model.groups(), options);
      const auto state = optimizer.state_dict();
      for (std::size_t i = 0; i < 4; ++i) {
        resumed.parameters[i].mutable_value() = model.parameters[i].value().clone();
      }
      Optimizer continued(resumed.groups(), options);
      continued.load_state_dict(state);
      for (Index rest = step; rest < model.kSteps; ++rest) {
        model.take_step(continued, resumed, rest);
      }
      if (continued.step_count() != model.kSteps) return "the step count was lost";
    }
    model.take_step(optimizer, model, step);
  }
  return difference(joined(resumed.parameters), joined(model.parameters), 0);
}

/// Steps on arrays of many sizes have the same bits on any number of threads.
template <class Optimizer, class Options, class Group = eg::optim::ParameterGroup<float>>
void check_step_threads(const Options& options, const std::vector<Shape>& shapes,
                        Group group = {}) {
  check_threads([&] {
    std::vector<Tensor<float>> parameters;
    for (const Shape& shape : shapes) {
      parameters.emplace_back(random<float>(shape, 7 + parameters.size()), true);
    }
    group.parameters = parameters;
    Optimizer optimizer({group}, options);
    for (std::uint64_t step = 0; step < 3; ++step) {
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        set_gradient(parameters[i], random<float>(shapes[i], 100 * step + i));
      }
      optimizer.step();
      optimizer.zero_grad();
    }
    return std::vector{joined(parameters)};
  });
}

/// Each element of an array of any size moves as if it were alone.
template <class Optimizer, class T, class Options>
std::string alone_difference(const Options& options) {
  for (Index n : {0, 1, 7, 8, 15, 16, 17, 33, 70}) {
    const NdArray<T> start = random<T>({n}, 3);
    Tensor<T> together(start.clone(), true);
    std::vector<Tensor<T>> alone;
    for (Index i = 0; i < n; ++i) alone.emplace_back(NdArray<T>::scalar(start(i)), true);
    if (n == 0) alone.emplace_back(NdArray<T>::scalar(1), true);
    Optimizer first({together}, options);
    Optimizer second(alone, options);
    for (std::uint64_t step = 0; step < 3; ++step) {
      const NdArray<T> gradient = random<T>({n}, 20 + step);
      first.zero_grad();
      second.zero_grad();
      set_gradient(together, gradient);
      for (Index i = 0; i < n; ++i) {
        set_gradient(alone[static_cast<std::size_t>(i)], NdArray<T>::scalar(gradient(i)));
      }
      first.step();
      second.step();
    }
    if (n == 0) continue;
    const std::string text =
        difference(together.value(), joined(alone), sizeof(T) == 4 ? 1e-6 : 1e-14);
    if (!text.empty()) return text;
  }
  return "";
}

/// Minimises Rosenbrock's function (1 - x)^2 + 100 (y - x^2)^2 from (-1, 1.5).
///
/// **Returns** the distance from the minimum at (1, 1).
template <class Optimizer, class Options>
double rosenbrock_distance(const Options& options, int steps) {
  Tensor<double> p({2}, {-1, 1.5}, true);
  Optimizer optimizer({p}, options);
  for (int step = 0; step < steps; ++step) {
    const double x = p.value()(0), y = p.value()(1);
    optimizer.zero_grad();
    set_gradient(p,
                 NdArray<double>({2}, {-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)}));
    optimizer.step();
  }
  return std::hypot(p.value()(0) - 1, p.value()(1) - 1);
}

}  // namespace test
