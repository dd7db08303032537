// SPDX-License-Identifier: MIT
#include <eigengrad/kernels/orthogonalize.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;

namespace {

/// A reflection: symmetric and orthogonal.
eg::Matrix<double> reflection(Index n, std::uint64_t seed) {
  const NdArray<double> v = test::random({n, 1}, seed, 0.1, 1);
  const double square = v.array().square().sum();
  return eg::Matrix<double>::Identity(n, n) - 2 / square * (v.matrix() * v.matrix().transpose());
}

/// rows x cols with the singular values f(1), f(0.9), ...
template <class F>
NdArray<double> with_singular_values(Index rows, Index cols, F f) {
  eg::Matrix<double> s = eg::Matrix<double>::Zero(rows, cols);
  for (Index i = 0; i < std::min(rows, cols); ++i)
    s(i, i) = f(1 - 0.1 * static_cast<double>(i % 10));
  return (reflection(rows, 1) * s * reflection(cols, 2)).eval();
}

}  // namespace

TEST_CASE("orthogonalize: maps each singular value by the polynomial") {
  // Shapes around the blocks of rows (48) and the tiles of the mirror (16).
  const std::vector<std::pair<Index, Index>> shapes = {
      {1, 1}, {1, 9}, {9, 1}, {5, 5}, {16, 17}, {17, 16}, {33, 60}, {50, 48}, {49, 130}, {130, 97}};
  for (const auto& [rows, cols] : shapes) {
    for (const Index rounds : {0, 1, 2, 5, 12}) {
      NdArray<double> x = with_singular_values(rows, cols, [](double s) { return s; });
      eg::kernels::orthogonalize(x.data(), rows, cols, rounds);
      const auto expected = with_singular_values(rows, cols, [rounds = rounds](double s) {
        for (Index i = 0; i < rounds; ++i) {
          s = 3.4445 * s - 4.775 * std::pow(s, 3) + 2.0315 * std::pow(s, 5);
        }
        return s;
      });
      INFO(rows << " x " << cols << ", rounds " << rounds);
      CHECK_CLOSE(x, expected, 1e-10);
    }
  }
}

TEST_CASE("orthogonalize: small singular values and many rounds in single precision") {
  // Eigenvalues of the Gram matrix down to 1e-10, where rounding makes some negative.
  const auto values = [](double s) { return std::pow(10, -50 * (1 - s) / 9); };
  for (const auto& [rows, cols] : {std::pair<Index, Index>{60, 180}, {180, 60}}) {
    for (const Index rounds : {5, 15}) {
      const NdArray<double> x = with_singular_values(rows, cols, values);
      NdArray<float> single(x.shape());
      std::copy(x.begin(), x.end(), single.begin());
      NdArray<double> exact = x;
      eg::kernels::orthogonalize(single.data(), rows, cols, rounds);
      eg::kernels::orthogonalize(exact.data(), rows, cols, rounds);
      INFO(rows << " x " << cols << ", rounds " << rounds);
      NdArray<double> rounded(x.shape());
      std::copy(single.begin(), single.end(), rounded.begin());
      CHECK_CLOSE(rounded, exact, rounds == 5 ? 2e-3 : 0.5);
    }
  }
}

TEST_CASE("orthogonalize: the same bits on any number of threads") {
  for (const auto& [m, n] : {std::pair<Index, Index>{200, 300}, {300, 200}}) {
    test::check_threads([rows = m, cols = n] {
      NdArray<float> x = test::random<float>({rows, cols}, 3, -0.01, 0.01);
      eg::kernels::orthogonalize(x.data(), rows, cols, 5);
      return std::vector{x};
    });
  }
}
