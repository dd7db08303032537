// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>

/// Colours for numbers, even to the eye: equal steps of the number look like equal steps, from dark
/// to light, for colour-blind people and in grey print too.
namespace vit::report {

using Rgb = std::array<std::uint8_t, 3>;

/// **Source** for the points: "viridis" and "inferno" of S. van der Walt, N. Smith, 2015 (CC0),
/// https://bids.github.io/colormap
inline constexpr Rgb kViridis[] = {{68, 1, 84},    {71, 45, 123},  {59, 82, 139},
                                   {44, 114, 142}, {33, 145, 140}, {40, 174, 128},
                                   {94, 201, 98},  {173, 220, 48}, {253, 231, 37}};
inline constexpr Rgb kInferno[] = {{0, 0, 4},      {27, 12, 65},   {74, 12, 107},  {120, 28, 109},
                                   {165, 44, 96},  {207, 68, 70},  {237, 105, 37}, {251, 155, 6},
                                   {247, 209, 61}, {252, 255, 164}};

/// The colour of x, 0 to 1; what lies outside has the colour of the end.
inline Rgb colour(std::span<const Rgb> map, double x) {
  const double at = std::clamp(x, 0.0, 1.0) * static_cast<double>(map.size() - 1);
  const auto i = std::min(static_cast<std::size_t>(at), map.size() - 2);
  const double t = at - static_cast<double>(i);
  Rgb out;
  for (std::size_t c = 0; c < 3; ++c) {
    out[c] = static_cast<std::uint8_t>(std::lround((1 - t) * map[i][c] + t * map[i + 1][c]));
  }
  return out;
}

/// The whole map as a bar with the numbers of its ends.
inline std::string colour_bar(std::span<const Rgb> map, const std::string& low,
                              const std::string& high) {
  std::string stops;
  for (const Rgb& c : map) {
    stops += ",rgb(" + std::to_string(c[0]) + "," + std::to_string(c[1]) + "," +
             std::to_string(c[2]) + ")";
  }
  return "<div class=\"legend\"><span>" + low + "</span><i style=\"background:linear-gradient(" +
         "90deg" + stops + ")\"></i><span>" + high + "</span></div>\n";
}

}  // namespace vit::report
