// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <eigengrad/core/error.hpp>
#include <eigengrad/core/ndarray.hpp>
#include <eigengrad/io/utf8.hpp>

/// Text as tokens, one for each character.
namespace eigengrad::data {

/// The different characters of a text, numbered in the order of their code points.
///
///     const data::CharVocabulary vocabulary(text);
///     const NdArray<Index> tokens = vocabulary.encode("to be");  // (5)
///     vocabulary.decode(tokens) == "to be";
///
/// A character is a Unicode code point, and text is UTF-8: a letter of any script is one token.
class CharVocabulary {
 public:
  /// **Throws** ValueError when the text is empty or, naming the byte, counted from 0, not UTF-8.
  explicit CharVocabulary(std::string_view text) {
    for_each_code(text, [&](std::uint32_t code) {
      // Of a long text, most characters are in the list already.
      const auto at = std::lower_bound(codes_.begin(), codes_.end(), code);
      if (at == codes_.end() || *at != code) codes_.insert(at, code);
    });
    if (codes_.empty()) throw ValueError("[char_vocabulary] the text must not be empty");
  }

  /// Number of characters.
  Index size() const { return static_cast<Index>(codes_.size()); }

  /// All characters in order, as text: a vocabulary of it is the same one.
  std::string characters() const { return decode(NdArray<Index>::arange(size())); }

  /// **Shapes** result (N), N the number of characters.
  /// **Throws** ValueError for a character that is not in the vocabulary, and as the constructor
  /// for text that is not UTF-8.
  NdArray<Index> encode(std::string_view text) const {
    std::vector<Index> tokens;
    tokens.reserve(text.size());
    for_each_code(text, [&](std::uint32_t code) {
      const auto at = std::lower_bound(codes_.begin(), codes_.end(), code);
      if (at == codes_.end() || *at != code) {
        throw ValueError(eigengrad::detail::concat(
            "[char_vocabulary] the vocabulary has no ", describe(code), ", character ",
            tokens.size() + 1, " of the text; it has ", size(), " characters"));
      }
      tokens.push_back(at - codes_.begin());
    });
    return NdArray<Index>(Shape{static_cast<Index>(tokens.size())}, tokens);
  }

  /// The text of tokens of any shape, in their order. **Throws** ValueError for a token outside
  /// [0, size).
  std::string decode(const NdArray<Index>& tokens) const {
    std::string out;
    for (const Index token : tokens) {
      if (token < 0 || token >= size()) {
        throw ValueError(eigengrad::detail::concat("[char_vocabulary] token ", token,
                                                   " is out of range for ", size(), " characters"));
      }
      io::detail::append_utf8(out, codes_[static_cast<std::size_t>(token)]);
    }
    return out;
  }

  friend bool operator==(const CharVocabulary&, const CharVocabulary&) = default;

 private:
  template <class F>
  static void for_each_code(std::string_view text, F&& f) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t bytes = io::detail::utf8_length(text, at);
      if (bytes == 0) {
        char hex[8];
        std::snprintf(hex, sizeof hex, "0x%02X", static_cast<unsigned char>(text[at]));
        throw ValueError(eigengrad::detail::concat(
            "[char_vocabulary] text must be UTF-8: byte ", at, " (", hex,
            ") begins no character; iconv -f latin1 -t utf8 converts Latin-1"));
      }
      f(io::detail::utf8_code(text, at, bytes));
      at += bytes;
    }
  }

  /// As "\"e\" (U+0065)"; a control character is its number alone.
  static std::string describe(std::uint32_t code) {
    char number[16];
    std::snprintf(number, sizeof number, "U+%04X", code);
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) return number;
    std::string out = "\"";
    io::detail::append_utf8(out, code);
    return out + "\" (" + number + ")";
  }

  std::vector<std::uint32_t> codes_;  ///< sorted
};

}  // namespace eigengrad::data
