#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Prints, for each room of the library and for the programs, how many files and lines it has and its
# longest function; fails and lists the functions of more than 60 lines that do not say why.
#     tests/packaging/house.sh [ROOT]
# A function that has to be longer says so in the line before it, or where it begins:
#     // long: one loop over the cases, nothing of which can be named apart
# A function's lines are counted from the line with its name to the one with its closing brace.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
find include/eigengrad examples benchmarks -name '*.hpp' -o -name '*.cpp' | LC_ALL=C sort |
  xargs awk '
# The room of a file: the folder, and for the library without the common beginning.
function room_of(file) {
  sub(/\/[^\/]*$/, "", file)
  sub(/^include\/eigengrad\//, "", file)
  if (file == "include/eigengrad") file = "umbrellas"
  return file
}

function trim(text) {
  gsub(/^[ \t]+|[ \t]+$/, "", text)
  return text
}

# Forgets the declaration that was being read.
function restart() {
  head = ""
  head_line = 0
  parens = 0
}

# What a brace opens, from the text before it: a namespace, a type, a function, or values.
function kind_of(text, plain) {
  plain = text
  if (parens > 0) return "values"
  gsub(/operator *[-+*\/<>=!&|^%]+/, "operator", plain)
  while (gsub(/\([^()]*\)/, "@", plain)) continue  # the arguments, with their defaults
  if (plain ~ /(^| )(namespace|extern)( |$)/) return "namespace"
  if (plain ~ /(^|[ >])(class|struct|union|enum)( |$)/ && plain !~ /@ *(const|noexcept)? *$/) {
    return "type"
  }
  if (plain ~ /[^<>=!]=[^=]/ || plain ~ /=$/) return "values"
  if (plain !~ /@/) return "values"
  if (plain ~ /@ *(noexcept)? *:[^:]/ && plain ~ /[A-Za-z0-9_>]$/) return "values"  # member{0}
  return "function"
}

# The name in front of the first arguments that are no condition of a template.
function name_of(text) {
  gsub(/requires *\(/, "", text)
  gsub(/operator *\( *\)/, "operator_call", text)
  sub(/\(.*/, "", text)
  text = trim(text)
  sub(/.*[ &*>]/, "", text)
  sub(/operator_call/, "operator()", text)
  return text
}

function close_function(length_in_lines) {
  length_in_lines = FNR - function_line + 1
  if (length_in_lines > longest[room]) {
    longest[room] = length_in_lines
    longest_name[room] = function_name
    longest_file[room] = FILENAME ":" function_line
  }
  if (length_in_lines > 60 && !reason) {
    offenders = offenders sprintf("%s:%d: %s has %d lines; part it, or say why: // long: ...\n",
                                  FILENAME, function_line, function_name, length_in_lines)
  }
}

# Takes comments and the insides of strings away, which may hold braces.
function code_of(line, out, i, c, two) {
  out = ""
  for (i = 1; i <= length(line); ++i) {
    c = substr(line, i, 1)
    two = substr(line, i, 2)
    if (in_raw) {
      if (substr(line, i, length(raw_end)) == raw_end) {
        in_raw = 0
        i += length(raw_end) - 1
      }
    } else if (in_comment) {
      if (two == "*/") {
        in_comment = 0
        ++i
      }
    } else if (two == "//") {
      break
    } else if (two == "/*") {
      in_comment = 1
      ++i
    } else if (c == "R" && match(substr(line, i), /^R"[A-Za-z_]*\(/)) {
      in_raw = 1
      raw_end = ")" substr(line, i + 2, RLENGTH - 3) "\""
      i += RLENGTH - 1
    } else if (c == "\"" || (c == "\047" && substr(line, i - 1, 1) !~ /[0-9a-fA-F]/)) {
      for (++i; i <= length(line) && substr(line, i, 1) != c; ++i) {
        if (substr(line, i, 1) == "\\") ++i
      }
      out = out "_"
    } else {
      out = out c
    }
  }
  return out
}

# Braces that do not match would hide what follows.
function check_depth() {
  if (depth != 0) offenders = offenders file ": its braces do not match here\n"
}

FNR == 1 {
  check_depth()
  file = FILENAME
  room = room_of(FILENAME)
  if (!(room in files)) rooms[++room_count] = room
  ++files[room]
  depth = 0
  function_depth = 0
  in_comment = in_raw = continued = 0
  previous = ""
  restart()
}
{ ++lines[room] }

{
  line = $0
  directive = !in_raw && !in_comment && (continued || line ~ /^[ \t]*#/)
  continued = directive && line ~ /\\$/
  if (directive) next
  code = code_of(line)
  if (function_depth && FNR <= function_open + 1 && line ~ /\/\/ long: ./) reason = 1
  if (head == "" && code ~ /^[ \t]*EIGENGRAD_[A-Z_]+\(/ && code ~ /\)[ \t]*$/) next
  for (i = 1; i <= length(code); ++i) {
    c = substr(code, i, 1)
    if (c == "{") {
      kind[++depth] = function_depth ? "inside" : kind_of(trim(head))
      if (kind[depth] == "function") {
        function_depth = depth
        function_line = name_line ? name_line : head_line
        function_open = FNR
        function_name = name_of(head)
        reason = reason_before || line ~ /\/\/ long: ./
      }
      if (kind[depth] == "namespace" || kind[depth] == "type") restart()
      if (kind[depth] == "values") saved_parens[depth] = parens
    } else if (c == "}") {
      if (depth == function_depth) {
        if (function_depth) {
          close_function()
          restart()
        }
        function_depth = 0
      } else if (!function_depth && kind[depth] == "values") {
        head = head "@"
        parens = saved_parens[depth]
      } else if (!function_depth) {
        restart()
      }
      if (depth > 0) --depth
    } else if (!function_depth && (depth == 0 || kind[depth] != "values")) {
      if (c == ";" && parens == 0) {
        restart()
      } else if (head != "" || c !~ /[ \t]/) {
        if (head == "") {
          head_line = FNR
          name_line = 0
          reason_before = previous ~ /\/\/ long: ./
        }
        if (c == "(") {
          ++parens
          if (parens == 1 && !name_line && head !~ /(requires|__attribute__|alignas) *$/) {
            name_line = FNR
          }
        }
        if (c == ")") --parens
        head = head c
        if (head ~ /(^|[ \t])(public|private|protected) *:$/) restart()
      }
    }
  }
  if (head != "") head = head " "
  if (line ~ /\/\/ long: ./ && head != "") reason_before = 1
  previous = line
}

END {
  check_depth()
  printf "%-32s %5s %7s  %s\n", "room", "files", "lines", "longest function"
  for (r = 1; r <= room_count; ++r) {
    room = rooms[r]
    printf "%-32s %5d %7d  ", room, files[room], lines[room]
    if (longest[room]) {
      printf "%s, %d lines, %s", longest_name[room], longest[room], longest_file[room]
    }
    printf "\n"
  }
  if (offenders != "") {
    printf "\n%s", offenders
    exit 1
  }
}'
