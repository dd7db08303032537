// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <string>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors_file.hpp>

namespace cli {

/// state.safetensors of a run that goes on, open for reading. Whatever is wrong with it is said in
/// one line.
class SavedState {
 public:
  /// **Throws** IoError when it cannot be read or is damaged.
  explicit SavedState(std::string path) : path_(std::move(path)), file_(open(path_)) {}

  const eigengrad::io::SafetensorsFile& file() const { return file_; }

  /// JSON that the program put there. **Throws** IoError when it did not.
  eigengrad::io::Json metadata(const std::string& key) const {
    const auto found = file_.metadata().find(key);
    if (found == file_.metadata().end()) {
      throw eigengrad::IoError(path_ +
                               " is no state of a run; --resume needs a state.safetensors that "
                               "`train` wrote");
    }
    return eigengrad::io::Json::parse(found->second, path_);
  }

  /// Calls f(), which reads the file. **Throws** IoError that names the file for any error in it.
  template <class F>
  void guard(F&& f) const {
    try {
      f();
    } catch (const std::exception& error) {
      throw eigengrad::IoError(path_ +
                               " does not fit this program or its own settings: " + error.what());
    }
  }

 private:
  static eigengrad::io::SafetensorsFile open(const std::string& path) {
    if (!eigengrad::io::is_file(path)) {
      throw eigengrad::IoError("there is no " + path +
                               "; --resume needs the folder of a run that `train` has begun");
    }
    return eigengrad::io::SafetensorsFile(path);
  }

  std::string path_;
  eigengrad::io::SafetensorsFile file_;
};

}  // namespace cli
