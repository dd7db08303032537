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
