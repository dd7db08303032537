// SPDX-License-Identifier: MIT
#include <set>

#include <examples/translate/number_words.hpp>
#include <tests/support/test.hpp>

using translate::english_words;
using translate::german_words;

namespace {

struct Case {
  int number;
  std::string english, german;
};

const Case kCases[] = {
    {0, "zero", "null"},
    {1, "one", "eins"},
    {7, "seven", "sieben"},
    {10, "ten", "zehn"},
    {11, "eleven", "elf"},
    {12, "twelve", "zwölf"},
    {13, "thirteen", "dreizehn"},
    {16, "sixteen", "sechzehn"},
    {17, "seventeen", "siebzehn"},
    {20, "twenty", "zwanzig"},
    {21, "twenty-one", "einundzwanzig"},
    {30, "thirty", "dreißig"},
    {40, "forty", "vierzig"},
    {55, "fifty-five", "fünfundfünfzig"},
    {66, "sixty-six", "sechsundsechzig"},
    {77, "seventy-seven", "siebenundsiebzig"},
    {99, "ninety-nine", "neunundneunzig"},
    {100, "one hundred", "einhundert"},
    {101, "one hundred and one", "einhunderteins"},
    {111, "one hundred and eleven", "einhundertelf"},
    {200, "two hundred", "zweihundert"},
    {342, "three hundred and forty-two", "dreihundertzweiundvierzig"},
    {1000, "one thousand", "eintausend"},
    {1001, "one thousand and one", "eintausendeins"},
    {1100, "one thousand one hundred", "eintausendeinhundert"},
    {1984, "one thousand nine hundred and eighty-four", "eintausendneunhundertvierundachtzig"},
    {12012, "twelve thousand and twelve", "zwölftausendzwölf"},
    {21001, "twenty-one thousand and one", "einundzwanzigtausendeins"},
    {101000, "one hundred and one thousand", "einhunderteintausend"},
    {201099, "two hundred and one thousand and ninety-nine", "zweihunderteintausendneunundneunzig"},
    {600000, "six hundred thousand", "sechshunderttausend"},
    {777777, "seven hundred and seventy-seven thousand seven hundred and seventy-seven",
     "siebenhundertsiebenundsiebzigtausendsiebenhundertsiebenundsiebzig"},
    {999999, "nine hundred and ninety-nine thousand nine hundred and ninety-nine",
     "neunhundertneunundneunzigtausendneunhundertneunundneunzig"},
};

}  // namespace

TEST_CASE("number_words: known numbers") {
  for (const Case& known : kCases) {
    CHECK(english_words(known.number) == known.english);
    CHECK(german_words(known.number) == known.german);
  }
}

TEST_CASE("number_words: no two numbers have the same words") {
  std::set<std::string> english, german;
  int count = 0;
  for (int n = 0; n < translate::kNumbers; n += n < 30000 ? 1 : 97) {
    english.insert(english_words(n));
    german.insert(german_words(n));
    ++count;
  }
  CHECK(static_cast<int>(english.size()) == count);
  CHECK(static_cast<int>(german.size()) == count);
}
