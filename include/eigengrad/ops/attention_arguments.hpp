// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include <eigengrad/core/random.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/attention/attention.hpp>
#include <eigengrad/ops/checks.hpp>

/// Masks, positions, scale and dropout of attention: checked, given to the kernel, and kept for its
/// backward.
namespace eigengrad {

/// The arguments of all three forms of attention. A query that may attend to no key gets 0.
template <class T>
struct AttentionArguments {
  /// Query i attends to keys 0 to first_query + i alone.
  bool causal = false;
  /// Query i does not attend to key first_query + i.
  bool exclude_self = false;
  /// (B, Tk), true where a key takes part. Undefined: all do.
  NdArray<bool> key_padding_mask = {};
  /// Added to the scaled scores: (Tq, Tk), (1, H, Tq, Tk), (B, 1, Tq, Tk), (B, H, Tq, Tk), or with
  /// any of these sizes 1. It gets no gradient. Three axes are refused unless the first is 1:
  /// PyTorch reads them as (H, Tq, Tk) in one function and as (B H, Tq, Tk) in another.
  NdArray<T> additive_mask = {};
  /// Rotary positions, (Tk, D) or (B, Tk, D): for each token the cosines of D/2 angles, then their
  /// sines. The i-th angle rotates the numbers i and i + D/2 of the token's query and of its key,
  /// so that a score depends on how far two tokens are from each other. It gets no gradient.
  NdArray<T> rotary = {};
  /// The place of query 0 among the keys: where the queries are the last of the tokens that the
  /// keys are made of, Tk - Tq.
  Index first_query = 0;
  /// Factor of the scores; 0 means 1 / sqrt(D).
  double scale = 0;
  /// Probability with which a weight is dropped, in [0, 1].
  double dropout = 0;
  /// Where the key of the dropout mask is drawn; needed if `dropout` is not 0.
  Generator* generator = nullptr;
};

namespace detail {

/// Checks the table of rotary positions against the sizes in `a` and stores it there.
template <class T>
void attention_apply_rotary(const char* op, kernels::Attention<T>& a, const NdArray<T>& rotary) {
  const Shape& shape = rotary.shape();
  const bool each = shape.rank() == 3;
  const Shape wanted = each ? Shape{a.batch, a.keys, a.width} : Shape{a.keys, a.width};
  if (a.first_query + a.queries != a.keys || a.width % 2 != 0 || !(shape == wanted)) {
    throw ShapeError(concat("[", op, "] rotary must be (Tk, D) or (B, Tk, D), Tk = first_query ",
                            "+ Tq and D even: rotary ", shape, ", (B, Tq, Tk, D) ",
                            Shape{a.batch, a.queries, a.keys, a.width}, ", first_query ",
                            a.first_query));
  }
  a.rotary = rotary.data();
  a.rotary_batch = each ? a.keys * a.width : 0;
}

/// Checks the arguments against the sizes in `a` and stores them there.
template <class T>
void attention_apply_arguments(const char* op, kernels::Attention<T>& a,
                               const AttentionArguments<T>& arguments) {
  if (arguments.first_query < 0) {
    throw ValueError(
        concat("[", op, "] first_query must not be negative: ", arguments.first_query));
  }
  a.first_query = arguments.first_query;
  a.causal = arguments.causal;
  a.exclude_self = arguments.exclude_self;
  const double width = static_cast<double>(std::max<Index>(1, a.width));
  a.scale = static_cast<T>(arguments.scale != 0 ? arguments.scale : 1 / std::sqrt(width));
  if (arguments.key_padding_mask.defined()) {
    const Shape wanted{a.batch, a.keys};
    if (!(arguments.key_padding_mask.shape() == wanted)) {
      throw ShapeError(concat("[", op, "] key_padding_mask must be (B, Tk): key_padding_mask ",
                              arguments.key_padding_mask.shape(), ", (B, Tk) ", wanted));
    }
    a.key_padding = arguments.key_padding_mask.data();
  }
  if (arguments.additive_mask.defined()) {
    const Shape scores{a.batch, a.heads, a.queries, a.keys};
    const Shape& shape = arguments.additive_mask.shape();
    if (shape.rank() == 3 && shape[0] != 1) {
      throw ShapeError(concat("[", op, "] an additive_mask of three axes could be one per head or ",
                              "one per sample: additive_mask ", shape, ", (B, H, Tq, Tk) ", scores,
                              "; reshape it to (1, H, Tq, Tk) or (B, 1, Tq, Tk)"));
    }
    const Shape strides = row_major_strides(shape);
    bool fits = shape.rank() <= 4;
    for (Index i = 1; fits && i <= shape.rank(); ++i) {
      const Index size = shape[shape.rank() - i];
      fits = size == 1 || size == scores[4 - i];
      a.additive_step[4 - i] = size == 1 ? 0 : strides[shape.rank() - i];
    }
    if (!fits) {
      throw ShapeError(concat("[", op, "] additive_mask must broadcast to (B, H, Tq, Tk): ",
                              "additive_mask ", shape, ", (B, H, Tq, Tk) ", scores));
    }
    a.additive = arguments.additive_mask.data();
  }
  if (arguments.rotary.defined()) attention_apply_rotary(op, a, arguments.rotary);
  check_probability(op, "dropout", arguments.dropout);
  if (arguments.dropout > 0) {
    if (arguments.generator == nullptr) {
      throw ValueError(concat("[", op, "] dropout needs a generator: dropout ", arguments.dropout));
    }
    a.dropout = true;
    a.mask = kernels::DropoutMask(arguments.generator->next(), arguments.dropout);
  }
}

/// What backward reads of the caller's arrays: copies, since the caller may refill its own before
/// backward runs.
template <class T>
struct AttentionKept {
  NdArray<bool> key_padding;
  NdArray<T> additive, rotary;
};

/// Copies what backward reads and makes `a` point at the copies. Masks are copied only if
/// `masks_too`: saved probabilities contain them already.
template <class T>
AttentionKept<T> attention_keep(kernels::Attention<T>& a, const AttentionArguments<T>& arguments,
                                bool masks_too) {
  AttentionKept<T> kept;
  if (masks_too) {
    kept.key_padding = arguments.key_padding_mask.clone();
    kept.additive = arguments.additive_mask.clone();
  }
  kept.rotary = arguments.rotary.clone();
  a.key_padding = kept.key_padding.data();
  a.additive = kept.additive.data();
  a.rotary = kept.rotary.data();
  return kept;
}

}  // namespace detail
}  // namespace eigengrad
