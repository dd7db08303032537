// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/shape.hpp>

/// Finding pictures in folders; nothing is opened here.
///
/// Not in the umbrella, for it needs <filesystem>, which is slow to compile.
namespace eigengrad::data {

/// Picture files and the class of each; `labels` are indices into `classes`.
struct ImageFiles {
  std::vector<std::string> classes;
  std::vector<std::string> paths;
  std::vector<Index> labels;

  Index size() const { return static_cast<Index>(paths.size()); }
};

namespace detail {

using eigengrad::detail::concat;

[[noreturn]] inline void fail_folder(const std::string& what) {
  throw IoError("[image_folder] " + what);
}

/// macOS leaves "__MACOSX" and "._" files in archives.
inline bool is_hidden(const std::string& name) {
  return name.starts_with(".") || name == "__MACOSX";
}

inline bool is_directory(const std::filesystem::path& path) {
  std::error_code ignored;  // what cannot be asked is no folder
  return std::filesystem::is_directory(path, ignored);
}

}  // namespace detail

/// The paths in a folder, sorted by their bytes; hidden ones are left out. **Throws** IoError when
/// the folder cannot be read.
inline std::vector<std::filesystem::path> list_folder(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> out;
  std::filesystem::directory_iterator at(folder, error);
  for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    if (!detail::is_hidden(at->path().filename().string())) out.push_back(at->path());
  }
  if (error)
    detail::fail_folder(detail::concat("cannot read the folder ", folder, ": ", error.message()));
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.native() < b.native(); });
  return out;
}

/// Has the file the name of a picture that is read: .png, .jpg, .jpeg, .bmp, .ppm or .pgm?
inline bool has_image_name(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string ending(path.substr(dot + 1));
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return ending == "png" || ending == "jpg" || ending == "jpeg" || ending == "bmp" ||
         ending == "ppm" || ending == "pgm";
}

/// The pictures in a folder and the folders below it, by name, sorted; hidden files and what has
/// no picture's name are left out. `others`, if given, gets the paths of the latter. Links to files
/// are followed, links to folders are not: they could lead in circles.
///
/// **Throws** IoError when a folder cannot be read.
inline std::vector<std::string> find_images(const std::string& folder,
                                            std::vector<std::string>* others = nullptr) {
  std::vector<std::string> out;
  std::vector<std::string> folders = {folder};
  while (!folders.empty()) {
    const std::string at = std::move(folders.back());
    folders.pop_back();
    for (const std::filesystem::path& path : list_folder(at)) {
      std::error_code ignored;
      if (detail::is_directory(path)) {
        if (!std::filesystem::is_symlink(path, ignored)) folders.push_back(path.string());
      } else if (has_image_name(path.native())) {
        out.push_back(path.string());
      } else if (others) {
        others->push_back(path.string());
      }
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// The pictures of FOLDER/CLASS/, at any depth below it. The classes are the names of the folders,
/// sorted by their bytes; the pictures are sorted within their class.
///
/// With `classes` given, labels refer to them: for a test set, which may lack some, but not have
/// others.
/// **Throws** IoError, with what to do, when there is no class or, without `classes`, only one; for
/// a class without pictures; for one that is not among `classes`.
inline ImageFiles list_images(const std::string& folder,
                              const std::vector<std::string>& classes = {}) {
  if (!detail::is_directory(folder)) {
    detail::fail_folder(detail::concat("there is no folder ", folder));
  }
  ImageFiles out;
  out.classes = classes;
  Index loose = 0;
  for (const std::filesystem::path& path : list_folder(folder)) {
    if (!detail::is_directory(path)) {
      loose += has_image_name(path.native());
      continue;
    }
    const std::string name = path.filename().string();
    auto found = std::find(out.classes.begin(), out.classes.end(), name);
    if (found == out.classes.end() && !classes.empty()) {
      detail::fail_folder(detail::concat(path.string(), " is none of the ", classes.size(),
                                         " classes (", classes.front(), " to ", classes.back(),
                                         "); rename or remove it"));
    }
    if (found == out.classes.end()) found = out.classes.insert(found, name);
    const Index label = found - out.classes.begin();
    std::vector<std::string> others;
    for (std::string& file : find_images(path.string(), &others)) {
      out.paths.push_back(std::move(file));
      out.labels.push_back(label);
    }
    if (out.labels.empty() || out.labels.back() != label) {
      detail::fail_folder(
          detail::concat("the class ", path.string(), " has no PNG, JPEG, BMP, PPM or PGM pictures",
                         others.empty() ? std::string() : detail::concat(", but ", others.front()),
                         "; add some, convert what is there, or remove the folder"));
    }
  }
  const std::string rule =
      "; each class needs a folder of its own with its pictures: " + folder + "/CLASS/NAME.png";
  if (out.paths.empty()) {
    detail::fail_folder(
        detail::concat(folder, " holds no folders (pictures in it: ", loose, ")", rule));
  }
  if (out.classes.size() < 2) {
    detail::fail_folder(
        detail::concat(folder, " holds one class only, ", out.classes.front(), rule));
  }
  return out;
}

/// The folders of a data set that is divided already; empty where there is none.
struct ImageParts {
  std::string train, validation, test;
};

/// Looks for FOLDER/train with classes in it, and val (valid, validation) or test next to it. Where
/// there is no train, FOLDER itself holds the classes and is `train`. When there is only one of
/// val and test, it is the test set.
///
/// **Throws** IoError when train holds pictures itself, or stands next to folders of other names.
inline ImageParts find_image_parts(const std::string& folder) {
  ImageParts out;
  std::string other;
  if (!detail::is_directory(folder)) {
    detail::fail_folder(detail::concat("there is no folder ", folder));
  }
  for (const std::filesystem::path& path : list_folder(folder)) {
    if (!detail::is_directory(path)) continue;
    const std::string name = path.filename().string();
    std::string* const part = name == "train" ? &out.train
                              : name == "val" || name == "valid" || name == "validation"
                                  ? &out.validation
                              : name == "test" ? &out.test
                                               : &other;
    if (part->empty()) *part = path.string();
  }
  if (out.train.empty()) return {folder, "", ""};
  if (!other.empty()) {
    detail::fail_folder(detail::concat(folder, " holds train, and also ", other,
                                       "; move the classes into train, or rename train if it is "
                                       "a class"));
  }
  for (const std::filesystem::path& path : list_folder(out.train)) {
    if (detail::is_directory(path) || !has_image_name(path.native())) continue;
    detail::fail_folder(detail::concat(path.string(),
                                       " belongs to no class; each class needs a folder of its "
                                       "own with its pictures: ",
                                       out.train, "/CLASS/NAME.png"));
  }
  if (out.test.empty()) std::swap(out.test, out.validation);
  return out;
}

/// Two lists of pictures with the same classes.
struct HeldOut {
  ImageFiles rest;
  ImageFiles held_out;
};

/// Holds out about `share` of each class, at least one picture and not all of them. Which ones
/// follows from their paths below the folder of the class alone: moving the data changes nothing,
/// and more pictures move few of the others.
///
/// **Throws** ValueError unless 0 < share < 1; IoError for a class of one picture.
inline HeldOut hold_out(const ImageFiles& files, double share) {
  if (!(share > 0 && share < 1)) {
    throw ValueError(detail::concat("[hold_out] share must be above 0 and below 1: ", share));
  }
  HeldOut out;
  out.rest.classes = out.held_out.classes = files.classes;
  std::vector<std::vector<std::pair<std::uint64_t, std::size_t>>> ranked(files.classes.size());
  for (std::size_t i = 0; i < files.paths.size(); ++i) {
    const auto label = static_cast<std::size_t>(files.labels[i]);
    const std::string& path = files.paths[i];
    const std::string name = "/" + files.classes[label] + "/";
    const std::size_t inside = path.rfind(name);
    std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a, then a mix: its high bits change too little
    for (std::size_t k = inside == path.npos ? 0 : inside; k < path.size(); ++k) {
      hash = (hash ^ static_cast<std::uint8_t>(path[k])) * 0x100000001B3;
    }
    hash = (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93;
    ranked[label].emplace_back(hash ^ (hash >> 32), i);
  }
  std::vector<bool> held(files.paths.size(), false);
  for (std::size_t c = 0; c < ranked.size(); ++c) {
    const auto n = static_cast<std::ptrdiff_t>(ranked[c].size());
    if (n == 0) continue;
    if (n == 1) {
      detail::fail_folder(detail::concat("the class ", files.classes[c],
                                         " has one picture only, so none can be held out to "
                                         "test; add more"));
    }
    std::sort(ranked[c].begin(), ranked[c].end());
    const auto wanted = static_cast<std::ptrdiff_t>(share * static_cast<double>(n) + 0.5);
    const std::ptrdiff_t take = std::clamp<std::ptrdiff_t>(wanted, 1, n - 1);
    for (std::ptrdiff_t i = 0; i < take; ++i) {
      held[ranked[c][static_cast<std::size_t>(i)].second] = true;
    }
  }
  for (std::size_t i = 0; i < files.paths.size(); ++i) {
    ImageFiles& part = held[i] ? out.held_out : out.rest;
    part.paths.push_back(files.paths[i]);
    part.labels.push_back(files.labels[i]);
  }
  return out;
}

}  // namespace eigengrad::data
