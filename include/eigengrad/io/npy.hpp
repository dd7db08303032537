// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/shape.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/npy_header.hpp>
#include <eigengrad/io/safetensors_dtype.hpp>

/// One array in a file of NumPy's, as `numpy.save` writes and `numpy.load` reads it.
///
/// **Source** https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
namespace eigengrad::io {

namespace detail {

/// A part of a file, and what messages call it.
struct FileRange {
  std::shared_ptr<const InputFile> file;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string name;
};

/// Where the numbers of an array in column-major order belong in row-major order.
class ColumnMajor {
 public:
  explicit ColumnMajor(const Shape& shape)
      : shape_(shape),
        strides_(eigengrad::detail::row_major_strides(shape)),
        index_(Shape::filled(shape.rank(), 0)) {}
  /// The place of the next number.
  Index next() {
    const Index out = at_;
    for (Index axis = 0; axis < shape_.rank(); ++axis) {
      at_ += strides_[axis];
      if (++index_[axis] < shape_[axis]) break;
      at_ -= strides_[axis] * shape_[axis];
      index_[axis] = 0;
    }
    return out;
  }

 private:
  Shape shape_, strides_, index_;
  Index at_ = 0;
};

/// Reads an array; the header is checked when one is made, against the bytes that are there.
class NpyReader {
 public:
  /// **Throws** IoError when the range holds no array, or not all of it.
  explicit NpyReader(FileRange range) : range_(std::move(range)) {
    constexpr const char* damaged = "; the file is cut off or not .npy, fetch or save it again";
    const std::uint64_t size = range_.end - range_.begin;
    unsigned char start[12] = {};
    read(0, start, std::min<std::uint64_t>(size, sizeof start));
    if (size < 10 || std::memcmp(start, kNpyMagic.data(), kNpyMagic.size()) != 0) {
      fail(concat("does not begin as an array of NumPy's does", damaged));
    }
    if (start[6] < 1 || start[6] > 3) {
      fail(concat("is of format ", int{start[6]}, ".", int{start[7]},
                  ", 1 to 3 are read; save it "
                  "with a current NumPy"));
    }
    const bool is_short = start[6] == 1;
    std::uint64_t length = start[8] + 256u * start[9];
    if (!is_short) length += 65536u * start[10] + 16777216ull * start[11];
    data_ = (is_short ? 10 : 12) + length;
    if (length > kMaxLength) fail(concat("has a header of ", length, " bytes", damaged));
    if (data_ > size) fail(concat("ends inside its header", damaged));
    std::string text(length, '\0');
    read(data_ - length, text.data(), length);
    header_ = NpyHeaderParser(text, range_.name).parse();
    check_bytes(size - data_);
  }

  const std::string& descr() const { return header_.descr; }
  /// **Throws** IoError for more than six axes.
  Shape shape() const {
    if (header_.sizes.size() > static_cast<std::size_t>(kMaxRank)) {
      fail(concat("has ", header_.sizes.size(), " axes, at most ", kMaxRank,
                  " are supported; reshape it before saving"));
    }
    return Shape(header_.sizes.begin(), header_.sizes.end());
  }

  /// **Throws** IoError when the array holds something else.
  template <Storable T>
  NdArray<T> get() const {
    NdArray<T> out(shape());
    constexpr std::string_view kinds = std::floating_point<T>   ? "f"
                                       : std::same_as<T, Index> ? "iu"
                                       : std::same_as<T, bool>  ? "b"
                                                                : "u";
    constexpr const char* wanted = std::floating_point<T>   ? "real numbers (f8, f4 or f2)"
                                   : std::same_as<T, Index> ? "integers (i1 to i8, u1 to u8)"
                                   : std::same_as<T, bool>  ? "truth values (b1)"
                                                            : "bytes (u1)";
    const std::uint64_t bytes = header_.bytes();
    const bool fits = !std::same_as<T, std::uint8_t> || bytes == 1;
    if (bytes == 0 || kinds.find(header_.kind()) == kinds.npos || !fits) {
      fail(concat("is of type '", header_.descr, "', ", wanted,
                  " were expected; convert it with astype or ask for another type"));
    }
    if constexpr (std::floating_point<T>) {
      if (bytes == 8) convert<double>(out);
      if (bytes == 4) convert<float>(out);
      if (bytes == 2) convert<Half>(out);
    } else if constexpr (std::same_as<T, Index>) {
      const bool sign = header_.kind() == 'i';
      if (bytes == 8) sign ? convert<std::int64_t>(out) : convert<std::uint64_t>(out);
      if (bytes == 4) sign ? convert<std::int32_t>(out) : convert<std::uint32_t>(out);
      if (bytes == 2) sign ? convert<std::int16_t>(out) : convert<std::uint16_t>(out);
      if (bytes == 1) sign ? convert<std::int8_t>(out) : convert<std::uint8_t>(out);
    } else {
      convert<std::uint8_t>(out);  // a truth value: any byte but 0
    }
    return out;
  }

 private:
  /// NumPy's headers have some hundred bytes; without a limit a damaged one could ask for
  /// gigabytes.
  static constexpr std::uint64_t kMaxLength = 1'000'000;

  [[noreturn]] void fail(std::string_view problem) const {
    throw IoError(concat("[npy] ", range_.name, " ", problem));
  }
  void read(std::uint64_t at, void* to, std::size_t bytes) const {
    range_.file->read(range_.begin + at, to, bytes);
  }

  void check_bytes(std::uint64_t available) const {
    std::uint64_t needed = header_.bytes();
    if (needed == 0) return;  // not supported: an error when it is asked for
    bool overflow = false;
    for (const Index size : header_.sizes) {
      overflow = __builtin_mul_overflow(needed, static_cast<std::uint64_t>(size), &needed) ||
                 overflow || needed > INT64_MAX;
    }
    if (overflow || needed != available) {
      fail(concat("has ", available, " bytes of numbers, its shape and type '", header_.descr,
                  "' need ", overflow ? "more" : std::to_string(needed),
                  "; the file is cut off or damaged, fetch or save it again"));
    }
  }

  template <class From, class T>
  static T converted(const NpyReader& self, const unsigned char* bytes) {
    From x;
    if (self.header_.big_endian()) {
      unsigned char swapped[sizeof(From)];
      std::reverse_copy(bytes, bytes + sizeof(From), swapped);
      std::memcpy(&x, swapped, sizeof(From));
    } else {
      std::memcpy(&x, bytes, sizeof(From));
    }
    if constexpr (std::same_as<From, std::uint64_t>) {
      if (x > INT64_MAX) self.fail(concat("holds ", x, ", more than an Index can"));
    }
    return static_cast<T>(x);
  }

  /// Reads numbers stored as `From`, a chunk at a time.
  template <class From, class T>
  void convert(NdArray<T>& out) const {
    if constexpr (std::same_as<From, T>) {
      if (!header_.big_endian() && !header_.fortran_order) {
        return read(data_, out.data(), static_cast<std::size_t>(out.numel()) * sizeof(T));
      }
    }
    constexpr Index chunk = 8192;
    unsigned char buffer[chunk * sizeof(From)];
    ColumnMajor order(out.shape());
    for (Index i = 0; i < out.numel(); i += chunk) {
      const Index n = std::min(chunk, out.numel() - i);
      read(data_ + static_cast<std::uint64_t>(i) * sizeof(From), buffer,
           static_cast<std::size_t>(n) * sizeof(From));
      for (Index j = 0; j < n; ++j) {
        const Index to = header_.fortran_order ? order.next() : i + j;
        out.data()[to] =
            converted<From, T>(*this, buffer + static_cast<std::size_t>(j) * sizeof(From));
      }
    }
  }

  FileRange range_;
  NpyHeader header_;
  std::uint64_t data_ = 0;  // from the start of the range
};

}  // namespace detail

/// Writes an array as `numpy.save` does, byte for byte. The file is replaced as a whole or not at
/// all.
///
/// **Throws** IoError when it cannot be written; ValueError for an undefined array.
template <Storable T>
void save_npy(const std::string& path, const NdArray<T>& array) {
  if (!array.defined()) throw ValueError("[save_npy] the array is undefined");
  AtomicFile file(path);
  file.write(detail::npy_preamble<T>(array.shape()));
  file.write(array.data(), static_cast<std::size_t>(array.numel()) * sizeof(T));
  file.commit();
}

/// Reads an array that `numpy.save` wrote: formats 1 to 3, either order of axes and of bytes. float
/// and double come from f8, f4 or f2, Index from integers of any size, bool from b1, bytes from u1.
///
/// **Throws** IoError when the file cannot be read, is damaged, or holds something else.
template <Storable T>
NdArray<T> load_npy(const std::string& path) {
  const auto file = std::make_shared<const InputFile>(path);
  return detail::NpyReader({file, 0, file->size(), path}).get<T>();
}

}  // namespace eigengrad::io
