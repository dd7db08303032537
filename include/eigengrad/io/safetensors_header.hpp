// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors_dtype.hpp>

/// The header of a safetensors file: what arrays it holds and where.
///
/// **Source** https://github.com/huggingface/safetensors#format
namespace eigengrad::io::detail {

/// The limit of the Python package; without one a damaged length could ask for any memory.
inline constexpr std::uint64_t kMaxHeader = 100'000'000;

/// Where an array is, and what its numbers are.
struct SafetensorsEntry {
  std::shared_ptr<const InputFile> file;
  std::string dtype;
  std::vector<Index> sizes;
  std::uint64_t begin = 0;  // from the start of the file
  std::uint64_t end = 0;
};

/// All arrays by name, and the texts that go with them.
struct SafetensorsContent {
  std::map<std::string, SafetensorsEntry> entries;
  std::map<std::string, std::string> metadata;
};

/// Reads and checks what one file says of itself; `content()` gives it away.
class SafetensorsHeader {
 public:
  using Entry = SafetensorsEntry;

  /// **Throws** IoError, naming the file, the array and what to do, whatever is wrong with the
  /// file.
  explicit SafetensorsHeader(const std::string& path) : file_(std::make_shared<InputFile>(path)) {
    read_header();
  }
  SafetensorsContent content() && { return std::move(content_); }

 private:
  [[noreturn]] void fail(std::string_view problem) const {
    throw IoError(concat("[safetensors] ", file_->path(), ": ", problem));
  }
  [[noreturn]] void fail(const std::string& name, std::string_view problem) const {
    fail(concat("array '", name, "' ", problem));
  }

  void read_header() {
    constexpr const char* damaged =
        "; the file is cut off or not safetensors, fetch or save it again";
    const std::uint64_t size = file_->size();
    if (size < 8) fail(concat("has ", size, " bytes, a header needs 8", damaged));
    std::uint64_t length = 0;
    file_->read(0, &length, 8);
    if (length > size - 8) {
      fail(concat("the header should have ", length, " bytes, the file has ", size - 8, " left",
                  damaged));
    }
    if (length > kMaxHeader) {
      fail(concat("the header has ", length, " bytes, at most ", kMaxHeader,
                  " are allowed; split the file"));
    }
    std::string text(length, '\0');
    file_->read(8, text.data(), length);
    const Json header = Json::parse(text, file_->path());
    if (!header.is_object()) fail(concat("the header is ", header.kind(), damaged));
    for (const auto& [name, value] : header.members()) {
      if (name == "__metadata__") {
        read_metadata(value);
      } else {
        content_.entries.emplace(name, read_entry(name, value, 8 + length));
      }
    }
    check_layout(8 + length);
  }

  void read_metadata(const Json& value) {
    if (!value.is_object())
      fail("'__metadata__' must be an object of strings; save the file again");
    for (const auto& [key, text] : value.members()) {
      if (!text.is_string()) {
        fail(concat("metadata '", key, "' must be a string; save the file again"));
      }
      content_.metadata.emplace(key, text.as_string());
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
    out.file = file_;
    out.dtype = dtype->as_string();
    for (const Json& size : shape->items()) out.sizes.push_back(size.as_integer());
    const auto begin = static_cast<std::uint64_t>(offsets->items()[0].as_integer());
    const auto end = static_cast<std::uint64_t>(offsets->items()[1].as_integer());
    const std::uint64_t available = file_->size() - data;
    if (begin > end || end > available) {
      fail(name, concat("is at bytes ", begin, " to ", end, " of ", available,
                        "; the file is cut off or damaged, fetch or save it again"));
    }
    check_bytes(name, out, end - begin);
    out.begin = data + begin;
    out.end = data + end;
    return out;
  }

  void check_bytes(const std::string& name, const Entry& found, std::uint64_t bytes) const {
    std::uint64_t needed = dtype_bytes(found.dtype);
    if (needed == 0) return;  // not supported: an error when it is asked for
    bool overflow = false;
    for (const Index size : found.sizes) {
      overflow = __builtin_mul_overflow(needed, static_cast<std::uint64_t>(size), &needed) ||
                 overflow || needed > INT64_MAX;
    }
    if (overflow || needed != bytes) {
      fail(name, concat("has ", bytes, " bytes, its shape and dtype ", found.dtype, " need ",
                        overflow ? "more" : std::to_string(needed), "; save the file again"));
    }
  }

  /// Every byte of the data belongs to exactly one array.
  void check_layout(std::uint64_t data) const {
    std::vector<std::pair<std::uint64_t, std::string>> order;
    for (const auto& [name, found] : content_.entries) {
      if (found.begin < found.end) order.emplace_back(found.begin, name);
    }
    std::sort(order.begin(), order.end());
    std::uint64_t at = data;
    for (const auto& [begin, name] : order) {
      if (begin != at) {
        fail(name, concat(begin < at ? "overlaps the array before it" : "leaves a gap before it",
                          "; save the file again"));
      }
      at = content_.entries.at(name).end;
    }
    if (at != file_->size()) {
      fail(concat("the last ", file_->size() - at,
                  " bytes belong to no array; save the file again"));
    }
  }

  std::shared_ptr<const InputFile> file_;
  SafetensorsContent content_;
};

}  // namespace eigengrad::io::detail
