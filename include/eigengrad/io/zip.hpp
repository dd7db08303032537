// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/utf8.hpp>

/// Zip archives without compression, as far as .npz files need them: up to 4 GiB, one disk, no
/// passwords.
///
/// **Source** https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
namespace eigengrad::io::detail {

/// The CRC-32 of zip and PNG; `crc` is that of the bytes before.
inline std::uint32_t crc32(const void* data, std::size_t bytes, std::uint32_t crc = 0) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> out{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t x = i;
      for (int bit = 0; bit < 8; ++bit) x = (x >> 1) ^ ((x & 1) != 0 ? 0xEDB88320u : 0u);
      out[i] = x;
    }
    return out;
  }();
  const auto* at = static_cast<const unsigned char*>(data);
  crc = ~crc;
  for (std::size_t i = 0; i < bytes; ++i) crc = (crc >> 8) ^ table[(crc ^ at[i]) & 0xFF];
  return ~crc;
}

inline constexpr std::uint32_t kZipLocal = 0x04034B50;      // before each file
inline constexpr std::uint32_t kZipDirectory = 0x02014B50;  // each file's line in the directory
inline constexpr std::uint32_t kZipEnd = 0x06054B50;        // after the directory
inline constexpr std::uint32_t kZip64 = 0xFFFFFFFF;         // a number that is elsewhere

/// Little-endian numbers of two and four bytes.
inline std::uint32_t get16(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  return byte(at) | byte(at + 1) << 8;
}
inline std::uint32_t get32(std::string_view text, std::size_t at) {
  return get16(text, at) | get16(text, at + 2) << 16;
}
inline void put16(std::string& out, std::size_t x) {
  out += static_cast<char>(x & 0xFF);
  out += static_cast<char>(x >> 8 & 0xFF);
}
inline void put32(std::string& out, std::size_t x) {
  put16(out, x & 0xFFFF);
  put16(out, x >> 16);
}

/// A file in an archive.
struct ZipMember {
  std::uint32_t method = 0;  ///< 0 is stored, all else some compression
  bool encrypted = false;
  std::uint32_t crc = 0;
  std::uint64_t header = 0;  ///< from the start of the archive
  std::uint64_t bytes = 0;   ///< in the archive
};

/// The directory of an archive, and where its files are.
class ZipReader {
 public:
  /// **Throws** IoError when the directory is not what it should be, or is of zip64.
  explicit ZipReader(const std::string& path) : file_(std::make_shared<InputFile>(path)) {
    read_directory(find_end());
  }

  const std::string& path() const { return file_->path(); }
  const std::map<std::string, ZipMember>& members() const { return members_; }
  const std::shared_ptr<const InputFile>& file() const { return file_; }

  /// The first byte of a stored file. **Throws** IoError when it is not stored, or damaged.
  std::uint64_t begin(const std::string& name) const {
    const ZipMember& member = members_.at(name);
    if (member.method != 0) {
      fail(concat("'", name, "' is compressed (numpy.savez_compressed); save it with numpy.savez"));
    }
    if (member.encrypted) fail(concat("'", name, "' is encrypted; save it without a password"));
    if (member.header + kLocalBytes > directory_) fail(damaged(name));
    const std::string local = text(member.header, kLocalBytes);
    const std::uint64_t length = get16(local, 26);
    const std::uint64_t out = member.header + kLocalBytes + length + get16(local, 28);
    if (get32(local, 0) != kZipLocal || out + member.bytes > directory_ ||
        text(member.header + kLocalBytes, length) != name) {
      fail(damaged(name));
    }
    return out;
  }

  /// **Throws** IoError when the bytes are not those that were stored.
  void check(const std::string& name) const {
    const ZipMember& member = members_.at(name);
    std::uint64_t at = begin(name);
    std::uint32_t crc = 0;
    std::array<char, 65536> buffer;
    for (std::uint64_t left = member.bytes; left > 0;) {
      const std::size_t n = std::min<std::uint64_t>(left, buffer.size());
      file_->read(at, buffer.data(), n);
      crc = crc32(buffer.data(), n, crc);
      at += n;
      left -= n;
    }
    if (crc != member.crc) fail(damaged(name));
  }

 private:
  static constexpr std::size_t kLocalBytes = 30, kDirectoryBytes = 46, kEndBytes = 22;

  [[noreturn]] void fail(std::string_view problem) const {
    throw IoError(concat("[npz] ", path(), ": ", problem));
  }
  static std::string damaged(const std::string& name) {
    return concat("'", name, "' is damaged; fetch or save the file again");
  }
  std::string text(std::uint64_t at, std::uint64_t bytes) const {
    std::string out(bytes, '\0');
    file_->read(at, out.data(), bytes);
    return out;
  }

  /// Where the record after the directory begins; a comment may follow it.
  std::uint64_t find_end() const {
    const std::uint64_t size = file_->size();
    const std::string tail = text(size - std::min<std::uint64_t>(size, kEndBytes + 65535),
                                  std::min<std::uint64_t>(size, kEndBytes + 65535));
    for (std::size_t left = kEndBytes; left <= tail.size(); ++left) {
      const std::size_t at = tail.size() - left;
      if (get32(tail, at) == kZipEnd && get16(tail, at + 20) == left - kEndBytes) {
        return size - left;
      }
    }
    fail(
        "does not end as a zip archive does; the file is cut off or not .npz, fetch or save it "
        "again");
  }

  void read_directory(std::uint64_t end) {
    const std::string record = text(end, kEndBytes);
    const std::size_t count = get16(record, 10);
    const std::uint64_t bytes = get32(record, 12);
    directory_ = get32(record, 16);
    if (count == 0xFFFF || bytes == kZip64 || directory_ == kZip64) fail_zip64();
    const std::string bad = "the directory is damaged; fetch or save the file again";
    if (directory_ + bytes != end || get16(record, 4) != 0 || get16(record, 8) != count) fail(bad);
    const std::string all = text(directory_, bytes);
    std::size_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (all.size() - at < kDirectoryBytes || get32(all, at) != kZipDirectory) fail(bad);
      const std::size_t name = get16(all, at + 28);
      const std::size_t length = kDirectoryBytes + name + get16(all, at + 30) + get16(all, at + 32);
      if (all.size() - at < length) fail(bad);
      ZipMember member;
      member.encrypted = (get16(all, at + 8) & 1) != 0;
      member.method = get16(all, at + 10);
      member.crc = get32(all, at + 16);
      member.bytes = get32(all, at + 20);
      member.header = get32(all, at + 42);
      if (member.bytes == kZip64 || member.header == kZip64) fail_zip64();
      if (member.method == 0 && get32(all, at + 24) != member.bytes) fail(bad);
      if (!members_.emplace(all.substr(at + kDirectoryBytes, name), member).second) fail(bad);
      at += length;
    }
    if (at != all.size()) fail(bad);
  }

  [[noreturn]] void fail_zip64() const {
    fail("is larger than 4 GiB (zip64), which is not read; save each array with numpy.save");
  }

  std::shared_ptr<const InputFile> file_;
  std::map<std::string, ZipMember> members_;
  std::uint64_t directory_ = 0;
};

/// Writes an archive of stored files, one after the other. The same content gives the same bytes.
class ZipWriter {
 public:
  /// **Throws** IoError when the folder cannot be written to.
  explicit ZipWriter(const std::string& path) : file_(path), path_(path) {}

  /// Adds a file of two parts. **Throws** IoError beyond 4 GiB or 65534 files.
  void add(const std::string& name, std::string_view head, std::string_view data) {
    const std::uint64_t bytes = head.size() + data.size();
    if (at_ + bytes + directory_.size() + 1000 + 4 * name.size() > kZip64 || count_ >= 0xFFFE) {
      throw IoError(concat("[save_npz] ", path_,
                           " would be larger than 4 GiB; save each array "
                           "with save_npy, or all with save_safetensors"));
    }
    std::string common;
    put16(common, 20);                          // version 2.0 can read it
    put16(common, is_ascii(name) ? 0 : 0x800);  // or the name is UTF-8
    put16(common, 0);                           // stored
    put16(common, 0);                           // midnight
    put16(common, 1 << 5 | 1);                  // January the 1st, 1980
    put32(common, crc32(data.data(), data.size(), crc32(head.data(), head.size())));
    put32(common, bytes);  // stored
    put32(common, bytes);  // as they are
    put16(common, name.size());
    put16(common, 0);  // no more fields

    std::string local;
    put32(local, kZipLocal);
    local += common + name;
    put32(directory_, kZipDirectory);
    put16(directory_, 20);
    directory_ += common;
    directory_.append(10, '\0');  // no comment, the first disk, no attributes
    put32(directory_, at_);
    directory_ += name;
    file_.write(local);
    file_.write(head);
    file_.write(data);
    at_ += local.size() + bytes;
    ++count_;
  }

  /// Writes the directory; now the file replaces the old one.
  void commit() {
    std::string end;
    put32(end, kZipEnd);
    put32(end, 0);  // the first disk
    put16(end, count_);
    put16(end, count_);
    put32(end, directory_.size());
    put32(end, at_);
    put16(end, 0);  // no comment
    file_.write(directory_);
    file_.write(end);
    file_.commit();
  }

 private:
  static bool is_ascii(std::string_view name) {
    return std::all_of(name.begin(), name.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }

  AtomicFile file_;
  std::string path_;
  std::string directory_;
  std::uint64_t at_ = 0;
  std::size_t count_ = 0;
};

}  // namespace eigengrad::io::detail
