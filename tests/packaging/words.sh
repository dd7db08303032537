#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Names and sentences use the field's words in plain English. Fails and lists, as FILE:LINE, each
# place that does not:
#     tests/packaging/words.sh [ROOT [FILE...]]
# - words of place or of an older English where after, past, with, next to, available, many fit;
# - the verb that can mean transpose, rotate, flip or alternate (names are searched for it too);
# - a number of something for each row, image, epoch ... without "per";
# - a docstring that begins with "Of" and has no noun to belong to.
# A phrase that is broken over two lines is found as well. Square brackets keep the script from
# finding itself.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
shift || true
if [ $# -gt 0 ]; then
  files=$(printf '%s\n' "$@")
else
  files=$(find ./*.md CMakeLists.txt cmake docs include examples \
    benchmarks tests -type f \( -name '*.md' -o -name '*.hpp' -o -name '*.cpp' -o -name '*.sh' \
    -o -name '*.py' -o -name '*.txt' -o -name '*.cmake' -o -name '*.in' \) | LC_ALL=C sort)
fi
printf '%s\n' "$files" | LC_ALL=C xargs awk '
BEGIN {
  start = "(^|[^a-z])"
  stop = "([^a-z]|$)"
  word[1] = start "b[e]hind" stop;       better[1] = "after, past, following"
  word[2] = start "b[e]side" stop;       better[2] = "next to, alongside, with"
  word[3] = start "s[o] many" stop;      better[3] = "many, this many"
  word[4] = start "(be|been|was|were|is|are) h[a]d" stop
  better[4] = "available, computed, found"
  word[5] = start "t[u]rn(s|ed|ing)?" stop
  better[5] = "transpose, rotate, flip, alternate, parity"
  # Numbers of things, then "a" or "an", then what they are counted for.
  unit = "([gmtp]?flops?|m?macs?|multiply-adds?|[kmg]i?b|ms|us|µs|bytes|numbers|values|elements|" \
         "(micro|milli|nano)?seconds|minutes|hours|images|epochs|steps|pixels|tokens|floats|" \
         "lines|keys|copies|insertions|additions|compares|selects|products|" \
         "convolutions|radians|batches|rows|draws|registers|loads|stores|reads|" \
         "percent|%|once|twice|times|all|much|" \
         "[0-9]+[a-z]?|[0-9]e[0-9]+|[0-9] (s|mb)|a line|(one|a single) [a-z-]*[^s ,.;:()])"
  span = "(row|column|image|picture|epoch|step|batch|head|lane|pixel|second|layer|token|sample|" \
         "channel|element|output|input|stage|thread|vector|tile|query|class|call|header|parameter)"
  word[6] = start unit " an? " span "([^a-z\047]|$)"
  better[6] = "per"
  # "Of" opens a docstring.
  fragment = "^[ \t]*//[/!]<? *O[f] |[^/]//[/!]<? *O[f] "
  # These stand between "one" and "a" in ordinary sentences: "one as a row", "one is a step".
  split("is was has had as in on at by to of with for from into per than or and not but only " \
        "that like over where when if after before makes does each", word_list, " ")
  for (i in word_list) plain["one " word_list[i]] = plain["single " word_list[i]] = 1
}

# Without what opens a comment, and with one space where there are several.
function text_of(line) {
  gsub(/^[ \t]*(\/\/[\/!]?<?|#|\*|>)?[ \t]+/, "", line)
  gsub(/[ \t]+/, " ", line)
  return tolower(line)
}

function report(what, found) {
  printf "%s:%d: \"%s\"; better: %s\n", file, number, found, what
  bad = 1
}

# Looks at the line before this one, with this one after it.
function check(next_text, i, at, rest, joined, found, from) {
  joined = text " " next_text
  for (i = 1; i <= 6; ++i) {
    rest = joined
    from = 0
    while (match(rest, word[i])) {
      found = substr(rest, RSTART, RLENGTH)
      at = from + RSTART
      if (at > length(text)) break
      gsub(/^[^a-z0-9%µ]+|[^a-z0-9]+$/, "", found)
      if (i != 6 || !ordinary(found, substr(rest, RSTART + RLENGTH - 1))) report(better[i], found)
      from += RSTART + RLENGTH - 2
      rest = substr(rest, RSTART + RLENGTH - 1)
    }
  }
  if (raw ~ fragment) report("a noun and a verb", substr(text, 1, 30))
}

# Whether this is no number: "one as a step" (a word that joins the two), "the steps a second time".
function ordinary(found, following) {
  if (found ~ / second$/ && following ~ /^ ?(time|one|run|walk|pass)/) return 1
  sub(/ an? [a-z]+$/, "", found)
  return found in plain
}

FNR == 1 {
  if (file != "") check("")
  file = FILENAME
  text = raw = ""
  number = 0
}
{
  if (FNR > 1) check(text_of($0))
  raw = $0
  text = text_of($0)
  number = FNR
}
END {
  if (file != "") check("")
  exit bad
}'
echo 'the words are plain'
