// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors_dtype.hpp>
#include <eigengrad/io/safetensors_file.hpp>

/// Named arrays in a file that PyTorch, JAX and NumPy read and write too.
///
/// Eight bytes of header length, a JSON header {name: {dtype, shape, data_offsets}}, the data.
/// **Source** https://github.com/huggingface/safetensors#format
namespace eigengrad::io {

/// Collects arrays of any types, then writes them as one file. Holds the arrays, not copies.
class SafetensorsWriter {
 public:
  /// **Throws** ValueError when the array is undefined or the name is taken or not allowed.
  template <Storable T>
  SafetensorsWriter& add(const std::string& name, NdArray<T> array) {
    const char* problem = !array.defined()                      ? "is undefined"
                          : name == "__metadata__"              ? "has a reserved name"
                          : !detail::is_utf8(name)              ? "has a name that is not UTF-8"
                          : arrays_.find(name) != arrays_.end() ? "is there already"
                                                                : nullptr;
    if (problem != nullptr) {
      throw ValueError(detail::concat("[save_safetensors] array '", name, "' ", problem));
    }
    arrays_.emplace(name, std::move(array));
    return *this;
  }
  /// Adds each array under `prefix` and its name, so that several dicts fit in one file.
  template <Storable T>
  SafetensorsWriter& add_all(const std::string& prefix,
                             const std::map<std::string, NdArray<T>>& arrays) {
    for (const auto& [name, array] : arrays) add(prefix + name, array);
    return *this;
  }
  SafetensorsWriter& add_metadata(const std::string& key, const std::string& value) {
    metadata_[key] = value;
    return *this;
  }

  /// Replaces or makes the file, as a whole or not at all. The same content gives the same bytes.
  /// **Throws** IoError when it cannot be written.
  void write(const std::string& path) const {
    // Wide types first, so that every array is aligned to its own type.
    std::vector<const std::pair<const std::string, AnyArray>*> order;
    for (const auto& item : arrays_) order.push_back(&item);
    std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
      return view(a->second).element > view(b->second).element;
    });
    std::map<std::string_view, Json> entries;
    std::uint64_t at = 0;
    for (const auto* item : order) {
      const ArrayView array = view(item->second);
      Json entry;
      entry["dtype"] = array.dtype;
      entry["shape"] = std::vector<Json>(array.shape.begin(), array.shape.end());
      entry["data_offsets"] = std::vector<Json>{at, at + array.bytes};
      entries[item->first] = std::move(entry);
      at += array.bytes;
    }
    Json::Object header;
    if (!metadata_.empty()) {
      Json::Object metadata(metadata_.begin(), metadata_.end());
      header.emplace_back("__metadata__", std::move(metadata));
    }
    for (auto& [name, entry] : entries) header.emplace_back(name, std::move(entry));
    std::string text = Json(std::move(header)).dump();
    text.resize(round_up(text.size(), 8), ' ');
    const std::uint64_t length = text.size();

    AtomicFile file(path);
    file.write(&length, 8);
    file.write(text);
    for (const auto* item : order) {
      const ArrayView array = view(item->second);
      file.write(array.data, array.bytes);
    }
    file.commit();
  }

 private:
  using AnyArray = std::variant<NdArray<float>, NdArray<double>, NdArray<Index>, NdArray<bool>,
                                NdArray<std::uint8_t>>;
  struct ArrayView {
    const char* dtype;
    Shape shape;
    const void* data;
    std::size_t element;
    std::size_t bytes;
  };
  static ArrayView view(const AnyArray& any) {
    return std::visit(
        []<class T>(const NdArray<T>& a) {
          return ArrayView{detail::dtype_name<T>(), a.shape(), a.data(), sizeof(T),
                           static_cast<std::size_t>(a.numel()) * sizeof(T)};
        },
        any);
  }

  std::map<std::string, AnyArray> arrays_;
  std::map<std::string, std::string> metadata_;
};

/// Writes arrays of one type; `SafetensorsWriter` takes several. The file is replaced as a whole
/// or not at all.
///
/// **Throws** IoError when it cannot be written; ValueError for an undefined array.
template <Storable T>
void save_safetensors(const std::string& path, const std::map<std::string, NdArray<T>>& arrays,
                      const std::map<std::string, std::string>& metadata = {}) {
  SafetensorsWriter writer;
  for (const auto& [name, array] : arrays) writer.add(name, array);
  for (const auto& [key, value] : metadata) writer.add_metadata(key, value);
  writer.write(path);
}

}  // namespace eigengrad::io
