// SPDX-License-Identifier: MIT
#include <eigengrad/core/ndarray.hpp>
#include <tests/support/test.hpp>

using test::Index;
using test::NdArray;
using test::Shape;

TEST_CASE("ndarray: construction") {
  const NdArray<float> a({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(a.shape() == Shape{2, 3});
  CHECK(a.numel() == 6);
  CHECK(a(0, 0) == 1);
  CHECK(a(1, 0) == 4);
  CHECK(a(1, 2) == 6);
  CHECK_SAME(NdArray<float>::full({2}, 7), NdArray<float>({2}, {7, 7}));
  CHECK_SAME(NdArray<float>::zeros({2}), NdArray<float>({2}, {0, 0}));
  CHECK_SAME(NdArray<float>::ones({2}), NdArray<float>({2}, {1, 1}));
  CHECK_SAME(NdArray<Index>::arange(3), NdArray<Index>({3}, {0, 1, 2}));
  CHECK_SAME(NdArray<Index>::arange(2, 8, 3), NdArray<Index>({2}, {2, 5}));
  CHECK_SAME(NdArray<Index>::arange(3, 1, -1), NdArray<Index>({2}, {3, 2}));
  CHECK(NdArray<float>::arange(1, 1).shape() == Shape{0});
  CHECK(NdArray<float>::arange(0, 1, 0.1f).shape() == Shape{10});
  CHECK_SAME(NdArray<float>::linspace(1, 2, 5), NdArray<float>({5}, {1, 1.25f, 1.5f, 1.75f, 2}));
  CHECK_SAME(NdArray<double>::linspace(3, 4, 1), NdArray<double>({1}, {3}));
  CHECK(NdArray<float>::linspace(0, 0.7f, 50)(49) == 0.7f);
  CHECK_SAME(NdArray<bool>::eye(2), NdArray<bool>({2, 2}, {true, false, false, true}));
  CHECK_SAME(NdArray<float>::eye(1, 2), NdArray<float>({1, 2}, {1, 0}));
  CHECK(NdArray<bool>({2}, {true, false})(0));
  CHECK(NdArray<double>::scalar(4).item() == 4);
  CHECK(NdArray<double>::scalar(4).shape() == Shape{});
  const std::vector<float> values{1, 2};
  CHECK_SAME(NdArray<float>({2}, values), NdArray<float>({2}, {1, 2}));
}

TEST_CASE("ndarray: from Eigen expressions") {
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic> m(2, 3);  // column-major
  m << 1, 2, 3, 4, 5, 6;
  CHECK_SAME(NdArray<float>(m), NdArray<float>({2, 3}, {1, 2, 3, 4, 5, 6}));
  CHECK_SAME(NdArray<float>(m.transpose() * 2), NdArray<float>({3, 2}, {2, 8, 4, 10, 6, 12}));
  CHECK_SAME(NdArray<float>(m.row(1)), NdArray<float>({3}, {4, 5, 6}));
  CHECK_SAME(NdArray<float>(m.col(1)), NdArray<float>({2}, {2, 5}));
  CHECK_SAME(NdArray<float>(m.rowwise().sum()), NdArray<float>({2}, {6, 15}));
  CHECK_SAME(NdArray<float>(m.array() + 1), NdArray<float>({2, 3}, {2, 3, 4, 5, 6, 7}));
  CHECK_SAME(NdArray<float>(Eigen::ArrayXf::Constant(2, 3.f)), NdArray<float>({2}, {3, 3}));
}

TEST_CASE("ndarray: Eigen views") {
  NdArray<double> a({2, 2, 3});
  a.array() = 1;
  a.matrix()(3, 2) = 5;
  CHECK(a.matrix().rows() == 4);
  CHECK(a.matrix().cols() == 3);
  CHECK(a(1, 1, 2) == 5);
  CHECK(a.array().sum() == 16);
  const NdArray<double> scalar = NdArray<double>::scalar(2);
  CHECK(scalar.matrix().rows() == 1);
  CHECK(scalar.matrix().cols() == 1);
  const NdArray<double> empty({0, 3});
  CHECK(empty.matrix().rows() == 0);
  CHECK(empty.matrix().cols() == 3);
}

TEST_CASE("ndarray: sizes of axes") {
  const NdArray<float> a({2, 3, 4});
  CHECK(a.rank() == 3);
  CHECK(a.dim(0) == 2);
  CHECK(a.dim(-1) == 4);
  CHECK(a.rows() == 6);
  CHECK(a.cols() == 4);
  CHECK(NdArray<float>::scalar(1).rows() == 1);
  CHECK(NdArray<float>::scalar(1).cols() == 1);
  CHECK_ERROR(a.dim(3), eg::ShapeError, "[dim] axis 3 is out of range for 3 axes");
}

TEST_CASE("ndarray: undefined and empty are different") {
  const NdArray<float> none;
  CHECK_FALSE(none.defined());
  CHECK(none.numel() == 0);
  CHECK_FALSE(none.clone().defined());
  const NdArray<float> empty({0});
  CHECK(empty.defined());
  CHECK(empty.numel() == 0);
  CHECK(empty.begin() == empty.end());
}

TEST_CASE("ndarray: a copy shares, a clone does not") {
  NdArray<float> a({2}, {1, 2});
  CHECK(a.unique());
  NdArray<float> same = a;
  NdArray<float> other = a.clone();
  CHECK_FALSE(a.unique());
  CHECK(other.unique());
  a(0) = 9;
  CHECK(same(0) == 9);
  CHECK(other(0) == 1);
  SECTION("make_unique separates shared storage") {
    same.make_unique();
    CHECK((same.unique() && a.unique()));
    same(0) = 5;
    CHECK(a(0) == 9);
  }
  SECTION("make_unique leaves unshared storage where it is") {
    const float* before = other.data();
    other.make_unique();
    CHECK(other.data() == before);
  }
  SECTION("make_unique of nothing is nothing") {
    NdArray<float> none;
    none.make_unique();
    CHECK_FALSE(none.defined());
  }
}

TEST_CASE("ndarray: a large clone is complete") {
  const NdArray<float> a = test::random<float>({300001});
  CHECK_SAME(a.clone(), a);
}

TEST_CASE("ndarray: reshape shares the numbers") {
  NdArray<float> a({2, 3}, {1, 2, 3, 4, 5, 6});
  NdArray<float> b = a.reshape({3, -1});
  CHECK_SAME(b, NdArray<float>({3, 2}, {1, 2, 3, 4, 5, 6}));
  b(0, 0) = 7;
  CHECK(a(0, 0) == 7);
  CHECK(a.reshape({-1}).shape() == Shape{6});
  CHECK(a.reshape({1, 6, 1}).shape() == Shape{1, 6, 1});
  CHECK(NdArray<float>({1}, {5}).reshape({}).item() == 5);
  CHECK(NdArray<float>({0, 3}).reshape({3, 0}).shape() == Shape{3, 0});
  CHECK(NdArray<float>({0, 3}).reshape({-1, 3}).shape() == Shape{0, 3});
  CHECK_ERROR(a.reshape({4}), eg::ShapeError,
              "[reshape] (2, 3) has 6 elements and cannot become (4)");
  CHECK_ERROR(a.reshape({4, -1}), eg::ShapeError,
              "[reshape] (2, 3) has 6 elements and cannot become (4, -1)");
  CHECK_ERROR(a.reshape({-1, -1}), eg::ShapeError,
              "[reshape] (2, 3) has 6 elements and cannot become (-1, -1)");
  CHECK_ERROR(a.reshape({-2, -3}), eg::ShapeError,
              "[reshape] (2, 3) has 6 elements and cannot become (-2, -3)");
  CHECK_ERROR(NdArray<float>({0, 3}).reshape({-1, 0}), eg::ShapeError,
              "[reshape] (0, 3) has 0 elements and cannot become (-1, 0)");
}

TEST_CASE("ndarray: error") {
  CHECK_ERROR(NdArray<float>({2, -1}), eg::ShapeError,
              "[array] sizes must not be negative: (2, -1)");
  CHECK_ERROR(NdArray<float>({2}, {1, 2, 3}), eg::ShapeError, "[array] (2) needs 2 values, got 3");
  const NdArray<float> a({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK_ERROR(a(2, 0), eg::ShapeError, "[index] (2, 0) is not an element of (2, 3)");
  CHECK_ERROR(a(0, -1), eg::ShapeError, "[index] (0, -1) is not an element of (2, 3)");
  CHECK_ERROR(a(0), eg::ShapeError, "[index] (0) is not an element of (2, 3)");
  CHECK_ERROR(a.item(), eg::ShapeError, "[item] needs one element, shape is (2, 3)");
  CHECK_ERROR(NdArray<float>().item(), eg::ShapeError, "[item] needs one element, shape is ()");
}

TEST_CASE("ndarray: a range that its step does not lead through is an error") {
  CHECK_ERROR(NdArray<Index>::arange(0, 5, -1), eg::ValueError,
              "[arange] step must lead from start to end: start 0, end 5, step -1");
  CHECK_ERROR(NdArray<float>::arange(0, 5, 0), eg::ValueError,
              "[arange] step must lead from start to end: start 0, end 5, step 0");
  CHECK_ERROR(NdArray<float>::linspace(0, 1, -1), eg::ShapeError,
              "[array] sizes must not be negative: (-1)");
}

TEST_CASE("ndarray: a size beyond any memory is an error, not a wrapped number") {
  const Index big = Index{1} << 40;
  CHECK_ERROR(NdArray<float>({big, big}), eg::ShapeError,
              "[array] too many elements: (1099511627776, 1099511627776)");
  CHECK_ERROR(NdArray<double>({Index{1} << 61}), eg::ShapeError,
              "[array] too many elements: (2305843009213693952)");
  CHECK(NdArray<float>({big, big, 0}).numel() == 0);
}

TEST_CASE("ndarray: what a temporary gives outlives it") {
  const auto make = [] { return NdArray<float>({2, 2}, {1, 2, 3, 4}); };
  const auto matrix = make().matrix();
  const auto array = make().array();
  const auto& element = make()(1, 0);
  const auto& shape = make().shape();
  const NdArray<float> next = NdArray<float>::full({2, 2}, -1);  // takes the freed block
  CHECK(matrix(1, 1) == 4);
  CHECK(array(1) == 2);
  CHECK(element == 3);
  CHECK(shape == Shape{2, 2});
  CHECK(make().array().sum() == 10);
  CHECK(next(0, 0) == -1);
}

TEST_CASE("ndarray: numbers of another type") {
  CHECK_SAME(NdArray<float>({3}, {1.75F, -2.5F, 3}).astype<Index>(),
             NdArray<Index>({3}, {1, -2, 3}));
  CHECK(!NdArray<float>().astype<double>().defined());
  const NdArray<Index> labels = NdArray<int>({2}, {7, -1});
  CHECK_SAME(labels, NdArray<Index>({2}, {7, -1}));
}
