// SPDX-License-Identifier: MIT
#include <examples/vit_cifar10/progress.hpp>
#include <tests/support/test.hpp>

namespace {
const vit::ProgressState kState{.epoch = 3,
                                .epochs = 40,
                                .epoch_fraction = 0.5,
                                .run_fraction = 0.0625,
                                .loss = 1.2345,
                                .accuracy_percent = 56.78,
                                .images_per_s = 712.3,
                                .seconds_left = 3723};
}  // namespace

TEST_CASE("progress: durations") {
  CHECK(cli::clock_time(0.4) == "0:00");
  CHECK(cli::clock_time(75) == "1:15");
  CHECK(cli::clock_time(3599.6) == "1:00:00");
  CHECK(cli::clock_time(-1) == "0:00");
}

TEST_CASE("progress: a line says everything where there is room") {
  CHECK(
      vit::progress_line(kState, 120) ==
      "epoch 3/40 [===============>              ]  50 %  loss 1.234  train 56.8 %  712 images/s  "
      "run 6 %  1:02:03 left");
}

TEST_CASE("progress: a narrow terminal gets the most important part, never a second line") {
  CHECK(vit::progress_line(kState, 80) ==
        "epoch 3/40 [==========>          ]  50 %  loss 1.234  train 56.8 %  1:02:03 left");
  CHECK(vit::progress_line(kState, 30) == "epoch 3/40 [=====>     ]  50 %");
  for (int width = 0; width < 130; ++width) {
    CHECK(vit::progress_line(kState, width).size() <= static_cast<std::size_t>(std::max(width, 1)));
  }
}

TEST_CASE("progress: the ends of the bar") {
  vit::ProgressState state = kState;
  state.epoch_fraction = 0;
  CHECK(vit::progress_line(state, 30) == "epoch 3/40 [>          ]   0 %");
  state.epoch_fraction = 1;
  CHECK(vit::progress_line(state, 30) == "epoch 3/40 [===========] 100 %");
}
