// SPDX-License-Identifier: MIT
#pragma once

#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/ops/pointwise_loss.hpp>
#include <eigengrad/ops/reduction.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Terms of the Kullback-Leibler divergence: t (log t - x), where x are log-probabilities.
///
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html
namespace eigengrad {

struct KlDivArguments {
  /// Whether the target is given as log-probabilities too.
  bool log_target = false;
  Reduction reduction = Reduction::kMean;
};

namespace detail {

/// A probability of 0 costs nothing, whatever its x.
struct KlTerm {
  template <class V>
  EIGENGRAD_INLINE V value(const V& x, const V& t) const {
    return t == V{} ? V{} : t * (vmath::log(t) - x);
  }
  template <class V>
  EIGENGRAD_INLINE V dx(const V&, const V& t) const {
    return -t;
  }
  template <class V>
  EIGENGRAD_INLINE V dtarget(const V& x, const V& t) const {
    return vmath::log(t) + simd::Element<V>(1) - x;
  }
};

struct KlLogTerm {
  template <class V>
  EIGENGRAD_INLINE V value(const V& x, const V& log_t) const {
    const V t = vmath::exp(log_t);
    return t == V{} ? V{} : t * (log_t - x);
  }
  template <class V>
  EIGENGRAD_INLINE V dx(const V&, const V& log_t) const {
    return -vmath::exp(log_t);
  }
  template <class V>
  EIGENGRAD_INLINE V dtarget(const V& x, const V& log_t) const {
    const V t = vmath::exp(log_t);
    return t == V{} ? V{} : t * (log_t - x + simd::Element<V>(1));
  }
};

}  // namespace detail

/// How far the distribution `x`, of log-probabilities, is from `target`, of probabilities or, with
/// `log_target`, of their logarithms. Both may require a gradient.
///
/// The divergence of (B, K) is the sum over the classes: take Reduction::kSum and divide by B,
/// which PyTorch calls "batchmean". Reduction::kMean divides by B K, as it does there.
///
/// **Shapes** x (...), target (...), result () or, with Reduction::kNone, (...).
/// **Throws** ShapeError when the shapes differ, and for the mean of no elements. **Saves** both.
template <class T>
Tensor<T> kl_div(const Tensor<T>& x, const Tensor<T>& target,
                 const KlDivArguments& arguments = {}) {
  if (arguments.log_target) {
    return detail::pointwise_loss("kl_div", detail::KlLogTerm(), arguments.reduction, x, target);
  }
  return detail::pointwise_loss("kl_div", detail::KlTerm(), arguments.reduction, x, target);
}

}  // namespace eigengrad

EIGENGRAD_END_VECTORS
