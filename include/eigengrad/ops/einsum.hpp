// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/tensor.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <eigengrad/ops/matmul.hpp>
#include <eigengrad/ops/permute.hpp>
#include <eigengrad/ops/reduce.hpp>
#include <eigengrad/ops/reshape.hpp>

/// Sums of products in Einstein's notation, of one or two operands.
///
/// Each axis has a letter. Axes of one letter have one size; letters that the result lacks are
/// summed over. It is put together from `sum`, `permute`, `reshape` and one `matmul` (or `mul`,
/// where no letter of both operands is summed over), which also make the gradients.
/// **Source** https://docs.pytorch.org/docs/stable/generated/torch.einsum.html
namespace eigengrad {

namespace detail {

/// The letters of the operands' axes and of the result's.
struct EinsumTerms {
  std::string a, b, out;
};

[[noreturn]] inline void throw_einsum(std::string_view rule, std::string_view equation) {
  throw ValueError(concat("[einsum] ", rule, ": equation '", equation, "'"));
}

/// **Throws** ValueError unless the term is letters, each given once.
inline void check_einsum_term(const std::string& term, std::string_view equation) {
  for (std::size_t i = 0; i < term.size(); ++i) {
    const char c = term[i];
    if (c == '.') throw_einsum("an ellipsis is not supported; name each axis", equation);
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))) {
      throw_einsum(concat("'", c, "' is no letter of an axis"), equation);
    }
    if (term.find(c) != i) {
      throw_einsum(concat("a letter may be given once in each term (no diagonals): ", c), equation);
    }
  }
}

/// The letters that are in exactly one operand, in alphabetical order (capitals first).
inline std::string implicit_output(const std::string& a, const std::string& b) {
  std::string out;
  for (const char c : a + b) {
    if ((a.find(c) == a.npos) != (b.find(c) == b.npos)) out += c;
  }
  std::sort(out.begin(), out.end());
  return out;
}

inline EinsumTerms parse_einsum(std::string_view equation, int operands) {
  std::string text;
  std::copy_if(equation.begin(), equation.end(), std::back_inserter(text),
               [](char c) { return c != ' '; });
  const std::size_t arrow = text.find("->");
  const std::string inputs = text.substr(0, arrow);
  const std::size_t comma = inputs.find(',');
  const auto given = 1 + std::count(inputs.begin(), inputs.end(), ',');
  if (given != operands) {
    throw_einsum(
        concat("the equation must name as many operands as there are, ", operands, ", not ", given),
        equation);
  }
  EinsumTerms terms{inputs.substr(0, comma), operands == 2 ? inputs.substr(comma + 1) : "", ""};
  check_einsum_term(terms.a, equation);
  check_einsum_term(terms.b, equation);
  terms.out = arrow == text.npos ? implicit_output(terms.a, terms.b) : text.substr(arrow + 2);
  check_einsum_term(terms.out, equation);
  for (const char c : terms.out) {
    if (terms.a.find(c) == text.npos && terms.b.find(c) == text.npos) {
      throw_einsum(concat("no operand has the result's letter ", c), equation);
    }
  }
  return terms;
}

inline void check_einsum_rank(const char* name, const std::string& term, const Shape& shape) {
  if (shape.rank() == static_cast<Index>(term.size())) return;
  throw ShapeError(
      concat("[einsum] needs one letter per axis: letters '", term, "', ", name, " ", shape));
}

/// x with its axes, which `term` names, in the order of `wanted`; those not wanted are summed over.
template <class T>
Tensor<T> einsum_arrange(const Tensor<T>& x, const std::string& term, const std::string& wanted) {
  Shape dropped;
  std::string left;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (wanted.find(term[i]) == wanted.npos) {
      dropped.push_back(static_cast<Index>(i));
    } else {
      left += term[i];
    }
  }
  Shape order;
  for (const char c : wanted) order.push_back(static_cast<Index>(left.find(c)));
  const Tensor<T> summed = dropped.empty() ? x : sum(x, dropped);
  return left == wanted ? summed : permute(summed, order);
}

/// The sizes of the letters, in a or else in b.
inline Shape einsum_sizes(const std::string& letters, const EinsumTerms& terms, const Shape& a,
                          const Shape& b) {
  Shape out;
  for (const char c : letters) {
    const std::size_t at = terms.a.find(c);
    out.push_back(at != terms.a.npos ? a[static_cast<Index>(at)]
                                     : b[static_cast<Index>(terms.b.find(c))]);
  }
  return out;
}

}  // namespace detail

/// The sum or the transpose of x that the equation names: "ij->ji", "bij->b". Without "->" the
/// result's letters are in alphabetical order, as in NumPy and PyTorch.
///
/// **Throws** ShapeError unless there is one letter per axis; ValueError on an equation that cannot
/// be read, an ellipsis, or a letter that one operand has twice.
template <class T>
Tensor<T> einsum(std::string_view equation, const Tensor<T>& x) {
  const detail::EinsumTerms terms = detail::parse_einsum(equation, 1);
  detail::check_einsum_rank("x", terms.a, x.shape());
  return detail::einsum_arrange(x, terms.a, terms.out);
}

/// The sum of products of a and b that the equation names: "ik,kj->ij", "bhqd,bhkd->bhqk",
/// "i,j->ij". Without "->" the result has the letters that one operand alone has, in alphabetical
/// order.
///
/// **Throws** ShapeError unless there is one letter per axis and one size per letter; ValueError on
/// an equation that cannot be read, an ellipsis, or a letter that one operand has twice.
template <class T>
Tensor<T> einsum(std::string_view equation, const Tensor<T>& a, const Tensor<T>& b) {
  const detail::EinsumTerms terms = detail::parse_einsum(equation, 2);
  detail::check_einsum_rank("a", terms.a, a.shape());
  detail::check_einsum_rank("b", terms.b, b.shape());
  std::string batch, rows, inner, cols;  // as in (B, M, K) (B, K, N)
  for (std::size_t i = 0; i < terms.a.size(); ++i) {
    const char c = terms.a[i];
    const bool kept = terms.out.find(c) != terms.out.npos;
    const std::size_t other = terms.b.find(c);
    if (other == terms.b.npos) {
      if (kept) rows += c;
      continue;
    }
    if (a.dim(static_cast<Index>(i)) != b.dim(static_cast<Index>(other))) {
      throw ShapeError(detail::concat("[einsum] sizes of ", c, " must be equal: equation '",
                                      equation, "', a ", a.shape(), ", b ", b.shape()));
    }
    (kept ? batch : inner) += c;
  }
  for (const char c : terms.b) {
    if (terms.a.find(c) == terms.a.npos && terms.out.find(c) != terms.out.npos) cols += c;
  }
  const auto sizes = [&](const std::string& letters) {
    return detail::einsum_sizes(letters, terms, a.shape(), b.shape());
  };
  const Index many = sizes(batch).numel(), m = sizes(rows).numel(), k = sizes(inner).numel(),
              n = sizes(cols).numel();
  const Tensor<T> left =
      reshape(detail::einsum_arrange(a, terms.a, batch + rows + inner), {many, m, k});
  const Tensor<T> right =
      reshape(detail::einsum_arrange(b, terms.b, batch + inner + cols), {many, k, n});
  const Tensor<T> product = inner.empty() ? left * right : matmul(left, right);
  const std::string letters = batch + rows + cols;
  return detail::einsum_arrange(reshape(product, sizes(letters)), letters, terms.out);
}

}  // namespace eigengrad
