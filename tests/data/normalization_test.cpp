// SPDX-License-Identifier: MIT
#include <eigengrad/data/normalization.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

namespace data = eg::data;
using test::Index;
using test::NdArray;

TEST_CASE("normalization: channel statistics") {
  const data::ImageDataset set(
      NdArray<std::uint8_t>({2, 3, 1, 2}, {0, 255, 51, 51, 7, 7, 255, 0, 153, 153, 7, 7}),
      NdArray<Index>({2}, {0, 0}), {"a"});
  const data::Normalization n = data::channel_statistics(set);
  CHECK_CLOSE(NdArray<float>({3}, n.mean), NdArray<float>({3}, {0.5f, 0.4f, 7 / 255.f}), 1e-7);
  CHECK_CLOSE(NdArray<float>({3}, n.stddev), NdArray<float>({3}, {0.5f, 0.2f, 1}), 1e-7);

  SECTION("the same bits for any number of threads") {
    NdArray<std::uint8_t> images({501, 3, 9, 7});
    eg::Generator rng(3);
    for (auto& pixel : images) pixel = static_cast<std::uint8_t>(rng.next());
    const data::ImageDataset large(images, NdArray<Index>::zeros({501}), {"a"});
    const auto statistics = [&] { return data::channel_statistics(large); };
    test::check_threads([&] {
      return std::vector{NdArray<float>({3}, statistics().mean),
                         NdArray<float>({3}, statistics().stddev)};
    });
    const data::Normalization one = statistics();
    CHECK(std::abs(one.mean[0] - 0.5) < 0.01);
    CHECK(std::abs(one.stddev[0] - 0.2898) < 0.01);
  }
  CHECK_ERROR(data::channel_statistics(data::ImageDataset()), eg::ValueError,
              "[channel_statistics] the data set has no pixels");
}

TEST_CASE("normalization: normalize") {
  const NdArray<std::uint8_t> images({2, 2, 1, 2}, {0, 255, 51, 102, 255, 0, 102, 51});
  const data::Normalization n{.mean = {0.5f, 0.25f}, .stddev = {0.5f, 0.125f}};
  CHECK_CLOSE(data::normalize(images, n),
              NdArray<float>({2, 2, 1, 2}, {-1, 1, -0.4f, 1.2f, 1, -1, 1.2f, -0.4f}), 1e-6);
  // One image, and without means.
  const NdArray<std::uint8_t> image({2, 1, 1}, {51, 255});
  CHECK_CLOSE(data::normalize(image, n), NdArray<float>({2, 1, 1}, {-0.6f, 6}), 1e-6);
  CHECK_CLOSE(data::normalize(image), NdArray<float>({2, 1, 1}, {0.2f, 1}), 1e-6);
  CHECK(data::normalize(NdArray<std::uint8_t>({0, 2, 4, 4}), n).numel() == 0);
  CHECK(data::normalize(NdArray<std::uint8_t>({3, 2, 0, 4}), n).numel() == 0);

  CHECK_ERROR(data::normalize(NdArray<std::uint8_t>({4, 4})), eg::ShapeError,
              "[normalize] needs images (C, H, W) or (N, C, H, W): (4, 4)");
  CHECK_ERROR(data::normalize(NdArray<std::uint8_t>({3, 4, 4}), n), eg::ValueError,
              "[normalize] normalization has 2 means and 2 deviations, the images have 3 channels");
  CHECK_ERROR(data::normalize(image, {.mean = {0, 0}, .stddev = {1, 0}}), eg::ValueError,
              "[normalize] normalization.stddev must be positive: 0");
}
