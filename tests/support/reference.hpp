// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <eigengrad/io/safetensors.hpp>

namespace test {

/// Numbers that PyTorch computed: `reference/NAME.safetensors`, written by `reference/NAME.py`.
class Reference {
 public:
  explicit Reference(const std::string& name)
      : file_(std::string(EIGENGRAD_TEST_DIR) + "/reference/" + name + ".safetensors") {}

  /// The array as `T`, converted where it was stored in double.
  template <class T>
  eigengrad::NdArray<T> get(const std::string& name) const {
    return file_.get<T>(name);
  }

 private:
  eigengrad::io::SafetensorsFile file_;
};

}  // namespace test
