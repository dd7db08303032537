#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes programs from the C++ blocks of a page, so that the tests compile and run what it shows:
#     snippets.sh PAGE.md NAME FOLDER
# writes FOLDER/NAME.cpp, FOLDER/NAME_2.cpp, ... and prints their names.
#
# - A block with `int main` is a program of its own.
# - All others of a page make one program. A block that begins with a directive, a template, a type,
#   a namespace, `using` or an inline function stands at file scope. Everything else is put into
#   functions, one for each section (##): a block continues the blocks before it in its section.
# - A ```text block straight after a ```cpp block is the message of the exception that the block
#   ends with; another message, or none, fails.
# - <!-- cpp ... --> holds lines that readers do not see, `<!-- cpp: one line -->` one of them:
#   preparations, and `check(condition)`.
# - ```c++ is shown only, for what must not compile.
set -euo pipefail
page=$1 name=$2 folder=$3
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -v page="$page" -v out="$work/$name" '
BEGIN { section = 0 }

function is_file_scope(text) {
  sub(/^(#line [^\n]*\n)?([ \t]*\/\/[^\n]*\n|[ \t]*\n)*/, "", text)
  return text ~ /^(#|template|class|struct|enum|namespace|inline|using)/
}

# Puts the block that waits for a message, or for none, into its place.
function flush(message) {
  if (pending == "") return
  if (message != "") {
    pending = "expect(R\"TEXT(" message ")TEXT\", [&] {\n" pending "});\n"
  }
  if (is_file_scope(pending)) {
    file_scope = file_scope pending
  } else {
    sections[section] = sections[section] pending
  }
  pending = ""
}

function program_name() {
  ++programs
  return programs == 1 ? out ".cpp" : out "_" programs ".cpp"
}

/^## / && !inside { flush(""); ++section }
/^```/ || (inside == "hidden" && /^-->/) {
  if (inside == "") {
    inside = $0 == "```cpp" ? "cpp" : $0 == "```text" ? "text" : "other"
    body = inside == "text" ? "" : "#line " (NR + 1) " \"" page "\"\n"
    if (inside != "text") flush("")
  } else {
    if ((inside == "cpp" || inside == "hidden") && body ~ /int main/) {
      printf "%s", body >program_name()
    } else if (inside == "cpp") {
      pending = body
    } else if (inside == "hidden") {
      pending = body
      flush("")
    } else if (inside == "text") {
      sub(/\n$/, "", body)
      flush(body)
    }
    inside = ""
  }
  next
}
/^<!-- cpp$/ && !inside {
  flush("")
  inside = "hidden"
  body = "#line " (NR + 1) " \"" page "\"\n"
  next
}
/^<!-- cpp: .* -->$/ && !inside {
  flush("")
  line = $0
  sub(/^<!-- cpp: /, "", line)
  sub(/ -->$/, "", line)
  pending = "#line " NR " \"" page "\"\n" line "\n"
  flush("")
  next
}
/^#pragma once/ { next }
inside { body = body $0 "\n"; next }
/[^ \t]/ { flush("") }

END {
  flush("")
  for (i = 0; i <= section; ++i) if (sections[i] != "") used = 1
  if (!used && file_scope == "") exit
  file = program_name()
  print "#include <cmath>\n#include <cstdio>\n#include <cstdlib>\n#include <exception>\n" \
        "#include <string>\n#include <vector>\n\n#include <eigengrad/eigengrad.hpp>\n\n" \
        "namespace eg = eigengrad;\n" >file
  print "#define check(...) check_that(__VA_ARGS__, #__VA_ARGS__, __LINE__)\n" \
        "[[maybe_unused]] static void check_that(bool condition, const char* text, int line) {\n" \
        "  if (condition) return;\n" \
        "  std::fprintf(stderr, \"" page ":%d: not so: %s\\n\", line, text);\n" \
        "  std::exit(1);\n}\n" >file
  print "template <class F>\n" \
        "[[maybe_unused]] void expect(const std::string& message, const F& block) {\n" \
        "  std::string thrown = \"(nothing was thrown)\";\n  try {\n    block();\n" \
        "  } catch (const std::exception& error) {\n    thrown = error.what();\n  }\n" \
        "  if (thrown == message) return;\n" \
        "  std::fprintf(stderr, \"" page " says\\n  %s\\nbut it is\\n  %s\\n\",\n" \
        "               message.c_str(), thrown.c_str());\n  std::exit(1);\n}\n" >file
  printf "%s", file_scope >file
  calls = ""
  for (i = 0; i <= section; ++i) {
    if (sections[i] == "") continue
    printf "static void section_%d() {\n%s}\n", i, sections[i] >file
    calls = calls "  section_" i "();\n"
  }
  printf "#line 1 \"%s.cpp\"\nint main() {\n%s}\n", out, calls >file
}' "$page"
for file in "$work"/*.cpp; do
  [ -e "$file" ] || continue
  target=$folder/$(basename "$file")
  cmp -s "$file" "$target" || cp "$file" "$target"
  echo "$(basename "$file")"
done
