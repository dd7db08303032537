// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/io/file.hpp>
#include <eigengrad/io/protobuf.hpp>

/// Event files that TensorBoard shows: curves, distributions, pictures and text by step.
///
///     io::TensorBoardWriter board("runs/first");
///     board.scalar("loss/train", step, loss);
///     board.flush();                                  // tensorboard --logdir runs
///
/// **Source** tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto and
/// tensorflow/core/lib/io/record_writer.h of https://github.com/tensorflow/tensorflow
namespace eigengrad::io {

namespace detail {

/// The checksum of TFRecord files: CRC-32C (Castagnoli).
inline std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t x = i;
      for (int bit = 0; bit < 8; ++bit) x = (x >> 1) ^ (x & 1 ? 0x82F63B78u : 0);
      t[i] = x;
    }
    return t;
  }();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

/// The form that files hold: the checksum of bytes that contain their own checksum would be weak.
inline std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8u;
}

/// One record: its length, the length's checksum, the bytes, their checksum.
inline std::string tf_record(std::string_view bytes) {
  std::string out;
  append_fixed(out, static_cast<std::uint64_t>(bytes.size()));
  append_fixed(out, masked_crc32c(out));
  out += bytes;
  append_fixed(out, masked_crc32c(bytes));
  return out;
}

/// A tf.HistogramProto of `numbers` in equal buckets. Numbers that are not finite are left out.
template <class T>
std::string histogram_message(std::span<const T> numbers) {
  constexpr std::size_t kBuckets = 30;
  double low = 0, high = 0, sum = 0, squares = 0, count = 0;
  for (const T number : numbers) {
    const double x = static_cast<double>(number);
    if (!std::isfinite(x)) continue;
    low = count > 0 ? std::min(low, x) : x;
    high = count > 0 ? std::max(high, x) : x;
    sum += x;
    squares += x * x;
    ++count;
  }
  const double width = (high - low) / double(kBuckets);
  std::vector<double> limits(width > 0 ? kBuckets : 1, high);
  std::vector<double> buckets(limits.size(), 0);
  for (std::size_t i = 0; i + 1 < limits.size(); ++i) limits[i] = low + width * double(i + 1);
  for (const T number : numbers) {
    const double x = static_cast<double>(number);
    if (!std::isfinite(x)) continue;
    const double at = width > 0 ? (x - low) / width : 0;
    ++buckets[std::min(static_cast<std::size_t>(at), buckets.size() - 1)];
  }
  Message out;
  out.real(1, low).real(2, high).real(3, count).real(4, sum).real(5, squares);
  return out.reals(6, limits).reals(7, buckets).bytes();
}

}  // namespace detail

struct TensorBoardOptions {
  /// For a resumed run: events of earlier files from this step on are ignored. Negative for a new
  /// run.
  Index purge_step = -1;
  /// Seconds since 1970.
  std::function<double()> clock = [] {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
};

/// Appends events to a file of its own in the folder. They reach the file with `flush()` and the
/// destructor, each record whole.
class TensorBoardWriter {
 public:
  /// **Throws** IoError when the folder cannot be written to.
  explicit TensorBoardWriter(const std::string& folder, TensorBoardOptions options = {})
      : options_(std::move(options)), path_(folder + "/" + file_name(options_.clock())) {
    make_folder(folder);
    file_ = detail::FileDescriptor(
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file_.get() < 0) detail::fail_file("write", path_, errno);
    put(-1, detail::Message().text(3, "brain.Event:2"));
    if (options_.purge_step >= 0) {
      detail::Message start;
      start.integer(1, 1);  // SessionLog.START: TensorBoard forgets the steps from this one on
      put(options_.purge_step, detail::Message().text(7, start.bytes()));
    }
  }
  ~TensorBoardWriter() {
    try {
      flush();
    } catch (const IoError&) {  // a destructor must not throw; flush() reports it
    }
  }
  TensorBoardWriter(const TensorBoardWriter&) = delete;
  TensorBoardWriter& operator=(const TensorBoardWriter&) = delete;

  const std::string& path() const { return path_; }

  /// A point of the curve `tag`; "loss/train" and "loss/validation" are shown side by side.
  void scalar(std::string_view tag, Index step, double value) {
    summary(step, detail::Message().text(1, tag).single(2, static_cast<float>(value)));
  }
  /// How the numbers are distributed, in 30 equal buckets.
  template <class T>
  void histogram(std::string_view tag, Index step, const NdArray<T>& numbers) {
    const std::span<const T> all(numbers.data(), static_cast<std::size_t>(numbers.numel()));
    summary(step, detail::Message().text(1, tag).text(5, detail::histogram_message<T>(all)));
  }
  /// A picture: the bytes of a PNG file of this size, with 1 (grey) or 3 (RGB) channels.
  void image(std::string_view tag, Index step, std::string_view png, Index height, Index width,
             Index channels = 3) {
    detail::Message picture;
    picture.integer(1, height).integer(2, width).integer(3, channels).text(4, png);
    summary(step, detail::Message().text(1, tag).text(4, picture.bytes()));
  }
  /// Text, shown as Markdown.
  void text(std::string_view tag, Index step, std::string_view content) {
    detail::Message plugin, metadata, dimension, shape, tensor;
    plugin.text(1, "text");
    metadata.text(1, plugin.bytes());
    dimension.integer(1, 1);
    shape.text(2, dimension.bytes());
    tensor.integer(1, 7).text(2, shape.bytes()).text(8, content);  // 7: DT_STRING
    summary(step, detail::Message()
                      .text(1, std::string(tag) + "/text_summary")
                      .text(8, tensor.bytes())
                      .text(9, metadata.bytes()));
  }

  /// Writes what has been gathered. **Throws** IoError when it cannot.
  void flush() {
    std::string_view left = pending_;
    while (!left.empty()) {
      const ::ssize_t n = ::write(file_.get(), left.data(), left.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        pending_.erase(0, pending_.size() - left.size());
        detail::fail_file("write", path_, errno);
      }
      left.remove_prefix(static_cast<std::size_t>(n));
    }
    pending_.clear();
  }

 private:
  /// TensorBoard reads the files of a folder in the order of their names.
  static std::string file_name(double seconds) {
    char host[256] = "localhost";
    (void)::gethostname(host, sizeof host - 1);
    char time[64];
    std::snprintf(time, sizeof time, "events.out.tfevents.%017.6f.", seconds);
    return time + std::string(host) + "." + std::to_string(::getpid());
  }

  void summary(Index step, const detail::Message& value) {
    put(step, detail::Message().text(5, detail::Message().text(1, value.bytes()).bytes()));
  }

  /// Adds an event with this content, without a step if it is negative.
  void put(Index step, const detail::Message& content) {
    detail::Message event;
    event.real(1, options_.clock());
    if (step >= 0) event.integer(2, step);
    pending_ += detail::tf_record(event.bytes() + content.bytes());
  }

  TensorBoardOptions options_;
  std::string path_;
  detail::FileDescriptor file_{-1};
  std::string pending_;
};

}  // namespace eigengrad::io
