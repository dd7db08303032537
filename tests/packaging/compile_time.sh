#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Holds compile times to their budgets: compile_time.sh CXX SOURCE_DIR EIGEN_DIR VIT_PROGRAM WORK_DIR
# The unit is the time that the same compiler takes for <Eigen/Dense> and one product of two
# matrices, so that the budgets hold on any machine; it is 1.0 s on a Zen 5 core and 2.0 s on a
# Zen 4. CPU time is counted. On a machine with neighbours even that goes up and down by a third
# within a minute, so each file is timed between two runs of the unit, of which the shorter counts, and
# has three tries: a unit timed once for all, in a quiet moment, would make long files look slow.
set -euo pipefail
cxx=$1 source=$2 eigen=$3 vit=$4 work=$5
mkdir -p "$work"
cat >"$work/unit.cpp" <<'END'
#include <Eigen/Dense>
float corner(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b) {
  const Eigen::MatrixXf c = a * b;
  return c(0, 0);
}
END
echo '#include <eigengrad/core.hpp>' >"$work/core.cpp"
echo '#include <eigengrad/eigengrad.hpp>' >"$work/umbrella.cpp"

# Milliseconds of user time: milliseconds FILE
milliseconds() {
  local time
  TIMEFORMAT=%3U
  time=$({ time "$cxx" -std=c++20 -O2 -fopenmp -I"$source/include" -isystem "$eigen" \
    -c "$1" -o "$work/object.o" >&2; } 2>&1)
  echo $((10#${time/./}))
}

bad=0
# check NAME BUDGET FILE: the budget in units.
check() {
  local before after unit time percent least=''
  before=$(milliseconds "$work/unit.cpp")
  for _ in 1 2 3; do
    time=$(milliseconds "$3")
    after=$(milliseconds "$work/unit.cpp")
    unit=$((before < after ? before : after))
    percent=$((time * 100 / unit))
    echo "$1: $time ms, a unit $unit ms: $percent %, the budget is $(($2 * 100)) %"
    if [ -z "$least" ] || [ "$percent" -lt "$least" ]; then least=$percent; fi
    if [ "$least" -le $(($2 * 100)) ]; then break; fi
    before=$after
  done
  if [ "$least" -gt $(($2 * 100)) ]; then bad=1; fi
}
check 'core header' 1 "$work/core.cpp"
check 'umbrella header' 2 "$work/umbrella.cpp"
check 'program that trains a vision transformer' 15 "$vit"
[ $bad = 0 ] || echo 'over budget: g++ -ftime-report and nm --size-sort say what is new'
exit $bad
