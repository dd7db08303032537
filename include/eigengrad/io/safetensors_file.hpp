// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors_dtype.hpp>

namespace eigengrad::io {

namespace detail {

/// The limit of the Python package; without one a damaged length could ask for any memory.
inline constexpr std::uint64_t kMaxHeader = 100'000'000;

}  // namespace detail

/// A safetensors file open for reading. The header is checked as a whole when it is opened, the
/// numbers of an array are read when they are asked for.
///
/// Opening **throws** IoError, naming the file, the array and what to do, whatever is wrong with
/// the file.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path) : file_(std::make_shared<InputFile>(path)) {
    read_header();
  }

  const std::string& path() const { return file_->path(); }
  bool contains(const std::string& name) const { return entries_.contains(name); }
  /// All names, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& [name, entry] : entries_) out.push_back(name);
    return out;
  }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  /// The type in the file's words: "F32", "I64", ... **Throws** IoError when there is no such
  /// array.
  const std::string& dtype(const std::string& name) const { return entry(name).dtype; }
  /// **Throws** IoError when there is no such array or it has more than six axes.
  Shape shape(const std::string& name) const {
    const Entry& found = entry(name);
    if (found.sizes.size() > static_cast<std::size_t>(kMaxRank)) {
      fail(name, detail::concat("has ", found.sizes.size(), " axes, at most ", kMaxRank,
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
      fail(name, detail::concat("is ", found.dtype, ", ", wanted, " was expected; convert it or ",
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
    for (const auto& item : entries_) {
      if (!item.first.starts_with(prefix)) continue;
      out.emplace(item.first.substr(prefix.size()), get<T>(item.first));
    }
    return out;
  }

 private:
  struct Entry {
    std::string dtype;
    std::vector<Index> sizes;
    std::uint64_t begin = 0;  // from the start of the file
    std::uint64_t end = 0;
  };

  [[noreturn]] void fail(std::string_view problem) const {
    throw IoError(detail::concat("[safetensors] ", path(), ": ", problem));
  }
  [[noreturn]] void fail(const std::string& name, std::string_view problem) const {
    fail(detail::concat("array '", name, "' ", problem));
  }

  const Entry& entry(const std::string& name) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) {
      fail(detail::concat("no array is called '", name, "'; names() lists all ", entries_.size()));
    }
    return found->second;
  }

  void read_header() {
    constexpr const char* damaged =
        "; the file is cut off or not safetensors, fetch or save it again";
    const std::uint64_t size = file_->size();
    if (size < 8) fail(detail::concat("has ", size, " bytes, a header needs 8", damaged));
    std::uint64_t length = 0;
    file_->read(0, &length, 8);
    if (length > size - 8) {
      fail(detail::concat("the header should have ", length, " bytes, the file has ", size - 8,
                          " left", damaged));
    }
    if (length > detail::kMaxHeader) {
      fail(detail::concat("the header has ", length, " bytes, at most ", detail::kMaxHeader,
                          " are allowed; split the file"));
    }
    std::string text(length, '\0');
    file_->read(8, text.data(), length);
    const Json header = Json::parse(text, path());
    if (!header.is_object()) fail(detail::concat("the header is ", header.kind(), damaged));
    for (const auto& [name, value] : header.members()) {
      if (name == "__metadata__") {
        read_metadata(value);
      } else {
        entries_.emplace(name, read_entry(name, value, 8 + length));
      }
    }
    check_layout(8 + length);
  }

  void read_metadata(const Json& value) {
    if (!value.is_object())
      fail("'__metadata__' must be an object of strings; save the file again");
    for (const auto& [key, text] : value.members()) {
      if (!text.is_string()) {
        fail(detail::concat("metadata '", key, "' must be a string; save the file again"));
      }
      metadata_.emplace(key, text.as_string());
    }
  }

  Entry read_entry(const std::string& name, const Json& value, std::uint64_t data) const {
    const Json* dtype = value.is_object() ? value.find("dtype") : nullptr;
    const Json* shape = value.is_object() ? value.find("shape") : nullptr;
    const Json* offsets = value.is_object() ? value.find("data_offsets") : nullptr;
    const auto is_size = [](const Json& x) { return x.is_integer() && x.as_integer() >= 0; };
    const auto sizes_only = [&](const Json* list) {
      if (list == nullptr || !list->is_array()) return false;
      return std::all_of(list->items().begin(), list->items().end(), is_size);
    };
    if (dtype == nullptr || !dtype->is_string() || !sizes_only(shape) || !sizes_only(offsets) ||
        offsets->items().size() != 2) {
      fail(name, "needs a dtype, a shape of sizes and two data_offsets; save the file again");
    }
    Entry out;
    out.dtype = dtype->as_string();
    for (const Json& size : shape->items()) out.sizes.push_back(size.as_integer());
    const auto begin = static_cast<std::uint64_t>(offsets->items()[0].as_integer());
    const auto end = static_cast<std::uint64_t>(offsets->items()[1].as_integer());
    const std::uint64_t available = file_->size() - data;
    if (begin > end || end > available) {
      fail(name, detail::concat("is at bytes ", begin, " to ", end, " of ", available,
                                "; the file is cut off or damaged, fetch or save it again"));
    }
    check_bytes(name, out, end - begin);
    out.begin = data + begin;
    out.end = data + end;
    return out;
  }

  void check_bytes(const std::string& name, const Entry& found, std::uint64_t bytes) const {
    std::uint64_t needed = detail::dtype_bytes(found.dtype);
    if (needed == 0) return;  // not supported: an error when it is asked for
    bool overflow = false;
    for (const Index size : found.sizes) {
      overflow = __builtin_mul_overflow(needed, static_cast<std::uint64_t>(size), &needed) ||
                 overflow || needed > INT64_MAX;
    }
    if (overflow || needed != bytes) {
      fail(name,
           detail::concat("has ", bytes, " bytes, its shape and dtype ", found.dtype, " need ",
                          overflow ? "more" : std::to_string(needed), "; save the file again"));
    }
  }

  /// Every byte of the data belongs to exactly one array.
  void check_layout(std::uint64_t data) const {
    std::vector<std::pair<std::uint64_t, std::string>> order;
    for (const auto& [name, found] : entries_) {
      if (found.begin < found.end) order.emplace_back(found.begin, name);
    }
    std::sort(order.begin(), order.end());
    std::uint64_t at = data;
    for (const auto& [begin, name] : order) {
      if (begin != at) {
        fail(name,
             detail::concat(begin < at ? "overlaps the array before it" : "leaves a gap before it",
                            "; save the file again"));
      }
      at = entries_.at(name).end;
    }
    if (at != file_->size()) {
      fail(detail::concat("the last ", file_->size() - at,
                          " bytes belong to no array; save the file again"));
    }
  }

  /// Reads numbers stored as `From`; converts them through a buffer where `T` is another type.
  template <class From, class T>
  void read(NdArray<T>& out, const Entry& found) const {
    if constexpr (std::same_as<From, T>) {
      file_->read(found.begin, out.data(), static_cast<std::size_t>(found.end - found.begin));
    } else {
      constexpr Index chunk = 8192;
      From buffer[chunk];
      for (Index i = 0; i < out.numel(); i += chunk) {
        const Index n = std::min(chunk, out.numel() - i);
        file_->read(found.begin + static_cast<std::uint64_t>(i) * sizeof(From), buffer,
                    static_cast<std::size_t>(n) * sizeof(From));
        for (Index j = 0; j < n; ++j) out.data()[i + j] = static_cast<T>(buffer[j]);
      }
    }
  }

  std::shared_ptr<const InputFile> file_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace eigengrad::io
