#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Do house.sh, words.sh and snippets.sh find what they look for, and nothing else?
#     scripts_test.sh WORK_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$1
rm -rf "$work"
mkdir -p "$work"/include/eigengrad/{core,kernels/simd} "$work"/{examples,benchmarks}
cd "$work"
fail() {
  echo "$1"
  exit 1
}

# words.sh: the first list is found, one hit on each line; the second is ordinary English.
{
  echo '/// The bias [b]ehind the product.'
  echo '// A mean [b]eside the weights.'
  echo 'int [t]urned = 0;'
  echo 'void [t]urn_block();'
  echo '// Planes in [t]urn.'
  echo '// Runs with [s]o many threads.'
  echo '// Where it can be [h]ad.'
  echo '// 12 MFLOP an [i]mage'
  echo '// It keeps three numbers a'
  echo '//   [r]ow of its input.'
  echo '// drawn once a [b]atch'
  echo '// a third of a percent an [e]poch'
  echo '// 512 x 512 a [h]ead'
  echo '/// [O]f the result.'
  echo 'Index n;  ///< [O]f the result.'
} | sed 's/\[//; s/\]//' >bad.hpp
cat >good.hpp <<'END'
/// Returns what is overturned; a return value.
/// An image is a row of pixels; each step makes a batch, and one is a step.
/// What stands in a row has an image; times a head's attention; looked at the images a second time.
/// One as a row, two as an image. The mean of equal ones. Office hours.
/// 12 MFLOP per image, three numbers per row, once per batch.
END
if "$here/words.sh" . bad.hpp >found.txt; then fail 'words.sh finds nothing in bad.hpp'; fi
lines=$(sed 's/^bad.hpp:\([0-9]*\):.*/\1/' found.txt | tr '\n' ' ')
[ "$lines" = '1 2 3 4 5 6 7 8 9 11 12 13 14 15 ' ] || fail "words.sh finds the lines $lines"
"$here/words.sh" . good.hpp || fail 'words.sh takes ordinary English for another'

# house.sh: 61 lines are too many, 60 are not, nor 61 with a reason.
function_of() {  # function_of NAME LINES: with braces that are no blocks
  echo 'template <class T>'
  echo "void $1(const T& x = {}, char open = '{') {  // }"
  for ((i = 2; i < $2; ++i)); do echo '  use(x, "}}", R"({)", T{1});'; done
  echo '}'
}
{
  echo '#pragma once'
  echo 'namespace eigengrad {'
  echo 'struct Options { int width = 0; };'
  function_of short_enough 60
  echo '// long: the cases have no name of their own'
  function_of explained 61
  echo 'class Layer {'
  echo ' public:'
  echo '  Layer() : width_{1}, height_(2) {'
  for ((i = 2; i < 61; ++i)); do echo '    use(width_);'; done
  echo '  }'
  echo '  bool operator==(const Layer& other) const { return width_ == other.width_; }'
  echo '};'
  echo '}  // namespace eigengrad'
} >include/eigengrad/core/a.hpp
function_of too_long 63 >include/eigengrad/kernels/simd/b.hpp
if "$here/house.sh" . >found.txt; then fail 'house.sh finds no long function'; fi
grep -q 'core/a.hpp:130: Layer has 61 lines' found.txt || fail 'house.sh misses the constructor'
grep -q 'simd/b.hpp:2: too_long has 63 lines' found.txt || fail 'house.sh misses too_long'
[ "$(grep -c 'lines; part it' found.txt)" = 2 ] || fail "house.sh finds more: $(cat found.txt)"
grep -qE '^kernels/simd +1 +64  too_long, 63 lines' found.txt || fail 'house.sh counts another way'

# snippets.sh: three programs, in order; sections are functions; a message is expected.
cat >page.md <<'END'
```cpp
struct A {};
```
## One
```cpp
int x = 1;
```
<!-- cpp: check(x == 1); -->
```cpp
fall();
```

```text
[op] it fell
```
```cpp
int main() { return 0; }
```
```c++
this is not C++
```
<!-- cpp
int main() { prepare(); }
-->
END
[ "$("$here/snippets.sh" page.md page out | tr '\n' ' ')" = 'page.cpp page_2.cpp page_3.cpp ' ] ||
  fail 'snippets.sh makes other programs'
grep -q 'prepare' out/page_2.cpp || fail 'the hidden program is missing'
grep -q 'int main() { return 0; }' out/page.cpp || fail 'the program with main is missing'
for part in 'struct A' 'static void section_1' 'check(x == 1)' \
  'expect(R"TEXT(\[op\] it fell)TEXT"'; do
  grep -q "$part" out/page_3.cpp || fail "the program lacks $part"
done
if grep -q 'not C++' out/*.cpp; then fail 'what is only shown is in a program'; fi
echo 'the scripts find what they should'
