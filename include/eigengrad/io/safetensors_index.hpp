// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/json.hpp>
#include <eigengrad/io/safetensors_header.hpp>

/// The index of a model in several safetensors files: {"metadata": {...}, "weight_map": {array:
/// file}}, with files in the index's own folder.
///
/// **Source** https://huggingface.co/docs/safetensors/metadata_parsing
namespace eigengrad::io::detail {

/// Whether a relative path stays in the folder that it starts from.
inline bool stays_in_folder(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\0') != path.npos) return false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    if (path.substr(at, slash - at) == "..") return false;
    at = slash + 1;
  }
  return true;
}

/// Reads an index and the headers of its files.
class SafetensorsIndex {
 public:
  /// **Throws** IoError when the index, or one of the files, is not what it should be, or when they
  /// do not agree about which array is where.
  explicit SafetensorsIndex(const std::string& path) : path_(path) {
    read_index();
    check_files();
    for (const auto& [name, arrays] : files_) read_file(name, arrays);
  }
  SafetensorsContent content() && { return std::move(content_); }

 private:
  using Names = std::set<std::string>;

  [[noreturn]] void fail(std::string_view problem) const {
    throw IoError(concat("[safetensors] ", path_, ": ", problem));
  }

  /// "3 arrays that RULE: a, b, c", of which at most five are named.
  [[noreturn]] void fail(const std::string& file, const std::vector<std::string>& names,
                         const char* rule) const {
    std::string list;
    for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 5); ++i) {
      list += (i ? ", " : "") + names[i];
    }
    fail(concat(file, " ", rule, ": ", list, names.size() > 5 ? ", ..." : "",
                "; the files are not of one model, fetch or save them all again"));
  }

  void read_index() {
    if (InputFile(path_).size() > kMaxHeader) fail(concat("is larger than ", kMaxHeader, " bytes"));
    const Json index = Json::parse(io::read_file(path_), path_);
    const Json* map = index.is_object() ? index.find("weight_map") : nullptr;
    if (map == nullptr || !map->is_object()) {
      fail("an index needs a 'weight_map', an object of array and file names; fetch it again");
    }
    for (const auto& [name, file] : map->members()) {
      if (!file.is_string()) fail(concat("the file of array '", name, "' is ", file.kind()));
      if (!stays_in_folder(file.as_string())) {
        fail(concat("the file of array '", name, "', '", file.as_string(),
                    "', is not in the index's folder; this is refused"));
      }
      files_[file.as_string()].insert(name);
    }
    const Json* metadata = index.find("metadata");
    if (metadata == nullptr || !metadata->is_object()) return;
    for (const auto& [key, value] : metadata->members()) {
      content_.metadata.emplace(key, value.is_string() ? value.as_string() : value.dump());
    }
  }

  std::string path_of(const std::string& file) const {
    return path_.substr(0, path_.rfind('/') + 1) + file;  // rfind: npos + 1 is 0
  }

  void check_files() const {
    std::string absent;
    std::size_t count = 0;
    for (const auto& entry : files_) {
      if (is_file(path_of(entry.first))) continue;
      absent += (count++ ? ", " : "") + entry.first;
    }
    if (count > 0) {
      fail(concat(count, " of ", files_.size(), " files are missing: ", absent,
                  "; fetch them into the index's folder"));
    }
  }

  void read_file(const std::string& name, const Names& arrays) {
    SafetensorsContent file = SafetensorsHeader(path_of(name)).content();
    std::vector<std::string> lacking, more;
    for (const std::string& array : arrays) {
      if (file.entries.count(array) == 0) lacking.push_back(array);
    }
    for (const auto& entry : file.entries) {
      if (arrays.count(entry.first) == 0) more.push_back(entry.first);
    }
    if (!lacking.empty()) fail(name, lacking, "lacks arrays that the index lists for it");
    if (!more.empty()) fail(name, more, "has arrays that the index does not list for it");
    content_.entries.merge(file.entries);
    content_.metadata.merge(file.metadata);  // what the index said stays
  }

  std::string path_;
  std::map<std::string, Names> files_;  // and their arrays
  SafetensorsContent content_;
};

inline SafetensorsContent read_safetensors_index(const std::string& path) {
  return SafetensorsIndex(path).content();
}

}  // namespace eigengrad::io::detail
