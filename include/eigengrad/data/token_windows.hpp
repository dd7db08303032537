// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/core/random.hpp>

/// A long sequence of tokens as what a language model learns from: windows, and for each of their
/// tokens the one that follows.
namespace eigengrad::data {

struct TokenSplit {
  NdArray<Index> train;
  NdArray<Index> validation;
};

/// The end of a sequence for validation, what comes before it for training, as nanoGPT splits: the
/// end of a text is less like its windows than a random part would be.
///
/// **Shapes** tokens (N). **Throws** ShapeError on another shape, ValueError unless
/// 0 <= validation_share <= 1.
/// **Source** https://github.com/karpathy/nanoGPT, data/shakespeare_char/prepare.py
inline TokenSplit split_tokens(const NdArray<Index>& tokens, double validation_share = 0.1) {
  using eigengrad::detail::concat;
  if (tokens.rank() != 1) {
    throw ShapeError(concat("[split_tokens] tokens must be (N): tokens ", tokens.shape()));
  }
  if (!(validation_share >= 0 && validation_share <= 1)) {
    throw ValueError(
        concat("[split_tokens] validation_share must be in [0, 1]: ", validation_share));
  }
  const Index n = tokens.numel();
  const auto train = static_cast<Index>(static_cast<double>(n) * (1 - validation_share));
  const auto part = [&](Index begin, Index end) {
    return NdArray<Index>(Shape{end - begin},
                          std::span<const Index>(tokens.data() + begin, tokens.data() + end));
  };
  return {part(0, train), part(train, n)};
}

/// What a language model sees, and what it is to say.
struct TokenBatch {
  NdArray<Index> inputs;   ///< (B, T)
  NdArray<Index> targets;  ///< (B, T): after each token the next one
};

struct TokenWindowsOptions {
  /// Tokens of a window.
  Index context = 0;
  /// Windows per batch.
  Index batch = 0;
  std::uint64_t seed = 0;
};

/// Batches of windows of a sequence: random ones without end for training, and all of them one
/// after the other for measuring.
///
///     const data::TokenWindows windows(tokens, {.context = 64, .batch = 12, .seed = 1});
///     for (Index step = 0; step < 2000; ++step) {
///       const data::TokenBatch batch = windows.random(step);
class TokenWindows {
 public:
  /// **Shapes** tokens (N). **Throws** ShapeError on another shape; ValueError on sizes that are
  /// not positive, or when the tokens are not more than the context.
  TokenWindows(NdArray<Index> tokens, const TokenWindowsOptions& options)
      : tokens_(std::move(tokens)), options_(options) {
    using eigengrad::detail::concat;
    if (tokens_.rank() != 1) {
      throw ShapeError(concat("[token_windows] tokens must be (N): tokens ", tokens_.shape()));
    }
    if (options.context < 1 || options.batch < 1) {
      throw ValueError(concat("[token_windows] sizes must be positive: context ", options.context,
                              ", batch ", options.batch));
    }
    if (tokens_.numel() <= options.context) {
      throw ValueError(concat("[token_windows] needs more tokens than the context: tokens ",
                              tokens_.numel(), ", context ", options.context));
    }
  }

  /// Random windows, which may overlap. They follow from the seed and the number alone: a run that
  /// goes on needs no state but the number of its step.
  /// **Throws** ValueError for a negative number.
  TokenBatch random(Index number) const {
    if (number < 0) {
      throw ValueError(eigengrad::detail::concat(
          "[token_windows] the number of a batch must not be negative: ", number));
    }
    Generator rng = Generator(options_.seed).fork(static_cast<std::uint64_t>(number));
    return make(options_.batch,
                [&](Index) { return rng.integer(tokens_.numel() - options_.context); });
  }

  /// Number of whole windows that follow each other without a gap.
  Index window_count() const { return (tokens_.numel() - 1) / options_.context; }
  /// Number of batches of these.
  Index batch_count() const { return (window_count() + options_.batch - 1) / options_.batch; }
  /// The windows in their order; the last batch may have fewer than others.
  /// **Throws** ValueError unless 0 <= number < batch_count().
  TokenBatch consecutive(Index number) const {
    if (number < 0 || number >= batch_count()) {
      throw ValueError(eigengrad::detail::concat("[token_windows] batch ", number,
                                                 " is out of range for ", batch_count()));
    }
    const Index first = number * options_.batch;
    return make(std::min(options_.batch, window_count() - first),
                [&](Index i) { return (first + i) * options_.context; });
  }

  const TokenWindowsOptions& options() const { return options_; }

 private:
  /// `start(i)` is the place of window i.
  template <class Start>
  TokenBatch make(Index count, Start start) const {
    const Index context = options_.context;
    TokenBatch out{NdArray<Index>({count, context}), NdArray<Index>({count, context})};
    for (Index i = 0; i < count; ++i) {
      const Index* window = tokens_.data() + start(i);
      std::copy_n(window, context, out.inputs.data() + i * context);
      std::copy_n(window + 1, context, out.targets.data() + i * context);
    }
    return out;
  }

  NdArray<Index> tokens_;
  TokenWindowsOptions options_;
};

}  // namespace eigengrad::data
