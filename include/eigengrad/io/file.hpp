// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <eigengrad/core/error.hpp>

/// Files, read from any offset, and replaced as a whole or not at all.
namespace eigengrad::io {

namespace detail {

using eigengrad::detail::concat;

[[noreturn]] inline void fail_file(const char* what, const std::string& path, int error) {
  throw IoError(concat("[file] cannot ", what, " ", path, ": ", std::strerror(error)));
}

/// An open file, closed when its owner is destroyed.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  bool close() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

/// Makes a rename in this file's folder last through a power cut, where the system can.
inline void sync_folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() >= 0) (void)::fsync(fd.get());  // some file systems cannot: nothing is lost yet
}

}  // namespace detail

/// A file open for reading. Its content stays the same when another file takes the path.
class InputFile {
 public:
  /// **Throws** IoError when `path` is not a readable file.
  explicit InputFile(std::string path)
      : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_.get() < 0) detail::fail_file("open", path_, errno);
    struct stat info;
    if (::fstat(fd_.get(), &info) != 0) detail::fail_file("open", path_, errno);
    if (S_ISDIR(info.st_mode)) detail::fail_file("read", path_, EISDIR);
    size_ = static_cast<std::uint64_t>(info.st_size);
  }

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }

  /// Reads exactly `bytes` bytes from `offset`; safe from several threads.
  /// **Throws** IoError when the file ends before them.
  void read(std::uint64_t offset, void* to, std::size_t bytes) const {
    char* at = static_cast<char*>(to);
    while (bytes > 0) {
      const ::ssize_t n = ::pread(fd_.get(), at, bytes, static_cast<::off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) detail::fail_file("read", path_, errno);
      if (n == 0) {
        throw IoError(detail::concat("[file] ", path_, " ends at byte ", offset, ", ", bytes,
                                     " more were expected"));
      }
      at += n;
      offset += static_cast<std::uint64_t>(n);
      bytes -= static_cast<std::size_t>(n);
    }
  }

 private:
  std::string path_;
  detail::FileDescriptor fd_;
  std::uint64_t size_ = 0;
};

/// Writes `PATH.tmp`, which `commit` renames to PATH. Without a commit the old file stays as it
/// was, and the temporary one is removed.
class AtomicFile {
 public:
  /// **Throws** IoError when the folder cannot be written to.
  explicit AtomicFile(std::string path)
      : path_(std::move(path)),
        temporary_(path_ + ".tmp"),
        fd_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (fd_.get() < 0) detail::fail_file("write", temporary_, errno);
  }
  ~AtomicFile() {
    if (!committed_) (void)::unlink(temporary_.c_str());
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* from, std::size_t bytes) {
    const char* at = static_cast<const char*>(from);
    while (bytes > 0) {
      const ::ssize_t n = ::write(fd_.get(), at, bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) detail::fail_file("write", temporary_, errno);
      at += n;
      bytes -= static_cast<std::size_t>(n);
    }
  }
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// The content reaches the disk before the name does: a crash leaves the old file or the new
  /// one, never half of one.
  void commit() {
    if (::fsync(fd_.get()) != 0 && errno != EINVAL) detail::fail_file("write", temporary_, errno);
    if (!fd_.close()) detail::fail_file("write", temporary_, errno);
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
      detail::fail_file("replace", path_, errno);
    }
    committed_ = true;
    detail::sync_folder_of(path_);
  }

 private:
  std::string path_;
  std::string temporary_;
  detail::FileDescriptor fd_;
  bool committed_ = false;
};

inline bool is_folder(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}
inline bool is_file(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

/// Makes a folder and its missing parents. **Throws** IoError when it cannot.
inline void make_folder(const std::string& path) {
  if (path.empty() || is_folder(path)) return;
  const std::size_t slash = path.find_last_not_of('/') == std::string::npos
                                ? std::string::npos
                                : path.rfind('/', path.find_last_not_of('/'));
  if (slash != std::string::npos && slash > 0) make_folder(path.substr(0, slash));
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) {
    detail::fail_file("make the folder", path, errno);
  }
  if (!is_folder(path)) detail::fail_file("make the folder", path, ENOTDIR);
}

/// The whole content of a file. **Throws** IoError when it cannot be read.
inline std::string read_file(const std::string& path) {
  const InputFile file(path);
  std::string out(file.size(), '\0');
  file.read(0, out.data(), out.size());
  return out;
}

/// Replaces or makes a file, as a whole or not at all. **Throws** IoError when it cannot be
/// written.
inline void write_file(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace eigengrad::io
