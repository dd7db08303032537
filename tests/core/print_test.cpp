// SPDX-License-Identifier: MIT
#include <sstream>

#include <eigengrad/core/print.hpp>
#include <eigengrad/io/safetensors_file.hpp>
#include <eigengrad/ops/arithmetic.hpp>
#include <tests/support/test.hpp>

using eg::to_string;
using test::Index;
using test::NdArray;
using test::Tensor;

namespace {

template <class T>
std::string streamed(const T& x) {
  std::ostringstream out;
  out << x;
  return out.str();
}

}  // namespace

TEST_CASE("print: value") {
  CHECK(streamed(NdArray<float>({2, 2}, {1, 2.5f, -3, 0})) == "[[ 1.   2.5]\n [-3.   0. ]]");
  CHECK(streamed(NdArray<int>({3}, {1, -20, 3})) == "[  1 -20   3]");
  CHECK(streamed(NdArray<std::uint64_t>({1}, {UINT64_MAX})) == "[18446744073709551615]");
  CHECK(streamed(NdArray<bool>({2}, {true, false})) == "[ True False]");
  CHECK(streamed(NdArray<double>()) == "undefined");
  CHECK(streamed(test::Shape{2, 3}) == "(2, 3)");
  std::ostringstream wide;
  wide << test::Shape{1} << ' ' << NdArray<double>::scalar(0.5) << ' ' << Tensor<double>();
  CHECK(wide.str() == "(1) 0.5 tensor(undefined)");
}

TEST_CASE("print: arguments") {
  const NdArray<double> x({5}, {0.5, 1. / 3, 2. / 3, 1, 123.456789});
  CHECK(to_string(x, {.precision = 2}) == "[  0.5    0.33   0.67   1.   123.46]");
  CHECK(to_string(x, {.precision = 0}) == "[  0.   0.   1.   1. 123.]");
  CHECK(to_string(x, {.precision = 2, .threshold = 4, .edge_items = 1}) == "[  0.5  ... 123.46]");
  CHECK(to_string(x, {.precision = 2, .line_width = 20}) ==
        "[  0.5    0.33\n   0.67   1.\n 123.46]");
  CHECK(to_string(x, {.precision = 2, .line_width = 1}) ==
        "[  0.5\n   0.33\n   0.67\n   1.\n 123.46]");
  CHECK_ERROR(to_string(x, {.precision = -1}), eg::ValueError,
              "[to_string] precision must be in [0, 100]: -1");
  CHECK_ERROR(to_string(x, {.threshold = -1}), eg::ValueError,
              "[to_string] threshold must be at least 0: -1");
  CHECK_ERROR(to_string(x, {.edge_items = 0}), eg::ValueError,
              "[to_string] edge_items must be at least 1: 0");
}

TEST_CASE("print: tensors") {
  const Tensor<float> x({2, 2}, {1, 2, 3, 4}, true);
  CHECK(streamed(x) == "tensor([[1., 2.],\n        [3., 4.]], requires_grad=True)");
  CHECK(streamed(x + x) == "tensor([[2., 4.],\n        [6., 8.]], op=add)");
  CHECK(streamed(x.detach()) == "tensor([[1., 2.],\n        [3., 4.]])");
  CHECK(streamed(Tensor<double>::scalar(1.5, true)) == "tensor(1.5, requires_grad=True)");
  CHECK(streamed(Tensor<float>::zeros({0})) == "tensor([])");
  CHECK(streamed(Tensor<float>::zeros({3, 0})) == "tensor([], shape=(3, 0))");
  CHECK(streamed(Tensor<float>::zeros({2000})) ==
        "tensor([0., 0., 0., ..., 0., 0., 0.], "
        "shape=(2000))");
  CHECK(to_string(Tensor<float>::zeros({4}, true), {.line_width = 30}) ==
        "tensor([0., 0., 0., 0.],\n       requires_grad=True)");
}

TEST_CASE("print: reference") {
  const eg::io::SafetensorsFile file(EIGENGRAD_TEST_DIR "/reference/print.safetensors");
  for (const std::string& name : file.names()) {
    INFO(name);
    const auto check = [&](const auto& array) {
      CHECK(to_string(array, {.precision = 8}) == file.metadata().at(name));
      CHECK(to_string(array) == file.metadata().at(name + " at 4"));
    };
    const std::string& dtype = file.dtype(name);
    if (dtype == "F32") check(file.get<float>(name));
    if (dtype == "F64") check(file.get<double>(name));
    if (dtype == "I64") check(file.get<Index>(name));
    if (dtype == "U8") check(file.get<std::uint8_t>(name));
    if (dtype == "BOOL") check(file.get<bool>(name));
  }
  CHECK(file.names().size() == 40);
}
