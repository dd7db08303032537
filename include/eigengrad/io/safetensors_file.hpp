// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/io/safetensors_dtype.hpp>
#include <eigengrad/io/safetensors_header.hpp>
#include <eigengrad/io/safetensors_index.hpp>

namespace eigengrad::io {

/// A safetensors file open for reading, or several that an index holds together: the path of
/// `model.safetensors.index.json` opens like that of `model.safetensors`. The headers are checked
/// as a whole when it is opened, the numbers of an array are read when they are asked for.
///
/// Opening **throws** IoError, naming the file, the array and what to do, whatever is wrong with
/// the file.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path)
      : path_(path),
        content_(path.ends_with(".json") ? detail::read_safetensors_index(path)
                                         : detail::SafetensorsHeader(path).content()) {}

  const std::string& path() const { return path_; }
  bool contains(const std::string& name) const { return content_.entries.contains(name); }
  /// All names, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& [name, entry] : content_.entries) out.push_back(name);
    return out;
  }
  /// The texts in the file; with an index, its own and those of its files.
  const std::map<std::string, std::string>& metadata() const { return content_.metadata; }

  /// The type in the file's words: "F32", "I64", ... **Throws** IoError when there is no such
  /// array.
  const std::string& dtype(const std::string& name) const { return entry(name).dtype; }
  /// **Throws** IoError when there is no such array or it has more than six axes.
  Shape shape(const std::string& name) const {
    const Entry& found = entry(name);
    if (found.sizes.size() > static_cast<std::size_t>(kMaxRank)) {
      fail(name, found,
           detail::concat("has ", found.sizes.size(), " axes, at most ", kMaxRank,
                          " are supported; reshape it before saving"));
    }
    return Shape(found.sizes.begin(), found.sizes.end());
  }

  /// One array. float and double come from F64, F32, F16 or BF16, Index from I64, I32 or U8, bool
  /// from BOOL, bytes from U8.
  ///
  /// **Throws** IoError when there is no such array or it holds something else.
  template <Storable T>
  NdArray<T> get(const std::string& name) const {
    const Shape size = shape(name);
    const Entry& found = entry(name);
    constexpr std::string_view wanted = std::floating_point<T>   ? "F64, F32, F16 or BF16"
                                        : std::same_as<T, Index> ? "I64, I32 or U8"
                                                                 : detail::dtype_name<T>();
    if (detail::dtype_bytes(found.dtype) == 0 || wanted.find(found.dtype) == wanted.npos) {
      fail(name, found,
           detail::concat("is ", found.dtype, ", ", wanted, " was expected; convert it or ",
                          "ask for another type"));
    }
    NdArray<T> out(size);
    if constexpr (std::floating_point<T>) {
      if (found.dtype == "F64") read<double>(out, found);
      if (found.dtype == "F32") read<float>(out, found);
      if (found.dtype == "F16") read<detail::Half>(out, found);
      if (found.dtype == "BF16") read<detail::BFloat16>(out, found);
    } else if constexpr (std::same_as<T, Index>) {
      if (found.dtype == "I64") read<std::int64_t>(out, found);
      if (found.dtype == "I32") read<std::int32_t>(out, found);
      if (found.dtype == "U8") read<std::uint8_t>(out, found);
    } else {
      read<std::uint8_t>(out, found);  // bool: any byte but 0 is true
    }
    return out;
  }

  /// All arrays whose names begin with `prefix`, without it: what `add_all` has added.
  template <Storable T>
  std::map<std::string, NdArray<T>> get_all(const std::string& prefix) const {
    std::map<std::string, NdArray<T>> out;
    for (const auto& item : content_.entries) {
      if (!item.first.starts_with(prefix)) continue;
      out.emplace(item.first.substr(prefix.size()), get<T>(item.first));
    }
    return out;
  }

 private:
  using Entry = detail::SafetensorsEntry;

  [[noreturn]] static void fail(const std::string& path, std::string_view problem) {
    throw IoError(detail::concat("[safetensors] ", path, ": ", problem));
  }
  [[noreturn]] void fail(const std::string& name, const Entry& entry,
                         std::string_view problem) const {
    fail(entry.file->path(), detail::concat("array '", name, "' ", problem));
  }

  const Entry& entry(const std::string& name) const {
    const auto found = content_.entries.find(name);
    if (found == content_.entries.end()) {
      fail(path_, detail::concat("no array is called '", name, "'; names() lists all ",
                                 content_.entries.size()));
    }
    return found->second;
  }

  /// Reads numbers stored as `From`; converts them through a buffer where `T` is another type.
  template <class From, class T>
  void read(NdArray<T>& out, const Entry& found) const {
    if constexpr (std::same_as<From, T>) {
      found.file->read(found.begin, out.data(), static_cast<std::size_t>(found.end - found.begin));
    } else {
      constexpr Index chunk = 8192;
      From buffer[chunk];
      for (Index i = 0; i < out.numel(); i += chunk) {
        const Index n = std::min(chunk, out.numel() - i);
        found.file->read(found.begin + static_cast<std::uint64_t>(i) * sizeof(From), buffer,
                         static_cast<std::size_t>(n) * sizeof(From));
        for (Index j = 0; j < n; ++j) out.data()[i + j] = static_cast<T>(buffer[j]);
      }
    }
  }

  std::string path_;
  detail::SafetensorsContent content_;
};

}  // namespace eigengrad::io
