# SPDX-License-Identifier: MIT
# Sourced by the tests of programs, which are given the program's path: a folder of their own to work
# in, and what they all use.
set -euo pipefail
tests=$(cd "$(dirname "$0")" && pwd)
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*"; exit 1; }

# has FILE TEXT...: the file contains each text.
has() {
  local file=$1 text
  shift
  for text in "$@"; do
    grep -qF -- "$text" "$file" || { cat "$file"; fail "no \"$text\" in $file"; }
  done
}

# bad TEXT ARGUMENTS...: one line with the text on standard error, but for a list that is indented
# below it, and a status that is not 0.
bad() {
  local text=$1 status=0
  shift
  "$program" "$@" >out.txt 2>error.txt || status=$?
  [ $status = 1 ] || [ $status = 2 ] || fail "status $status for: $*"
  [ "$(grep -vc "^  " error.txt)" = 1 ] || { cat error.txt; fail "not one line for: $*"; }
  grep -qF -- "$text" error.txt || { cat error.txt; fail "no \"$text\" for: $*"; }
}
