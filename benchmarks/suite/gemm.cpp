// SPDX-License-Identifier: MIT
#include <benchmarks/suite/harness.hpp>
#include <benchmarks/suite/naive.hpp>

#include <eigengrad/kernels/gemm/gemm.hpp>

namespace bench {
namespace {

/// C (m, n) = A B with A stored as (k, m) and B as (n, k) where they are transposed.
struct Case {
  bool transpose_a, transpose_b;
  Index m, n, k;
};

void add(Suite& suite, const Case& c) {
  const std::string name = std::string("gemm ") + (c.transpose_a ? "T" : "N") +
                           (c.transpose_b ? "T" : "N") + " " + std::to_string(c.m) + " x " +
                           std::to_string(c.n) + " x " + std::to_string(c.k);
  suite.add(name, flop(2.0 * double(c.m) * double(c.n) * double(c.k)), 1e-5, [c] {
    const Array a = random(c.transpose_a ? Shape{c.k, c.m} : Shape{c.m, c.k}, 1);
    const Array b = random(c.transpose_b ? Shape{c.n, c.k} : Shape{c.k, c.n}, 2);
    Array out(Shape{c.m, c.n});
    auto run = [=]() mutable {
      eg::kernels::gemm<float>({.m = c.m,
                                .n = c.n,
                                .k = c.k,
                                .a = a.data(),
                                .lda = a.dim(1),
                                .transpose_a = c.transpose_a,
                                .b = b.data(),
                                .ldb = b.dim(1),
                                .transpose_b = c.transpose_b,
                                .c = out.data(),
                                .ldc = c.n});
    };
    return Kernel{.run = run, .error = [=]() mutable {
                    run();
                    return difference(out, naive_product(c.transpose_a ? transposed(a) : exact(a),
                                                         c.transpose_b ? transposed(b) : exact(b)));
                  }};
  });
}

}  // namespace

void gemm_benchmarks(Suite& suite) {
  // The linears of a ViT of dim 192 on 64 x 65 tokens: forward, gradient of x, gradient of W.
  constexpr Index kRows = 4160;
  for (const auto& [out, in] :
       {std::pair<Index, Index>{576, 192}, {192, 192}, {768, 192}, {192, 768}}) {
    add(suite, {false, true, kRows, out, in});
    add(suite, {false, false, kRows, in, out});
    add(suite, {true, false, out, in, kRows});
  }
  // Other widths; odd sizes; squares; one image's tokens; small ones.
  for (const Index d : {64, 128, 256, 384, 768}) {
    add(suite, {false, true, 1024, d, d});
    add(suite, {false, false, 1024, d, d});
    add(suite, {true, false, d, d, 1024});
  }
  const Case others[] = {{false, false, 1023, 191, 193},   {false, true, 1023, 191, 193},
                         {true, false, 191, 193, 1023},    {false, false, 127, 65, 33},
                         {false, false, 1024, 1024, 1024}, {false, true, 1024, 1024, 1024},
                         {true, false, 1024, 1024, 1024},  {false, true, 65, 576, 192},
                         {false, true, 65, 192, 768},      {false, true, 1, 10, 192},
                         {false, false, 8, 8, 8},          {false, false, 16, 16, 16},
                         {false, false, 32, 32, 32},       {false, false, 64, 64, 64}};
  for (const Case& c : others) add(suite, c);
}

}  // namespace bench
