// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/kernels/simd.hpp>

/// Images of bytes in another size, as Pillow makes them.
///
/// Both axes are one kernel, weighted sums of rows: for the horizontal pass the image is turned.
namespace eigengrad::data {

/// How pixels between the stored ones are found.
enum class Interpolation {
  kNearest,   ///< the pixel that the new one's centre lies in
  kBilinear,  ///< linear in both directions
  kBicubic,   ///< cubic in both directions
};

struct ResizeOptions {
  Interpolation interpolation = Interpolation::kBilinear;
  /// When an image shrinks, average over all the pixels that fall together, as Pillow does;
  /// otherwise look at the nearest 2 x 2 (4 x 4) only, as `torch.nn.functional.interpolate` does.
  bool antialias = true;
};

/// A part of an image, in pixels.
struct Window {
  Index top = 0;
  Index left = 0;
  Index height = 0;
  Index width = 0;
};

/// Planes of bytes (C, H, W) that somebody else owns: a whole image or a window of one.
struct ImageView {
  ImageView(const std::uint8_t* bytes, Index c, Index h, Index w)
      : data(bytes), channels(c), height(h), width(w), row(w), plane(h * w) {}

  ImageView at(const Window& window) const {
    ImageView out = *this;
    out.data += window.top * row + window.left;
    out.height = window.height;
    out.width = window.width;
    return out;
  }

  const std::uint8_t* data;
  Index channels, height, width;
  Index row, plane;  ///< from a row (a channel) to the next
};

namespace detail {

inline constexpr int kWeightBits = 22;  // a byte times the largest weight fits into 32 bits

/// a = -0.5 is Catmull and Rom's spline, which Pillow takes; PyTorch's is a = -0.75.
inline double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/// For each place of an axis, the first of its places in the source, how many follow, and their
/// weights in units of 2^-kWeightBits.
class ResizeAxis {
 public:
  ResizeAxis(Index from, Index to, const ResizeOptions& options)
      : taps_(most_taps(from, to, options)), starts_(2 * to), weights_(to * taps_) {
    if (options.interpolation == Interpolation::kNearest) {
      for (Index i = 0; i < to; ++i) set(i, (2 * i + 1) * from / (2 * to), 1) = 1 << kWeightBits;
    } else if (options.antialias) {
      average(from, to, options.interpolation);
    } else {
      sample(from, to, options.interpolation);
    }
  }

  Index start(Index i) { return starts_[2 * i]; }
  Index count(Index i) { return starts_[2 * i + 1]; }
  const std::int32_t* weights(Index i) { return weights_.data() + i * taps_; }

  /// Bytes of scratch that an axis takes.
  static Index bytes(Index from, Index to, const ResizeOptions& options) {
    return to * (2 * Index{sizeof(Index)} + 4 * most_taps(from, to, options)) + 256;
  }

 private:
  static double radius(Interpolation interpolation) {
    return interpolation == Interpolation::kBicubic ? 2 : 1;
  }
  static Index most_taps(Index from, Index to, const ResizeOptions& options) {
    if (options.interpolation == Interpolation::kNearest) return 1;
    const double scale = std::max(1.0, static_cast<double>(from) / static_cast<double>(to));
    const double reach = radius(options.interpolation) * (options.antialias ? scale : 1.0);
    return 2 * static_cast<Index>(std::ceil(reach)) + 1;
  }

  std::int32_t& set(Index i, Index start, Index count) {
    starts_[2 * i] = start;
    starts_[2 * i + 1] = count;
    return weights_[i * taps_];
  }

  /// The filter is as wide as a new pixel, and its weights sum to 1 at the edges too.
  void average(Index from, Index to, Interpolation interpolation) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double stretch = std::max(scale, 1.0);
    const double reach = radius(interpolation) * stretch;
    eigengrad::detail::Scratch<double> w(taps_);
    for (Index i = 0; i < to; ++i) {
      const double centre = (static_cast<double>(i) + 0.5) * scale;
      const Index first = std::max<Index>(static_cast<Index>(centre - reach + 0.5), 0);
      const Index end = std::min<Index>(static_cast<Index>(centre + reach + 0.5), from);
      double total = 0;
      for (Index t = 0; t < end - first; ++t) {
        const double x = (static_cast<double>(first + t) - centre + 0.5) * (1 / stretch);
        w[t] = interpolation == Interpolation::kBicubic ? cubic(x, -0.5)
                                                        : std::max(0.0, 1 - std::abs(x));
        total += w[t];
      }
      std::int32_t* out = &set(i, first, end - first);
      for (Index t = 0; t < end - first; ++t) out[t] = fixed(w[t] / total);
    }
  }

  /// Beyond the edge stands the edge's pixel: its weight is added to that one's.
  void sample(Index from, Index to, Interpolation interpolation) {
    const bool is_cubic = interpolation == Interpolation::kBicubic;
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    for (Index i = 0; i < to; ++i) {
      const double at = (static_cast<double>(i) + 0.5) * scale - 0.5;
      const auto floor = static_cast<Index>(std::floor(at));
      const Index reach = is_cubic ? 2 : 1;
      const auto inside = [from](Index j) { return std::clamp<Index>(j, 0, from - 1); };
      const Index first = inside(floor - reach + 1);
      std::int32_t* out = &set(i, first, inside(floor + reach) - first + 1);
      std::fill_n(out, taps_, 0);
      for (Index j = floor - reach + 1; j <= floor + reach; ++j) {
        const double x = static_cast<double>(j) - at;
        out[inside(j) - first] += fixed(is_cubic ? cubic(x, -0.75) : 1 - std::abs(x));
      }
    }
  }

  static std::int32_t fixed(double w) {
    return static_cast<std::int32_t>(w * (1 << kWeightBits) + (w < 0 ? -0.5 : 0.5));
  }

  Index taps_;
  eigengrad::detail::Scratch<Index> starts_;
  eigengrad::detail::Scratch<std::int32_t> weights_;
};

/// out (n) = rows (count, n) weighted and summed, rounded to the nearest byte.
struct WeightedRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(std::uint8_t* out, const std::uint8_t* rows, Index stride,
                                   const std::int32_t* weights, Index count, Index n) {
    using V = simd::Vec<std::int32_t, Arch>;
    using Bytes = typename simd::detail::VecOf<std::uint8_t, Arch::kBytes / 4>::type;
    constexpr Index lanes = simd::kSize<V>;
    const auto column = [&](Index x) EIGENGRAD_INLINE_LAMBDA {
      V sum = simd::broadcast<V>(1 << (kWeightBits - 1));
      for (Index t = 0; t < count; ++t) {
        const auto bytes = simd::load<Bytes>(rows + t * stride + x);
        sum += __builtin_convertvector(bytes, V) * weights[t];
      }
      sum >>= kWeightBits;
      sum = simd::min(simd::max(sum, V{}), simd::broadcast<V>(255));
      simd::store<Bytes>(out + x, __builtin_convertvector(sum, Bytes));
    };
    Index x = 0;
    for (; x + lanes <= n; x += lanes) column(x);
    if (x == n) return;
    if (n >= lanes) return column(n - lanes);  // some a second time
    for (; x < n; ++x) {
      std::int32_t sum = 1 << (kWeightBits - 1);
      for (Index t = 0; t < count; ++t) sum += rows[t * stride + x] * weights[t];
      out[x] = static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
    }
  }
};

/// Row i of out (axis, n) is the sum of the rows of `in` that the axis says.
inline void weighted_rows(std::uint8_t* out, const std::uint8_t* in, Index stride, ResizeAxis& axis,
                          Index rows, Index n) {
  for (Index i = 0; i < rows; ++i) {
    simd::dispatch<WeightedRows>(out + i * n, in + axis.start(i) * stride, stride, axis.weights(i),
                                 axis.count(i), n);
  }
}

/// out (columns, rows) with `out_row` from row to row = in (rows, columns) with `in_row`, turned.
inline void turn_bytes(std::uint8_t* out, Index out_row, const std::uint8_t* in, Index in_row,
                       Index rows, Index columns) {
  constexpr Index block = 16;  // a cache line of either side stays until it is used up
  for (Index y = 0; y < rows; y += block) {
    const Index y_end = std::min(y + block, rows);
    for (Index x = 0; x < columns; ++x) {
      for (Index i = y; i < y_end; ++i) out[x * out_row + i] = in[i * in_row + x];
    }
  }
}

/// Scratch bytes that `resize_image` takes, at most, for any window of (c, h, w).
inline Index resize_scratch(Index c, Index h, Index w, Index height, Index width,
                            const ResizeOptions& options) {
  return ResizeAxis::bytes(w, width, options) + ResizeAxis::bytes(h, height, options) +
         c * h * (w + 2 * width) + 8 * (h + w) + 1024;
}

/// out (C, height, width) from a view of any size.
inline void resize_image(std::uint8_t* out, Index height, Index width, ImageView in,
                         const ResizeOptions& options) {
  const Index rows = in.channels * in.height;
  const bool across = width != in.width;
  const bool down = height != in.height;
  eigengrad::detail::Scratch<std::uint8_t> wide(across && down ? rows * width : 0);
  if (across) {
    std::uint8_t* const result = down ? wide.data() : out;
    eigengrad::detail::Scratch<std::uint8_t> turned(rows * in.width);
    eigengrad::detail::Scratch<std::uint8_t> summed(rows * width);
    ResizeAxis axis(in.width, width, options);
    for (Index c = 0; c < in.channels; ++c) {
      turn_bytes(turned.data() + c * in.height, rows, in.data + c * in.plane, in.row, in.height,
                 in.width);
    }
    weighted_rows(summed.data(), turned.data(), rows, axis, width, rows);
    turn_bytes(result, width, summed.data(), rows, width, rows);
    in = ImageView(result, in.channels, in.height, width);
  }
  if (down) {
    ResizeAxis axis(in.height, height, options);
    for (Index c = 0; c < in.channels; ++c) {
      weighted_rows(out + c * height * width, in.data + c * in.plane, in.row, axis, height, width);
    }
  } else if (!across) {
    for (Index r = 0; r < rows; ++r) {
      std::copy_n(in.data + r / height * in.plane + r % height * in.row, width, out + r * width);
    }
  }
}

}  // namespace detail

/// A window of each image in another size.
///
/// **Shapes** images (..., H, W), result (..., height, width).
/// **Throws** ShapeError for images without pixels or a size below 1, ValueError for a window that
/// is empty or not inside.
inline NdArray<std::uint8_t> resized_crop(const NdArray<std::uint8_t>& images, const Window& window,
                                          Index height, Index width,
                                          const ResizeOptions& options = {}) {
  using eigengrad::detail::concat;
  const Shape& shape = images.shape();
  if (images.rank() < 2 || height < 1 || width < 1) {
    throw ShapeError(concat("[resize] needs images (..., H, W) and a size of at least 1 x 1: ",
                            "images ", shape, ", size ", height, " x ", width));
  }
  const Index h = images.dim(-2);
  const Index w = images.dim(-1);
  if (window.top < 0 || window.left < 0 || window.height < 1 || window.width < 1 ||
      window.top + window.height > h || window.left + window.width > w) {
    throw ValueError(concat("[resize] the window must be inside the image: ", window.height, " x ",
                            window.width, " at (", window.top, ", ", window.left, ") of ", h, " x ",
                            w));
  }
  Shape out_shape = shape;
  out_shape[shape.rank() - 2] = height;
  out_shape[shape.rank() - 1] = width;
  NdArray<std::uint8_t> out(out_shape);
  // A few planes at a time, so that what is in between stays in cache.
  const Index planes = images.numel() / (h * w);
  const Index together = std::max<Index>(1, row_grain(h * w) / 4);
  parallel_for(planes, together, [&](Index begin, Index end) {
    for (Index i = begin; i < end; i += together) {
      const ImageView view(images.data() + i * h * w, std::min(together, end - i), h, w);
      detail::resize_image(out.data() + i * height * width, height, width, view.at(window),
                           options);
    }
  });
  return out;
}

/// Images in another size.
///
/// First across, then down, and in between are bytes. With antialiasing, and for kNearest, each
/// step is byte for byte Pillow's `Image.resize`; without, the result is within a level of
/// PyTorch's `interpolate` of bytes.
///
/// **Shapes** images (..., H, W), result (..., height, width).
/// **Throws** ShapeError for images without pixels or a size below 1.
/// **Source** https://github.com/python-pillow/Pillow/blob/main/src/libImaging/Resample.c
inline NdArray<std::uint8_t> resize(const NdArray<std::uint8_t>& images, Index height, Index width,
                                    const ResizeOptions& options = {}) {
  if (images.rank() < 2 || images.dim(-2) < 1 || images.dim(-1) < 1) {
    throw ShapeError(eigengrad::detail::concat(
        "[resize] needs images (..., H, W) with pixels: images ", images.shape()));
  }
  return resized_crop(images, {0, 0, images.dim(-2), images.dim(-1)}, height, width, options);
}

}  // namespace eigengrad::data
