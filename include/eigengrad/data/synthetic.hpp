// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/random.hpp>
#include <eigengrad/data/dataset.hpp>

/// A drawn stand-in for CIFAR-10, for when no data is at hand: ten classes of shapes and
/// textures at random places, sizes, angles and colours, over shaded ground, with two spots that
/// mean nothing, and noise.
///
/// Colour and position say nothing of the class, so a linear model stays near chance; mirroring
/// left to right changes no class.
namespace eigengrad::data {

struct SyntheticOptions {
  Index images = 10000;
  std::uint64_t seed = 0;
  /// Standard deviation of the noise, where pixels are in [0, 1].
  double noise = 0.08;
};

namespace detail {

inline constexpr Index kSyntheticSize = 32;

/// How much of the figure of `label` covers the point (u, v) of its own frame, in which figures
/// are about [-1, 1] wide: 0 outside, 1 inside, between them over `edge`.
inline float figure(Index label, float u, float v, float frequency, float edge) {
  const auto inside = [edge](float distance) {  // of a signed distance, positive inside
    return std::clamp(0.5f + distance / edge, 0.0f, 1.0f);
  };
  const float radius = std::sqrt(u * u + v * v);
  const float window = inside(1.1f - radius);
  const auto wave = [&](float x) { return inside(std::sin(frequency * x) / frequency); };
  switch (label) {
    case 0:  // disc
      return inside(0.9f - radius);
    case 1:  // square
      return inside(0.8f - std::max(std::abs(u), std::abs(v)));
    case 2:  // triangle
      return inside(std::min(0.75f - v, (0.9f + v) * 0.447f - std::abs(u) * 0.894f));
    case 3:  // plus
      return inside(std::max(std::min(0.3f - std::abs(u), 0.95f - std::abs(v)),
                             std::min(0.95f - std::abs(u), 0.3f - std::abs(v))));
    case 4:  // ring
      return inside(0.25f - std::abs(radius - 0.75f));
    case 5:  // rows
      return window * wave(v);
    case 6:  // columns
      return window * wave(u);
    case 7:  // diagonal
      return window * wave(0.7071f * (u + v));
    case 8: {  // checkers
      const float a = wave(u);
      const float b = wave(v);
      return window * (a + b - 2 * a * b);
    }
    default: {  // dots
      const float a = std::sin(frequency * u);
      const float b = std::sin(frequency * v);
      return window * inside((a * a * b * b - 0.35f) / frequency);
    }
  }
}

/// The grey of one pixel's ground plus what lies on it; all that an image has but its noise.
struct Scene {
  using Colour = std::array<float, 3>;
  struct Spot {
    float x, y, radius;
    Colour colour;
  };

  Scene(Index label_, Generator& rng) : label(label_) {
    const auto uniform = [&](double low, double high) {
      return static_cast<float>(rng.uniform(low, high));
    };
    const auto colour = [&] { return Colour{uniform(0, 1), uniform(0, 1), uniform(0, 1)}; };
    constexpr double size = kSyntheticSize;
    x = uniform(0.3 * size, 0.7 * size);
    y = uniform(0.3 * size, 0.7 * size);
    scale = uniform(0.2 * size, 0.36 * size);
    const float angle = uniform(-0.3, 0.3);
    cosine = std::cos(angle);
    sine = std::sin(angle);
    mirror = rng.next() & 1;
    frequency = uniform(6.5, 9);
    ground = colour();
    float contrast = 0;
    while (contrast < 0.3f) {  // else the figure could vanish in the ground
      front = colour();
      contrast = 0;
      for (std::size_t c = 0; c < 3; ++c) contrast += std::abs(front[c] - ground[c]) / 3;
    }
    slope_x = uniform(-0.3, 0.3) / kSyntheticSize;
    slope_y = uniform(-0.3, 0.3) / kSyntheticSize;
    for (Spot& spot : spots) {
      spot = {uniform(0, size), uniform(0, size), uniform(1.5, 3.5), colour()};
    }
  }

  Colour at(Index column, Index row) const {
    const float px = static_cast<float>(column) + 0.5f;
    const float py = static_cast<float>(row) + 0.5f;
    const float shade = slope_x * (px - kSyntheticSize / 2) + slope_y * (py - kSyntheticSize / 2);
    const float dx = (mirror ? x - px : px - x) / scale;
    const float dy = (py - y) / scale;
    const float cover =
        figure(label, cosine * dx + sine * dy, cosine * dy - sine * dx, frequency, 1.5f / scale);
    Colour out;
    for (std::size_t c = 0; c < 3; ++c) {
      out[c] = ground[c] + shade;
      for (const Spot& spot : spots) {
        const float ex = px - spot.x;
        const float ey = py - spot.y;
        const float near =
            std::clamp(spot.radius + 0.5f - std::sqrt(ex * ex + ey * ey), 0.0f, 1.0f);
        out[c] += near * (spot.colour[c] - out[c]);
      }
      out[c] += cover * (front[c] - out[c]);
    }
    return out;
  }

  Index label;
  float x, y, scale, cosine, sine, frequency, slope_x, slope_y;
  bool mirror;
  Colour ground, front;
  std::array<Spot, 2> spots;
};

inline void draw_synthetic(std::uint8_t* image, Index label, double noise, Generator rng) {
  constexpr Index size = kSyntheticSize;
  const Scene scene(label, rng);
  // Uniform noise of this deviation; eight bytes of it from each draw.
  const float step = static_cast<float>(noise * std::sqrt(12.0) / 255);
  std::uint64_t bits = 0;
  Index left = 0;
  for (Index row = 0; row < size; ++row) {
    for (Index column = 0; column < size; ++column) {
      const Scene::Colour colour = scene.at(column, row);
      for (Index c = 0; c < 3; ++c) {
        if (left-- == 0) {
          bits = rng.next();
          left = 7;
        }
        const float grain = (static_cast<float>(bits & 255) - 127.5f) * step;
        bits >>= 8;
        const float value = (colour[static_cast<std::size_t>(c)] + grain) * 255 + 0.5f;
        image[(c * size + row) * size + column] =
            static_cast<std::uint8_t>(std::clamp(value, 0.0f, 255.0f));
      }
    }
  }
}

}  // namespace detail

/// Draws `images` pictures (3, 32, 32), equally many of each class. Image i depends on (seed, i)
/// alone: take another seed for the test set.
///
/// **Throws** ValueError for a negative number of images or negative noise.
inline ImageDataset synthetic_images(const SyntheticOptions& options = {}) {
  if (options.images < 0) {
    throw ValueError(eigengrad::detail::concat("[synthetic_images] images must not be negative: ",
                                               options.images));
  }
  if (!(options.noise >= 0) || options.noise > 1) {
    throw ValueError(
        eigengrad::detail::concat("[synthetic_images] noise must be in [0, 1]: ", options.noise));
  }
  std::vector<std::string> classes = {"disc", "square",  "triangle", "plus",     "ring",
                                      "rows", "columns", "diagonal", "checkers", "dots"};
  const auto count = static_cast<Index>(classes.size());
  constexpr Index size = detail::kSyntheticSize;
  NdArray<std::uint8_t> images({options.images, 3, size, size});
  NdArray<Index> labels(Shape{options.images});
  const Generator root(options.seed);
  parallel_for(options.images, 16, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      labels.data()[i] = i % count;
      detail::draw_synthetic(images.data() + i * 3 * size * size, i % count, options.noise,
                             root.fork(static_cast<std::uint64_t>(i)));
    }
  });
  return ImageDataset(std::move(images), std::move(labels), std::move(classes));
}

}  // namespace eigengrad::data
