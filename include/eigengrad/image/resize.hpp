// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/image/byte_lanes.hpp>
#include <eigengrad/image/resize_axis.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transpose.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Images of bytes in another size, as Pillow makes them.
///
/// Both axes are one kernel, weighted sums of rows: for the horizontal pass the image is
/// transposed.
namespace eigengrad::image {

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

/// out (n) = rows (count, n) weighted and summed, rounded to the nearest byte.
struct WeightedRows {
  template <class Arch>
  static EIGENGRAD_INLINE void run(std::uint8_t* out, const std::uint8_t* rows, Index stride,
                                   const std::int32_t* weights, Index count, Index n) {
    using L = ByteLanes<Arch>;
    const auto column = [&](Index x) EIGENGRAD_INLINE_LAMBDA {
      auto sum = simd::broadcast<typename L::Ints>(1 << (kWeightBits - 1));
      for (Index t = 0; t < count; ++t) sum += L::load(rows + t * stride + x) * weights[t];
      L::store_clamped(out + x, sum >> kWeightBits);
    };
    Index x = 0;
    for (; x + L::kLanes <= n; x += L::kLanes) column(x);
    if (x == n) return;
    if (n >= L::kLanes) return column(n - L::kLanes);  // some a second time
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

/// out (columns, rows) = in (rows, columns)^T; their rows start `out_row` and `in_row` bytes apart.
inline void transpose_bytes(std::uint8_t* out, Index out_row, const std::uint8_t* in, Index in_row,
                            Index rows, Index columns) {
  using V = typename simd::detail::VecOf<std::uint8_t, 16>::type;
  constexpr Index block = simd::kSize<V>;
  if (rows < block || columns < block) {
    for (Index x = 0; x < columns; ++x) {
      for (Index y = 0; y < rows; ++y) out[x * out_row + y] = in[y * in_row + x];
    }
    return;
  }
  for (Index i = 0; i < rows; i += block) {
    const Index y = std::min(i, rows - block);  // some a second time
    for (Index j = 0; j < columns; j += block) {
      const Index x = std::min(j, columns - block);
      kernels::detail::transpose_square<V>(out + x * out_row + y, out_row, in + y * in_row + x,
                                           in_row);
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
    eigengrad::detail::Scratch<std::uint8_t> transposed(rows * in.width);
    eigengrad::detail::Scratch<std::uint8_t> summed(rows * width);
    ResizeAxis axis(in.width, width, options);
    for (Index c = 0; c < in.channels; ++c) {
      transpose_bytes(transposed.data() + c * in.height, rows, in.data + c * in.plane, in.row,
                      in.height, in.width);
    }
    weighted_rows(summed.data(), transposed.data(), rows, axis, width, rows);
    transpose_bytes(result, width, summed.data(), rows, width, rows);
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

}  // namespace eigengrad::image

EIGENGRAD_END_VECTORS
