// SPDX-License-Identifier: MIT
#pragma once

/// Heavy templates stand after their definition a second time, with their types filled in:
///
///     EIGENGRAD_INSTANTIATE(void gemm(const Gemm<float>&))
///
/// In a header-only program that line is nothing. A program that links eigengrad::compiled defines
/// EIGENGRAD_COMPILED, and the line says that the library holds the code; so the compiler need not
/// make it again in each source file. The library's sources, in cmake/compiled/, turn it into that
/// code.
#if defined(EIGENGRAD_COMPILING)
#define EIGENGRAD_INSTANTIATE(...) template __VA_ARGS__;
#elif defined(EIGENGRAD_COMPILED)
#define EIGENGRAD_INSTANTIATE(...) extern template __VA_ARGS__;
#else
#define EIGENGRAD_INSTANTIATE(...)
#endif
