// SPDX-License-Identifier: MIT
#include <eigengrad/ops/einsum.hpp>
#include <tests/support/reference.hpp>
#include <tests/support/test.hpp>
#include <tests/support/threads.hpp>

using test::Index;
using test::NdArray;
using test::Shape;
using test::Tensor;

TEMPLATE_TEST_CASE("einsum: value", "", float, double) {
  using T = TestType;
  const Tensor<T> a({2, 2}, {1, 2, 3, 4});
  const Tensor<T> b({2, 2}, {10, 20, 30, 40});
  const Tensor<T> v({2}, {5, 7});
  CHECK_SAME(eg::einsum("ij->ji", a).value(), NdArray<T>({2, 2}, {1, 3, 2, 4}));
  CHECK_SAME(eg::einsum("ji", a).value(), NdArray<T>({2, 2}, {1, 3, 2, 4}));
  CHECK_SAME(eg::einsum("ij->i", a).value(), NdArray<T>({2}, {3, 7}));
  CHECK(eg::einsum("ij->", a).item() == 10);
  CHECK_SAME(eg::einsum("ik,kj->ij", a, b).value(), NdArray<T>({2, 2}, {70, 100, 150, 220}));
  CHECK_SAME(eg::einsum(" i k , k j ", a, b).value(), NdArray<T>({2, 2}, {70, 100, 150, 220}));
  CHECK_SAME(eg::einsum("i,j->ji", v, v).value(), NdArray<T>({2, 2}, {25, 35, 35, 49}));
  CHECK_SAME(eg::einsum("ij,j->ij", a, v).value(), NdArray<T>({2, 2}, {5, 14, 15, 28}));
  CHECK(eg::einsum("ij,ij->", a, b).item() == 300);
}

TEST_CASE("einsum: gradient") {
  const NdArray<double> a = test::random({2, 3, 4}, 1);
  const NdArray<double> b = test::random({2, 5, 4}, 2);
  const NdArray<double> c = test::random({4, 5}, 3);
  CHECK_GRADIENT(eg::einsum("bik,bjk->jbi", x[0], x[1]), {a, b});
  CHECK_GRADIENT(eg::einsum("bik,kj->ji", x[0], x[1]), {a, c});
  CHECK_GRADIENT(eg::einsum("bik,bjc->ibj", x[0], x[1]), {a, b});
  CHECK_GRADIENT(eg::einsum("ij,ij", x[0], x[0]), {c});
  CHECK_GRADIENT(eg::einsum("bik->kb", x[0]), {a});
}

TEST_CASE("einsum: edge") {
  const Tensor<float> none = Tensor<float>::zeros({3, 0});
  CHECK_SAME(eg::einsum("ik,jk", none, none).value(), NdArray<float>::zeros({3, 3}));
  CHECK(eg::einsum("ik,ij->kj", none, none).shape() == Shape{0, 0});
  CHECK(eg::einsum(",->", Tensor<float>::scalar(3), Tensor<float>::scalar(2)).item() == 6);
  CHECK(eg::einsum("", Tensor<float>::scalar(3)).item() == 3);
  CHECK(eg::einsum("abcdef->fbcdea", Tensor<float>::zeros({1, 2, 3, 4, 5, 6})).shape() ==
        Shape{6, 2, 3, 4, 5, 1});
  SECTION("the same bits on any number of threads") {
    const NdArray<float> a = test::random<float>({6, 40, 30}, 1);
    const NdArray<float> b = test::random<float>({50, 30, 6}, 2);
    test::check_threads([&] {
      const Tensor<float> p(a, true), q(b, true);
      const Tensor<float> y = eg::einsum("bik,jkb->bij", p, q);
      y.backward(y.value());
      return std::vector{y.value(), p.grad(), q.grad()};
    });
  }
}

TEST_CASE("einsum: error") {
  const auto a = Tensor<float>::zeros({2, 3});
  const auto fails = [&](const char* equation, const std::string& rule) {
    INFO(equation);
    CHECK_ERROR(eg::einsum(equation, a, a), eg::ValueError,
                "[einsum] " + rule + ": equation '" + equation + "'");
  };
  fails("ij->ji", "the equation must name as many operands as there are, 2, not 1");
  fails("ij,jk,kl", "the equation must name as many operands as there are, 2, not 3");
  fails("ii,ij->j", "a letter may be given once in each term (no diagonals): i");
  fails("ij,ij->jj", "a letter may be given once in each term (no diagonals): j");
  fails("...j,ij", "an ellipsis is not supported; name each axis");
  fails("i1,ij", "'1' is no letter of an axis");
  fails("ij,ij-i", "'-' is no letter of an axis");
  fails("ij,ij->k", "no operand has the result's letter k");
  CHECK_ERROR(eg::einsum("ij,ij", a), eg::ValueError,
              "[einsum] the equation must name as many operands as there are, 1, not 2: equation "
              "'ij,ij'");
  CHECK_ERROR(eg::einsum("ij,jk", a, a), eg::ShapeError,
              "[einsum] sizes of j must be equal: equation 'ij,jk', a (2, 3), b (2, 3)");
  CHECK_ERROR(eg::einsum("ij,i", a, a), eg::ShapeError,
              "[einsum] needs one letter per axis: letters 'i', b (2, 3)");
  CHECK_ERROR(eg::einsum("ijk", a), eg::ShapeError,
              "[einsum] needs one letter per axis: letters 'ijk', x (2, 3)");
}

TEMPLATE_TEST_CASE("einsum: reference", "", float, double) {
  using T = TestType;
  const test::Reference reference("einsum");
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;
  const char* const equations[] = {
      "ij->ji",          "ba",          "bij->b",   "bij->jb",    "ij->",
      "ij->ij",          "i",           "ik,kj",    "ki,jk->ij",  "bik,bkj->bij",
      "bhik,bhjk->bhij", "bik,jk->jbi", "i,j->ij",  "i,i->i",     "i,i",
      "i,i->",           "ij,ij->j",    "bi,ij->b", "bij,k->kib", "ij,->ji",
      "bA,Ab",           "hik,bkj->bh", "kj,ikb"};
  int number = 0;
  for (const char* equation : equations) {
    INFO(equation);
    reference.check<T>(std::to_string(number++), tolerance, [&](const auto& x) {
      return x.size() == 1 ? eg::einsum(equation, x[0]) : eg::einsum(equation, x[0], x[1]);
    });
  }
}
