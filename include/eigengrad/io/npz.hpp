// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/block_cache.hpp>
#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/io/npy.hpp>
#include <eigengrad/io/npy_header.hpp>
#include <eigengrad/io/safetensors_dtype.hpp>
#include <eigengrad/io/utf8.hpp>
#include <eigengrad/io/zip.hpp>

/// Named arrays in a file of NumPy's, as `numpy.savez` writes and `numpy.load` reads it: a zip
/// archive, without compression, of one .npy file for each array.
///
/// **Source** https://numpy.org/doc/stable/reference/generated/numpy.savez.html
namespace eigengrad::io {

/// A .npz file open for reading. Its directory is checked when it is opened; an array is read, and
/// checked against its CRC, when it is asked for. Files in it that are no .npy are left alone.
///
/// Opening **throws** IoError, naming the file and what to do, when it is damaged or larger than
/// 4 GiB; asking for an array does so too when it is compressed.
class NpzFile {
 public:
  explicit NpzFile(const std::string& path) : zip_(path) {}

  const std::string& path() const { return zip_.path(); }
  bool contains(const std::string& name) const { return zip_.members().contains(name + kEnding); }
  /// All names, sorted, without ".npy".
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& member : zip_.members()) {
      const std::string& name = member.first;
      if (name.ends_with(kEnding)) out.push_back(name.substr(0, name.size() - 4));
    }
    return out;
  }
  /// The type in NumPy's words: "<f4", "|b1", ... **Throws** IoError when there is no such array.
  std::string dtype(const std::string& name) const { return reader(name).descr(); }
  /// **Throws** IoError when there is no such array or it has more than six axes.
  Shape shape(const std::string& name) const { return reader(name).shape(); }

  /// One array, converted as `load_npy` does. **Throws** IoError when there is no such array, it
  /// is damaged, or it holds something else.
  template <Storable T>
  NdArray<T> get(const std::string& name) const {
    const detail::NpyReader array = reader(name);
    zip_.check(name + kEnding);
    return array.get<T>();
  }

  /// All arrays whose names begin with `prefix`, without it.
  template <Storable T>
  std::map<std::string, NdArray<T>> get_all(const std::string& prefix) const {
    std::map<std::string, NdArray<T>> out;
    for (const std::string& name : names()) {
      if (name.starts_with(prefix)) out.emplace(name.substr(prefix.size()), get<T>(name));
    }
    return out;
  }

 private:
  static constexpr const char* kEnding = ".npy";

  detail::NpyReader reader(const std::string& name) const {
    if (!contains(name)) {
      throw IoError(detail::concat("[npz] ", path(), ": no array is called '", name,
                                   "'; names() lists all ", names().size()));
    }
    const std::string member = name + kEnding;
    const std::uint64_t begin = zip_.begin(member);
    return detail::NpyReader({zip_.file(), begin, begin + zip_.members().at(member).bytes,
                              detail::concat(path(), ", array '", name, "',")});
  }

  detail::ZipReader zip_;
};

/// Collects arrays of any types, then writes them as one .npz file. Holds the arrays, not copies.
class NpzWriter {
 public:
  /// **Throws** ValueError when the array is undefined or the name is taken or not allowed.
  template <Storable T>
  NpzWriter& add(const std::string& name, const NdArray<T>& array) {
    const char* problem = !array.defined()         ? "is undefined"
                          : name.empty()           ? "needs a name"
                          : name.size() > 10'000   ? "has too long a name"
                          : !detail::is_utf8(name) ? "has a name that is not UTF-8"
                          : arrays_.contains(name) ? "is there already"
                                                   : nullptr;
    if (problem != nullptr) {
      throw ValueError(detail::concat("[save_npz] array '", name, "' ", problem));
    }
    arrays_.emplace(name, Array{detail::npy_preamble<T>(array.shape()), array.buffer(),
                                static_cast<std::size_t>(array.numel()) * sizeof(T)});
    return *this;
  }
  /// Adds each array under `prefix` and its name, so that several dicts fit in one file.
  template <Storable T>
  NpzWriter& add_all(const std::string& prefix, const std::map<std::string, NdArray<T>>& arrays) {
    for (const auto& [name, array] : arrays) add(prefix + name, array);
    return *this;
  }

  /// Replaces or makes the file, as a whole or not at all. The same content gives the same bytes.
  /// **Throws** IoError when it cannot be written or would be larger than 4 GiB.
  void write(const std::string& path) const {
    detail::ZipWriter zip(path);
    for (const auto& [name, array] : arrays_) {
      zip.add(name + ".npy", array.preamble,
              {static_cast<const char*>(array.buffer.data()), array.bytes});
    }
    zip.commit();
  }

 private:
  struct Array {
    std::string preamble;
    eigengrad::detail::Buffer buffer;
    std::size_t bytes;
  };

  std::map<std::string, Array> arrays_;
};

/// Writes arrays of one type as `numpy.savez(path, **arrays)` does; `NpzWriter` takes several. The
/// file is replaced as a whole or not at all.
///
/// **Throws** IoError when it cannot be written or would be larger than 4 GiB; ValueError for an
/// undefined array or a name that is not allowed.
template <Storable T>
void save_npz(const std::string& path, const std::map<std::string, NdArray<T>>& arrays) {
  NpzWriter().add_all("", arrays).write(path);
}

}  // namespace eigengrad::io
