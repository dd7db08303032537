// SPDX-License-Identifier: MIT
#include <eigengrad/kernels/orthogonalize.hpp>
#include <tests/support/gradients.hpp>

#include <Eigen/SVD>

using test::Index;
using test::NdArray;

TEST_CASE("orthogonalize: maps each singular value by the polynomial") {
  // Shapes around the blocks of rows (48) and the tiles of the mirror (16).
  for (const auto& [rows, cols] : std::vector<std::pair<Index, Index>>{{1, 1},
                                                                       {1, 9},
                                                                       {9, 1},
                                                                       {5, 5},
                                                                       {16, 17},
                                                                       {17, 16},
                                                                       {33, 60},
                                                                       {50, 48},
                                                                       {49, 130},
                                                                       {130, 97}}) {
    NdArray<double> x = test::random({rows, cols}, 3);
    x.array() /= std::sqrt(x.array().square().sum());
    const Eigen::BDCSVD<Eigen::MatrixXd> svd(x.matrix(), Eigen::ComputeThinU | Eigen::ComputeThinV);
    for (const Index rounds : {0, 1, 2, 5}) {
      Eigen::VectorXd s = svd.singularValues();
      for (Index i = 0; i < rounds; ++i) {
        s = s.unaryExpr(
            [](double v) { return 3.4445 * v - 4.775 * v * v * v + 2.0315 * std::pow(v, 5); });
      }
      const NdArray<double> expected =
          (svd.matrixU() * s.asDiagonal() * svd.matrixV().transpose()).eval();
      NdArray<double> y = x.clone();
      eg::kernels::orthogonalize(y.data(), rows, cols, rounds);
      INFO(rows << " x " << cols << ", rounds " << rounds);
      CHECK_CLOSE(y, expected, 1e-10);
    }
  }
}

TEST_CASE("orthogonalize: the same bits on any number of threads") {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{200, 300}, {300, 200}}) {
    std::vector<NdArray<float>> results;
    for (int threads : {1, 2, 3, 4}) {
      test::Threads guard(threads);
      NdArray<float> x = test::random<float>({rows, cols}, 3, -0.01, 0.01);
      eg::kernels::orthogonalize(x.data(), rows, cols, 5);
      results.push_back(x);
      CHECK_SAME(results.back(), results.front());
    }
  }
}
