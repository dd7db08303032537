// SPDX-License-Identifier: MIT
#pragma once

// stb_image.h and stb_image_write.h with their code, private to the source file that includes this:
// any number of source files may, without clashes. A program that compiles stb itself includes its
// own stb headers first, and its code is used. Nothing here is eigengrad's: no warnings about it.
#pragma GCC system_header

#if !__has_include(<stb/stb_image.h>) && !__has_include(<stb_image.h>)
#error \
    "eigengrad/image/image_file.hpp needs stb_image.h and stb_image_write.h: install libstb-dev (Debian, \
Ubuntu), or put https://github.com/nothings/stb on the include path"
#endif

#ifndef STBI_INCLUDE_STB_IMAGE_H
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#else
#include <stb_image.h>
#endif
#undef STBI_ONLY_BMP
#undef STBI_ONLY_PNG
#undef STBI_ONLY_JPEG
#undef STBI_NO_STDIO
#undef STB_IMAGE_STATIC
#undef STB_IMAGE_IMPLEMENTATION
#endif

#ifndef INCLUDE_STB_IMAGE_WRITE_H
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#if __has_include(<stb/stb_image_write.h>)
#include <stb/stb_image_write.h>
#else
#include <stb_image_write.h>
#endif
#undef STBI_WRITE_NO_STDIO
#undef STB_IMAGE_WRITE_STATIC
#undef STB_IMAGE_WRITE_IMPLEMENTATION
#endif
