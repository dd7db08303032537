// SPDX-License-Identifier: MIT
#include <eigengrad/io/utf8.hpp>
#include <tests/support/test.hpp>

namespace detail = eg::io::detail;

namespace {

std::string encoded(std::uint32_t code) {
  std::string out;
  detail::append_utf8(out, code);
  return out;
}

}  // namespace

TEST_CASE("utf8: value") {
  CHECK(encoded('A') == "A");
  CHECK(encoded(0xE9) == "\xC3\xA9");
  CHECK(encoded(0x20AC) == "\xE2\x82\xAC");
  CHECK(encoded(0x1F600) == "\xF0\x9F\x98\x80");
  const std::string text = encoded('A') + encoded(0xE9) + encoded(0x20AC) + encoded(0x1F600);
  CHECK(detail::is_utf8(text));
  CHECK(detail::utf8_length(text, 0) == 1);
  CHECK(detail::utf8_length(text, 1) == 2);
  CHECK(detail::utf8_length(text, 3) == 3);
  CHECK(detail::utf8_length(text, 6) == 4);
}

TEST_CASE("utf8: edge") {
  CHECK(detail::is_utf8(""));
  CHECK(detail::is_utf8(std::string_view("\0", 1)));
  // The first and the last code of each length, and both sides of the surrogates.
  for (const std::uint32_t code :
       {0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xD7FFu, 0xE000u, 0xFFFFu, 0x10000u, 0x10FFFFu}) {
    CAPTURE(code);
    const std::string text = encoded(code);
    CHECK(detail::utf8_length(text, 0) == text.size());
    CHECK(detail::utf8_code("A" + text, 1, text.size()) == code);
    if (text.size() > 1) CHECK_FALSE(detail::is_utf8(text.substr(0, text.size() - 1)));
  }
}

TEST_CASE("utf8: error") {
  CHECK_FALSE(detail::is_utf8("\x80"));  // a second byte alone
  CHECK_FALSE(
      detail::is_utf8("\xC3"
                      "A"));  // no second byte
  CHECK_FALSE(
      detail::is_utf8("\xE2\x82"
                      "A"));                         // no third byte
  CHECK_FALSE(detail::is_utf8("\xC0\x80"));          // overlong, of two bytes
  CHECK_FALSE(detail::is_utf8("\xE0\x9F\xBF"));      // of three
  CHECK_FALSE(detail::is_utf8("\xF0\x8F\xBF\xBF"));  // of four
  CHECK_FALSE(detail::is_utf8("\xED\xA0\x80"));      // a surrogate
  CHECK_FALSE(detail::is_utf8("\xF4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK_FALSE(detail::is_utf8("\xF5\x80\x80\x80"));
}
