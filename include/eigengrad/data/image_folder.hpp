// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/data/dataset.hpp>
#include <eigengrad/data/image_files.hpp>
#include <eigengrad/image/image_file.hpp>
#include <eigengrad/image/resize.hpp>

/// Pictures of any size, from files to squares of bytes.
///
///     auto files = data::list_images("flowers");  // flowers/daisy/1.jpg, flowers/rose/2.png, ...
///     auto dataset = data::load_images(files, {.image_size = 64}).dataset;
///
/// Not in the umbrella, for it needs stb, as `eigengrad/image/image_file.hpp` does.
namespace eigengrad::data {

/// The largest square in the middle of a picture (C, H, W), scaled to (C, size, size), antialiased.
/// **Throws** ShapeError unless the picture has pixels and size >= 1.
inline NdArray<std::uint8_t> centre_square(const NdArray<std::uint8_t>& image, Index size) {
  if (image.rank() != 3 || image.numel() == 0 || size < 1) {
    throw ShapeError(
        detail::concat("[centre_square] needs a picture (C, H, W) and a size of at "
                       "least 1: picture ",
                       image.shape(), ", size ", size));
  }
  const Index side = std::min(image.dim(1), image.dim(2));
  const image::Window middle{(image.dim(1) - side) / 2, (image.dim(2) - side) / 2, side, side};
  return image::resized_crop(image, middle, size, size);
}

/// Squares (N, 3, S, S), and for each file what was wrong with it: empty when it was read.
struct DecodedImages {
  NdArray<std::uint8_t> images;
  std::vector<std::string> errors;
};

// Static, as all that reaches stb is: see image_file.hpp.

/// Reads the files `begin` to `end` of a list in parallel. A file that cannot be read leaves a
/// black square and its message. **Throws** ValueError for a size below 1.
static inline DecodedImages decode_images(const std::vector<std::string>& paths, Index begin,
                                          Index end, Index image_size) {
  if (image_size < 1) {
    throw ValueError(detail::concat("[decode_images] image_size must be at least 1: ", image_size));
  }
  const Index bytes = 3 * image_size * image_size;
  DecodedImages out{NdArray<std::uint8_t>({end - begin, 3, image_size, image_size}),
                    std::vector<std::string>(static_cast<std::size_t>(end - begin))};
  std::uint8_t* const images = out.images.data();
  parallel_for(end - begin, 1, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) {
      try {
        const NdArray<std::uint8_t> square = centre_square(
            image::read_image(paths[static_cast<std::size_t>(begin + i)]), image_size);
        std::copy_n(square.data(), bytes, images + i * bytes);
      } catch (const IoError& error) {
        std::fill_n(images + i * bytes, bytes, std::uint8_t{0});
        out.errors[static_cast<std::size_t>(i)] = error.what();
      }
    }
  });
  return out;
}

struct LoadImagesOptions {
  /// Side of the squares in pixels.
  Index image_size = 64;
  /// Leave out files that cannot be read, instead of an error.
  bool skip_unreadable = false;
};

struct LoadedImages {
  ImageDataset dataset;
  /// What was wrong with the files that were left out.
  std::vector<std::string> skipped;
};

/// Reads the pictures of a list, `centre_square` of each, into memory; several files at a time, in
/// the order of the list.
///
/// **Throws** IoError for the first file that cannot be read, unless they are to be skipped, and
/// when they all are, or need more memory than the machine has; ValueError for an option out of
/// range.
static inline LoadedImages load_images(const ImageFiles& files,
                                       const LoadImagesOptions& options = {}) {
  const Index side = options.image_size;
  const double needed = 3.0 * static_cast<double>(files.size()) * static_cast<double>(side) *
                        static_cast<double>(side);
  const double memory =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (side >= 1 && needed > memory) {
    detail::fail_folder(detail::concat(files.size(), " pictures of ", side, "x", side, " need ",
                                       needed / 1e9, " GB, this machine has ", memory / 1e9,
                                       "; take a smaller size or fewer pictures"));
  }
  DecodedImages decoded = decode_images(files.paths, 0, files.size(), side);
  NdArray<Index> labels(Shape{files.size()});
  std::copy(files.labels.begin(), files.labels.end(), labels.data());
  LoadedImages out{ImageDataset(std::move(decoded.images), std::move(labels), files.classes), {}};
  std::vector<Index> good;
  for (std::size_t i = 0; i < decoded.errors.size(); ++i) {
    if (decoded.errors[i].empty()) {
      good.push_back(static_cast<Index>(i));
    } else {
      out.skipped.push_back(std::move(decoded.errors[i]));
    }
  }
  if (out.skipped.empty()) return out;
  if (!options.skip_unreadable || good.empty()) {
    throw IoError(detail::concat(
        out.skipped.front(),
        out.skipped.size() == 1
            ? std::string()
            : detail::concat(" (nor can ", out.skipped.size() - 1, " of the other files)")));
  }
  NdArray<Index> rows(Shape{static_cast<Index>(good.size())});
  std::copy(good.begin(), good.end(), rows.data());
  out.dataset = subset(out.dataset, rows);
  return out;
}

}  // namespace eigengrad::data
