// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <eigengrad/core/instantiate.hpp>
#include <eigengrad/core/parallel.hpp>
#include <eigengrad/core/rounding.hpp>
#include <eigengrad/core/scratch.hpp>
#include <eigengrad/kernels/simd/simd.hpp>
#include <eigengrad/kernels/simd/transform.hpp>
#include <eigengrad/kernels/simd/vmath.hpp>
#include <eigengrad/kernels/sum_of_squares.hpp>
#include <eigengrad/optim/optimizer.hpp>

EIGENGRAD_BEGIN_VECTORS

/// Adafactor: Adam without its memory. Of a matrix's second moments only the means of the rows and
/// of the columns are kept, and no first moments.
///
///     b = t^beta2_decay
///     R = (1 - b) R + b rowmean(dw^2),  C = (1 - b) C + b colmean(dw^2)
///     V = R C / max(mean(R), eps1)      (a vector: V = (1 - b) V + b dw^2)
///     u = dw / sqrt(max(V, eps1^2)),  u = u / max(1, rms(u) / d)
///     w = (1 - lr weight_decay) w - max(eps2, rms(w)) min(lr, 1 / sqrt(t)) u
///
/// An array with more than two axes is many matrices, of its last two axes.
/// **Source** N. Shazeer and M. Stern, "Adafactor: adaptive learning rates with sublinear memory
/// cost", 2018; https://docs.pytorch.org/docs/stable/generated/torch.optim.Adafactor.html
namespace eigengrad::optim {

struct AdafactorOptions {
  double lr = 1e-2;           ///< the largest step relative to the parameter
  double beta2_decay = -0.8;  ///< power of t at which the newest gradient's share falls; at most 0
  std::optional<double> eps1 = std::nullopt;  ///< least second moment; unset: the precision of T
  double eps2 = 1e-3;                         ///< least size of a parameter
  double d = 1;                               ///< largest mean square of an update; at least 1
  double weight_decay = 0;                    ///< shrinks the parameter itself
  bool maximize = false;                      ///< maximises the loss instead
};

namespace detail {

/// One parameter's step. Its values are worked on line by line: rows of its matrices, or pieces of
/// a vector.
template <class T>
struct AdafactorStep {
  T* w;
  const T* g;
  T* row_var;  ///< (matrices, rows), null for a vector
  T* col_var;  ///< (matrices, cols), for a vector the second moments themselves
  Index size, matrices, rows, cols;
  double share;     ///< of the newest gradient in the second moments
  double lr, rate;  ///< for the decay; for the step, relative to the parameter
  double decay, eps1, eps2, d;
  T sign;

  Index lines() const { return divide_up(size, cols); }
  Index line_size(Index line) const { return std::min(cols, size - line * cols); }
  /// The second moments of a line, but for the row's factor.
  T* moments(Index line) const {
    return row_var ? col_var + line / rows * cols : col_var + line * cols;
  }
};

/// v = v + (g^2 - v) share
template <class T>
struct AdafactorMoments {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* v, const T* g, Index n, T share) {
    using V = simd::Vec<T, Arch>;
    simd::transform<V>(n, [=](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V d = at.load(g);
      const V square = at.load(v);
      at.store(v, square + (d * d - square) * share);
    });
  }
};

/// out = g / sqrt(max(v scale, least))
template <class T>
struct AdafactorDirection {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* out, const T* g, const T* v, Index n, T scale, T least) {
    using V = simd::Vec<T, Arch>;
    simd::transform<V>(n, [=](auto at) EIGENGRAD_INLINE_LAMBDA {
      const V square = simd::max(at.load(v) * scale, simd::broadcast<V>(least));
      at.store(out, at.load(g) / vmath::sqrt(square));
    });
  }
};

/// w = w shrink - u move
template <class T>
struct AdafactorMove {
  template <class Arch>
  static EIGENGRAD_INLINE void run(T* w, const T* u, Index n, T shrink, T move) {
    using V = simd::Vec<T, Arch>;
    simd::transform<V>(n, [=](auto at) EIGENGRAD_INLINE_LAMBDA {
      at.store(w, at.load(w) * shrink - at.load(u) * move);
    });
  }
};

/// Calls `f(line)` for each line of the parameter, in parallel.
template <class T, class F>
void for_lines(const AdafactorStep<T>& s, const F& f) {
  parallel_for(s.lines(), row_grain(s.cols), [&](Index begin, Index end) {
    for (Index line = begin; line < end; ++line) f(line);
  });
}

/// Moves the means of the rows, or a vector's second moments.
/// **Returns** the sum of the squares of the parameter.
template <class T>
double adafactor_rows(const AdafactorStep<T>& s) {
  eigengrad::detail::Scratch<double> squares(s.lines());
  for_lines(s, [&](Index line) {
    const Index at = line * s.cols, n = s.line_size(line);
    squares[line] = kernels::sum_of_squares<T>(s.w + at, n);
    if (s.row_var) {
      const double mean = kernels::sum_of_squares<T>(s.g + at, n) / double(n);
      s.row_var[line] += T(s.share * (mean - double(s.row_var[line])));
    } else {
      simd::dispatch<AdafactorMoments<T>>(s.moments(line), s.g + at, n, T(s.share));
    }
  });
  double sum = 0;
  for (Index line = 0; line < s.lines(); ++line) sum += squares[line];
  return sum;
}

/// Moves the means of the columns.
template <class T>
void adafactor_columns(const AdafactorStep<T>& s) {
  eigengrad::detail::Scratch<double> squares(s.cols);
  for (Index matrix = 0; matrix < s.matrices; ++matrix) {
    const T* g = s.g + matrix * s.rows * s.cols;
    T* means = s.col_var + matrix * s.cols;
    parallel_for(s.cols, row_grain(s.rows), [&](Index begin, Index end) {
      std::fill(squares.data() + begin, squares.data() + end, 0.0);
      for (Index row = 0; row < s.rows; ++row) {
        for (Index c = begin; c < end; ++c) {
          const double x = double(g[row * s.cols + c]);
          squares[c] += x * x;
        }
      }
      for (Index c = begin; c < end; ++c) {
        means[c] += T(s.share * (squares[c] / double(s.rows) - double(means[c])));
      }
    });
  }
}

/// For each line what its second moments are multiplied by: a row's mean relative to the mean of
/// all rows.
template <class T>
void adafactor_scales(T* scales, const AdafactorStep<T>& s) {
  if (!s.row_var) {
    std::fill_n(scales, s.lines(), T(1));
    return;
  }
  for (Index matrix = 0; matrix < s.matrices; ++matrix) {
    const T* rows = s.row_var + matrix * s.rows;
    double sum = 0;
    for (Index row = 0; row < s.rows; ++row) sum += double(rows[row]);
    const double mean = std::max(sum / double(s.rows), s.eps1);
    for (Index row = 0; row < s.rows; ++row) {
      scales[matrix * s.rows + row] = T(double(rows[row]) / mean);
    }
  }
}

/// Calls `f(line, at, n, direction)` for pieces of each line: n values from `at` on.
template <class T, class F>
void adafactor_directions(const AdafactorStep<T>& s, const T* scales, const F& f) {
  for_lines(s, [&](Index line) {
    T direction[kernels::kNormChunk];
    const Index size = s.line_size(line);
    for (Index first = 0; first < size; first += kernels::kNormChunk) {
      const Index n = std::min(kernels::kNormChunk, size - first);
      const Index at = line * s.cols + first;
      simd::dispatch<AdafactorDirection<T>>(direction, s.g + at, s.moments(line) + first, n,
                                            scales[line], T(s.eps1 * s.eps1));
      f(line, at, n, direction);
    }
  });
}

template <class T>
void adafactor_step(const AdafactorStep<T>& s) {
  const Index lines = s.lines();
  const double size = double(s.size);
  const double rms = std::sqrt(adafactor_rows(s) / size);
  if (s.row_var) adafactor_columns(s);
  eigengrad::detail::Scratch<T> scales(lines);
  adafactor_scales(scales.data(), s);
  eigengrad::detail::Scratch<double> squares(lines);
  std::fill_n(squares.data(), lines, 0.0);
  adafactor_directions(s, scales.data(), [&](Index line, Index, Index n, const T* direction) {
    squares[line] += kernels::sum_of_squares<T>(direction, n);
  });
  double sum = 0;
  for (Index line = 0; line < lines; ++line) sum += squares[line];
  const double clip = std::max(1.0, std::sqrt(sum / size) / s.d);
  const T move = s.sign * T(std::max(s.eps2, rms) * s.rate / clip);
  const T shrink = T(1 - s.lr * s.decay);
  adafactor_directions(s, scales.data(), [&](Index, Index at, Index n, const T* direction) {
    simd::dispatch<AdafactorMove<T>>(s.w + at, direction, n, shrink, move);
  });
}

}  // namespace detail

/// `optim::Adafactor<float> adafactor(model.parameters(), {.lr = 1e-2});`
///
/// **Throws** ValueError on an option outside its range.
template <class T>
class Adafactor : public Optimizer<T> {
 public:
  explicit Adafactor(std::vector<Tensor<T>> parameters, const AdafactorOptions& options = {})
      : Adafactor(detail::one_group<ParameterGroup>(std::move(parameters)), options) {}

  explicit Adafactor(const std::vector<ParameterGroup<T>>& groups,
                     const AdafactorOptions& options = {})
      : Optimizer<T>("adafactor", groups, options.lr, options.weight_decay, {}),
        options_(detail::options_by_group("adafactor", options, groups, check)) {
    for (auto& entry : this->entries_) {
      const Shape& shape = entry.tensor.shape();
      if (shape.rank() < 2) {
        this->keep(entry, "variance", shape);
        continue;
      }
      Shape rows = shape, columns = shape;
      rows[shape.rank() - 1] = 1;
      columns[shape.rank() - 2] = 1;
      this->keep(entry, "row_var", rows);
      this->keep(entry, "col_var", columns);
    }
  }

 private:
  static void check(const AdafactorOptions& options) {
    detail::require(options.beta2_decay <= 0, "adafactor", "beta2_decay", "at most 0",
                    options.beta2_decay);
    if (options.eps1) detail::require_non_negative("adafactor", "eps1", *options.eps1);
    detail::require_non_negative("adafactor", "eps2", options.eps2);
    detail::require(options.d >= 1, "adafactor", "d", "at least 1", options.d);
  }

  void update() override {
    for (auto& entry : this->entries_) {
      if (!entry.tensor.has_grad()) continue;
      this->begin_step(entry);
      if (entry.tensor.numel() > 0) detail::adafactor_step(make_step(entry));
    }
  }

  detail::AdafactorStep<T> make_step(typename Optimizer<T>::Entry& entry) const {
    const auto& group = this->group_of(entry);
    const AdafactorOptions& options = options_[entry.group];
    const Shape& shape = entry.tensor.shape();
    const bool factored = shape.rank() > 1;
    const Index size = entry.tensor.numel();
    const Index cols = factored ? shape[shape.rank() - 1] : kernels::kNormChunk;
    const Index rows = factored ? shape[shape.rank() - 2] : divide_up(size, cols);
    const double t = double(entry.steps);
    return {.w = entry.tensor.mutable_value().data(),
            .g = entry.tensor.grad().data(),
            .row_var = factored ? entry.state[0].array.data() : nullptr,
            .col_var = entry.state[factored ? 1 : 0].array.data(),
            .size = size,
            .matrices = factored ? size / (rows * cols) : 1,
            .rows = rows,
            .cols = cols,
            .share = std::pow(t, options.beta2_decay),
            .lr = group.lr,
            .rate = std::min(group.lr, 1 / std::sqrt(t)),
            .decay = group.weight_decay,
            .eps1 = options.eps1.value_or(double(std::numeric_limits<T>::epsilon())),
            .eps2 = options.eps2,
            .d = options.d,
            .sign = T(options.maximize ? -1 : 1)};
  }

  std::vector<AdafactorOptions> options_;  ///< by group
};

EIGENGRAD_INSTANTIATE(class Adafactor<float>)
EIGENGRAD_INSTANTIATE(class Adafactor<double>)

}  // namespace eigengrad::optim

EIGENGRAD_END_VECTORS
