// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/memory.hpp>
#include <eigengrad/core/scratch.hpp>
#include <eigengrad/kernels/ranges.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/sum_of_squares.hpp>
#include <eigengrad/optim/optimizer.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Bounds on gradients, applied between `backward()` and `step()`.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
namespace eigengrad::optim {

struct ClipGradNormOptions {
  /// Throw StateError when the norm is infinite or NaN.
  bool error_if_nonfinite = false;
};

namespace detail {

template <class T>
struct ClampKernel {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* x, Index n, T bound) {
    using V = simd::Vec<T, Arch>;
    simd::transform_singly<V>(n, [=](auto at) EIGENGRAD_INLINE_LAMBDA {
      const auto high = at.repeat(bound);
      const auto low = at.repeat(-bound);
      const auto v = at.load(x);  // comparisons in this order keep a NaN
      const auto below = v > high ? high : v;
      at.store(x, below < low ? low : below);
    });
  }
};

/// The gradients of those parameters that have one.
template <class T>
struct Gradients {
  std::vector<const T*, eigengrad::detail::CacheAllocator<const T*>> data;
  kernels::ArrayRanges ranges{kernels::kNormChunk};

  explicit Gradients(const std::vector<Tensor<T>>& parameters) {
    data.reserve(parameters.size());
    for (const Tensor<T>& parameter : parameters) {
      if (!parameter.has_grad()) continue;
      data.push_back(parameter.grad().data());
      ranges.add(parameter.numel());
    }
  }

  const T* at(Index i) const { return data[static_cast<std::size_t>(i)]; }
};

/// Calls `f(T* x, Index n)` on pieces of all gradients, after giving each its own storage.
template <class T, class F>
void change_gradients(const std::vector<Tensor<T>>& parameters, F&& f) {
  std::vector<T*, eigengrad::detail::CacheAllocator<T*>> data;
  kernels::ArrayRanges ranges;
  for (Tensor<T> parameter : parameters) {
    if (!parameter.has_grad()) continue;
    data.push_back(parameter.mutable_grad().data());
    ranges.add(parameter.numel());
  }
  ranges.run([&](Index i, Index begin, Index end) {
    f(data[static_cast<std::size_t>(i)] + begin, end - begin);
  });
}

}  // namespace detail

/// The Euclidean norm of all gradients together, as if they were one vector.
///
/// Parameters without a gradient do not count. The sum is made in double in fixed chunks, so its
/// bits are the same on any number of threads.
template <class T>
double grad_norm(const std::vector<Tensor<T>>& parameters) {
  const detail::Gradients<T> gradients(parameters);
  const Index chunks = gradients.ranges.total() / kernels::kNormChunk;
  eigengrad::detail::Scratch<double> partial(chunks);
  gradients.ranges.run([&](Index i, Index begin, Index end) {
    for (Index at = begin; at < end; at += kernels::kNormChunk) {
      partial[(gradients.ranges.start(i) + at) / kernels::kNormChunk] =
          kernels::sum_of_squares(gradients.at(i) + at, std::min(kernels::kNormChunk, end - at));
    }
  });
  double sum = 0;
  for (Index chunk = 0; chunk < chunks; ++chunk) sum += partial[chunk];
  return std::sqrt(sum);
}

/// Scales all gradients by max_norm / (norm + 1e-6) if their common norm exceeds max_norm.
///
/// A norm that is not finite leaves the gradients as they are, so that the caller can skip the step
/// (PyTorch multiplies them by NaN or 0):
///
///     if (std::isfinite(optim::clip_grad_norm(parameters, 1.0))) optimizer.step();
///
/// **Returns** the norm before clipping. **Throws** ValueError on a negative max_norm, StateError
/// on a norm that is not finite if `error_if_nonfinite`.
template <class T>
double clip_grad_norm(const std::vector<Tensor<T>>& parameters, double max_norm,
                      const ClipGradNormOptions& options = {}) {
  detail::require(max_norm >= 0, "clip_grad_norm", "max_norm", "at least 0", max_norm);
  const double norm = grad_norm(parameters);
  if (!std::isfinite(norm)) {
    if (options.error_if_nonfinite) {
      throw StateError(detail::concat("[clip_grad_norm] the norm of the gradients is ", norm));
    }
    return norm;
  }
  const double factor = max_norm / (norm + 1e-6);
  if (factor < 1) {
    detail::change_gradients(
        parameters, [factor](T* x, Index n) { kernels::scale(x, n, static_cast<T>(factor)); });
  }
  return norm;
}

/// Limits each element of each gradient to [-clip_value, clip_value]. NaN stays.
///
/// **Throws** ValueError on a negative clip_value.
template <class T>
void clip_grad_value(const std::vector<Tensor<T>>& parameters, double clip_value) {
  detail::require(clip_value >= 0, "clip_grad_value", "clip_value", "at least 0", clip_value);
  detail::change_gradients(parameters, [clip_value](T* x, Index n) {
    simd::dispatch<detail::ClampKernel<T>>(x, n, static_cast<T>(clip_value));
  });
}

}  // namespace eigengrad::optim

EIGENGRAD_END_VECTORS
