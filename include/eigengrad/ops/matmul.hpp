// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/kernels/gemm/gemm.hpp>

/// The matrix product C = A B over the last two axes, by NumPy's rules.
///
/// **Source** https://numpy.org/doc/stable/reference/generated/numpy.matmul.html
namespace eigengrad {

namespace detail {

/// `count` products of (m, k) and (k, n). Product i is the element i of `batch` in row-major
/// order; the steps say where its matrices begin in a and b, and repeat a matrix with step 0.
struct MatmulPlan {
  Index m = 1, n = 1, k = 0;
  Shape batch, a_steps, b_steps;
  Index count = 1;
  Shape out;
  double macs() const {
    return static_cast<double>(count) * static_cast<double>(m) * static_cast<double>(n) *
           static_cast<double>(k);
  }
};

/// Offset of element `item` of a grid of this shape.
inline Index grid_offset(Index item, const Shape& grid, const Shape& steps) {
  Index offset = 0;
  for (Index axis = grid.rank() - 1; axis >= 0; --axis) {
    offset += item % grid[axis] * steps[axis];
    item /= grid[axis];
  }
  return offset;
}

/// Steps through the matrices (of `size` elements) of an operand with these batch axes.
inline Shape matmul_steps(const Shape& own, const Shape& batch, Index size) {
  const Shape strides = row_major_strides(own);
  Shape steps = Shape::filled(batch.rank(), 0);
  const Index missing = batch.rank() - own.rank();
  for (Index i = 0; i < own.rank(); ++i) {
    if (own[i] != 1) steps[missing + i] = strides[i] * size;
  }
  return steps;
}

inline MatmulPlan matmul_plan(const Shape& a, const Shape& b) {
  if (a.rank() == 0 || b.rank() == 0) {
    throw ShapeError(
        concat("[matmul] operands need at least one axis: a ", a, ", b ", b, "; use *"));
  }
  MatmulPlan p;
  p.k = a.back();
  const Index inner = b.rank() == 1 ? b[0] : b[b.rank() - 2];
  if (p.k != inner) {
    throw ShapeError(concat("[matmul] inner dimensions must match: a ", a, ", b ", b));
  }
  if (a.rank() > 1) p.m = a[a.rank() - 2];
  if (b.rank() > 1) p.n = b.back();
  const Shape batch_a(a.begin(), a.end() - std::min<Index>(2, a.rank()));
  const Shape batch_b(b.begin(), b.end() - std::min<Index>(2, b.rank()));
  p.batch = broadcast_shapes("matmul", batch_a, batch_b);
  p.count = p.batch.numel();
  p.out = p.batch;
  if (a.rank() > 1) p.out.push_back(p.m);
  if (b.rank() > 1) p.out.push_back(p.n);
  if (batch_b.numel() == 1 && batch_a.numel() == p.count) {
    // One b for all: the matrices of a follow each other in memory, so this is one product.
    p.m *= p.count;
    p.count = 1;
    p.batch = Shape{};
    return p;
  }
  p.a_steps = matmul_steps(batch_a, p.batch, p.m * p.k);
  p.b_steps = matmul_steps(batch_b, p.batch, p.k * p.n);
  return p;
}

/// f(i) for i in [0, count): in parallel when there are many, else each may be parallel itself.
template <class F>
void matmul_for_each(const MatmulPlan& p, Index count, F&& f) {
  auto range = [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) f(i);
  };
  if (count < 2 * num_threads()) return range(0, count);
  parallel_for(count, std::max<Index>(1, (1 << 18) / std::max<Index>(1, p.m * p.n * p.k)), range);
}

template <class T>
void matmul_forward(T* c, const T* a, const T* b, const MatmulPlan& p) {
  matmul_for_each(p, p.count, [&](Index i) {
    kernels::gemm<T>({.m = p.m,
                      .n = p.n,
                      .k = p.k,
                      .a = a + grid_offset(i, p.batch, p.a_steps),
                      .lda = p.k,
                      .b = b + grid_offset(i, p.batch, p.b_steps),
                      .ldb = p.n,
                      .c = c + i * p.m * p.n,
                      .ldc = p.n});
  });
}

/// Calls `add(item, accumulate)` for the products that make up the gradient of an operand with
/// these steps: different matrices of it in parallel, those of one matrix in order.
template <class F>
void matmul_sum_batches(const MatmulPlan& p, const Shape& steps, bool accumulate, F&& add) {
  const Shape item_steps = row_major_strides(p.batch);
  Shape own, own_items, repeated, repeated_items;
  for (Index axis = 0; axis < p.batch.rank(); ++axis) {
    (steps[axis] != 0 ? own : repeated).push_back(p.batch[axis]);
    (steps[axis] != 0 ? own_items : repeated_items).push_back(item_steps[axis]);
  }
  const Index repeats = repeated.numel();
  matmul_for_each(p, own.numel(), [&](Index i) {
    const Index first = grid_offset(i, own, own_items);
    for (Index r = 0; r < repeats; ++r) {
      add(first + grid_offset(r, repeated, repeated_items), accumulate || r > 0);
    }
  });
}

// dA (M, K) = dC (M, N) . B^T (N, K), summed over the products that use it
template <class T>
void matmul_backward_a(T* da, bool accumulate, const T* dc, const T* b, const MatmulPlan& p) {
  matmul_sum_batches(p, p.a_steps, accumulate, [&](Index item, bool add) {
    kernels::gemm<T>({.m = p.m,
                      .n = p.k,
                      .k = p.n,
                      .a = dc + item * p.m * p.n,
                      .lda = p.n,
                      .b = b + grid_offset(item, p.batch, p.b_steps),
                      .ldb = p.n,
                      .transpose_b = true,
                      .c = da + grid_offset(item, p.batch, p.a_steps),
                      .ldc = p.k,
                      .accumulate = add});
  });
}

// dB (K, N) = A^T (K, M) . dC (M, N), summed over the products that use it
template <class T>
void matmul_backward_b(T* db, bool accumulate, const T* dc, const T* a, const MatmulPlan& p) {
  matmul_sum_batches(p, p.b_steps, accumulate, [&](Index item, bool add) {
    kernels::gemm<T>({.m = p.k,
                      .n = p.n,
                      .k = p.m,
                      .a = a + grid_offset(item, p.batch, p.a_steps),
                      .lda = p.k,
                      .transpose_a = true,
                      .b = dc + item * p.m * p.n,
                      .ldb = p.n,
                      .c = db + grid_offset(item, p.batch, p.b_steps),
                      .ldc = p.n,
                      .accumulate = add});
  });
}

}  // namespace detail

/// The matrix product a b.
///
/// A vector counts as one row (a) or one column (b), and that axis is not in the result.
/// Axes before the last two are a batch and broadcast.
/// **Shapes** a (..., M, K) or (K), b (..., K, N) or (K), result (..., M, N).
/// **Throws** ShapeError when these do not fit. **Saves** a and b.
/// **Source** https://numpy.org/doc/stable/reference/generated/numpy.matmul.html
template <class T>
Tensor<T> matmul(const Tensor<T>& a, const Tensor<T>& b) {
  const detail::MatmulPlan plan = detail::matmul_plan(a.shape(), b.shape());
  NdArray<T> c(plan.out);
  detail::matmul_forward(c.data(), a.value().data(), b.value().data(), plan);
  return make_result(
      {"matmul", plan.macs()}, std::move(c),
      [plan, a = a.value(), b = b.value()](BackwardContext<T>& context) {
        const T* dc = context.dout().data();
        // An operand that no product uses (an empty batch) gets zeros.
        auto gradient = [&](std::size_t i, auto&& run) {
          if (!context.needs(i)) return;
          context.count_macs(plan.macs());
          auto sink = context.sink(i);
          if (plan.count == 0 && !sink.accumulate) sink.grad.fill(T(0));
          run(sink.grad.data(), sink.accumulate);
        };
        gradient(0, [&](T* da, bool accumulate) {
          detail::matmul_backward_a(da, accumulate, dc, b.data(), plan);
        });
        gradient(1, [&](T* db, bool accumulate) {
          detail::matmul_backward_b(db, accumulate, dc, a.data(), plan);
        });
      },
      a, b);
}

EIGENGRAD_INSTANTIATE(Tensor<float> matmul(const Tensor<float>&, const Tensor<float>&))
EIGENGRAD_INSTANTIATE(Tensor<double> matmul(const Tensor<double>&, const Tensor<double>&))

}  // namespace eigengrad
