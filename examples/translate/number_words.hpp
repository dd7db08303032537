// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>

/// Whole numbers from 0 to 999,999 in words.
namespace translate {

inline constexpr int kNumbers = 1000000;

namespace detail {

inline std::string english_below_100(int n) {
  static const std::array<const char*, 20> small = {
      "zero",     "one",     "two",     "three",     "four",     "five",    "six",
      "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
      "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  static const std::array<const char*, 10> tens = {"",      "",      "twenty",  "thirty", "forty",
                                                   "fifty", "sixty", "seventy", "eighty", "ninety"};
  if (n < 20) return small[static_cast<std::size_t>(n)];
  const std::string ten = tens[static_cast<std::size_t>(n / 10)];
  return n % 10 == 0 ? ten : ten + "-" + small[static_cast<std::size_t>(n % 10)];
}

inline std::string english_below_1000(int n) {
  if (n < 100) return english_below_100(n);
  const std::string hundreds = english_below_100(n / 100) + " hundred";
  return n % 100 == 0 ? hundreds : hundreds + " and " + english_below_100(n % 100);
}

/// `last` is false where "hundert" or "tausend" follows: a one is then "ein" and not "eins".
inline std::string german_below_100(int n, bool last) {
  static const std::array<const char*, 20> small = {
      "null",     "eins",     "zwei",     "drei",     "vier",     "fünf",    "sechs",
      "sieben",   "acht",     "neun",     "zehn",     "elf",      "zwölf",   "dreizehn",
      "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"};
  static const std::array<const char*, 10> tens = {"",        "",        "zwanzig", "dreißig",
                                                   "vierzig", "fünfzig", "sechzig", "siebzig",
                                                   "achtzig", "neunzig"};
  if (n == 1 && !last) return "ein";
  if (n < 20) return small[static_cast<std::size_t>(n)];
  const std::string ten = tens[static_cast<std::size_t>(n / 10)];
  return n % 10 == 0 ? ten : german_below_100(n % 10, false) + "und" + ten;
}

inline std::string german_below_1000(int n, bool last) {
  if (n < 100) return german_below_100(n, last);
  const std::string hundreds = german_below_100(n / 100, false) + "hundert";
  return n % 100 == 0 ? hundreds : hundreds + german_below_100(n % 100, last);
}

}  // namespace detail

/// "three hundred and forty-two" for 342; n in [0, 999999].
inline std::string english_words(int n) {
  if (n < 1000) return detail::english_below_1000(n);
  const std::string thousands = detail::english_below_1000(n / 1000) + " thousand";
  if (n % 1000 == 0) return thousands;
  return thousands + (n % 1000 < 100 ? " and " : " ") + detail::english_below_1000(n % 1000);
}

/// "dreihundertzweiundvierzig" for 342; n in [0, 999999].
inline std::string german_words(int n) {
  if (n < 1000) return detail::german_below_1000(n, true);
  const std::string thousands = detail::german_below_1000(n / 1000, false) + "tausend";
  return n % 1000 == 0 ? thousands : thousands + detail::german_below_1000(n % 1000, true);
}

}  // namespace translate
