// SPDX-License-Identifier: MIT
#include <eigengrad/data/char_vocabulary.hpp>
#include <tests/support/test.hpp>

using eg::data::CharVocabulary;
using test::Index;
using test::NdArray;

TEST_CASE("char_vocabulary: value") {
  const CharVocabulary vocabulary("to be or\nnot");
  CHECK(vocabulary.size() == 8);
  CHECK(vocabulary.characters() == "\n benort");
  const NdArray<Index> tokens = vocabulary.encode("to be");
  CHECK_SAME(tokens, NdArray<Index>({5}, {7, 5, 1, 2, 3}));
  CHECK(vocabulary.decode(tokens) == "to be");
  CHECK(vocabulary.decode(NdArray<Index>({2, 2}, {2, 3, 2, 3})) == "bebe");
  CHECK(CharVocabulary(vocabulary.characters()) == vocabulary);
  CHECK_FALSE(CharVocabulary("to be") == vocabulary);
}

TEST_CASE("char_vocabulary: a letter of any script is one token") {
  const std::string text = "na\u00EFve \u20AC5 \U0001F600 \u65E5\u672C";
  const CharVocabulary vocabulary(text);
  CHECK(vocabulary.characters() == " 5aenv\u00EF\u20AC\u65E5\u672C\U0001F600");
  const NdArray<Index> tokens = vocabulary.encode(text);
  CHECK(tokens.numel() == 13);
  CHECK(vocabulary.decode(tokens) == text);
}

TEST_CASE("char_vocabulary: edge") {
  const CharVocabulary one("aaa");
  CHECK(one.size() == 1);
  CHECK(one.encode("").shape() == eg::Shape{0});
  CHECK(one.decode(NdArray<Index>(eg::Shape{0})).empty());
  const CharVocabulary zero(std::string_view("\0b", 2));
  CHECK(zero.encode(std::string_view("b\0", 2))(1) == 0);
}

TEST_CASE("char_vocabulary: error") {
  CHECK_ERROR(CharVocabulary(""), eg::ValueError, "[char_vocabulary] the text must not be empty");
  CHECK_ERROR(CharVocabulary("caf\xE9 au lait"), eg::ValueError,
              "[char_vocabulary] text must be UTF-8: byte 3 (0xE9) begins no character; iconv -f "
              "latin1 -t utf8 converts Latin-1");
  const CharVocabulary vocabulary("caf\u00E9");
  CHECK_ERROR(vocabulary.encode("f\u00E9\u00EA"), eg::ValueError,
              "[char_vocabulary] the vocabulary has no \"\u00EA\" (U+00EA), character 3 of the "
              "text; it has 4 characters");
  CHECK_ERROR(vocabulary.encode("\n"), eg::ValueError,
              "[char_vocabulary] the vocabulary has no U+000A, character 1 of the text; it has 4 "
              "characters");
  CHECK_ERROR(vocabulary.encode("\xC3"), eg::ValueError,
              "[char_vocabulary] text must be UTF-8: byte 0 (0xC3) begins no character; iconv -f "
              "latin1 -t utf8 converts Latin-1");
  CHECK_ERROR(vocabulary.decode(NdArray<Index>({1}, {4})), eg::ValueError,
              "[char_vocabulary] token 4 is out of range for 4 characters");
  CHECK_ERROR(vocabulary.decode(NdArray<Index>({1}, {-1})), eg::ValueError,
              "[char_vocabulary] token -1 is out of range for 4 characters");
}
