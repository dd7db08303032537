// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <tests/support/test.hpp>

namespace eigengrad::io {
class SafetensorsFile;
}

namespace test {

/// How far an op's results may be from PyTorch's, relative to 1 + |expected|.
struct ReferenceTolerance {
  double value = 0;
  double gradient = 0;
};

/// Numbers that PyTorch computed: `reference/NAME.safetensors`, written by `reference/NAME.py`.
class Reference {
 public:
  explicit Reference(const std::string& name);

  /// The array as `T`; float and double are converted into each other.
  template <class T>
  NdArray<T> get(const std::string& name) const;
  bool contains(const std::string& name) const;

  /// `op`, a function of tensors (a vector), makes NAME.out of NAME.in0, NAME.in1 and so on, and
  /// their gradients NAME.din0, NAME.din1 ... of NAME.dout.
  template <class T, class Op>
  void check(const std::string& name, ReferenceTolerance tolerance, Op op) const {
    INFO(name);
    const auto array = [&](const char* what, std::size_t i) {
      return eigengrad::detail::concat(name, what, i);
    };
    std::vector<Tensor<T>> inputs;
    while (contains(array(".in", inputs.size()))) {
      inputs.emplace_back(get<T>(array(".in", inputs.size())), true);
    }
    REQUIRE(!inputs.empty());
    const Tensor<T> y = op(inputs);
    CHECK_CLOSE(y.value(), get<T>(name + ".out"), tolerance.value);
    y.backward(get<T>(name + ".dout"));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      INFO("input " << i);
      CHECK_CLOSE(inputs[i].grad(), get<T>(array(".din", i)), tolerance.gradient);
    }
  }
  /// The same, one tolerance for both.
  template <class T, class Op>
  void check(const std::string& name, double tolerance, Op op) const {
    check<T>(name, {tolerance, tolerance}, op);
  }

 private:
  std::shared_ptr<const eigengrad::io::SafetensorsFile> file_;
};

}  // namespace test
