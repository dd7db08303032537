// SPDX-License-Identifier: MIT
#pragma once

/// A heavy template is repeated after its definition with its types filled in:
///
///     EIGENGRAD_INSTANTIATE(void gemm(const Gemm<float>&))
///
/// In a header-only program that line is empty. A program that links eigengrad::compiled defines
/// EIGENGRAD_COMPILED; the line then says that the library contains the code, and the compiler does
/// not generate it again in each source file. In the library's sources, in cmake/compiled/, the
/// line generates that code.
#if defined(EIGENGRAD_COMPILING)
#define EIGENGRAD_INSTANTIATE(...) template __VA_ARGS__;
#elif defined(EIGENGRAD_COMPILED)
#define EIGENGRAD_INSTANTIATE(...) extern template __VA_ARGS__;
#else
#define EIGENGRAD_INSTANTIATE(...)
#endif
