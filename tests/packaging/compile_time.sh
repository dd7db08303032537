#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Holds compile times to their budgets: compile_time.sh CXX SOURCE_DIR EIGEN_DIR VIT_PROGRAM WORK_DIR
# The unit is the time that the same compiler takes for <Eigen/Dense> and one product of two
# matrices, so that the budgets hold on any machine; it is 1.0 s on a Zen 5 core and 2.0 s on a
# Zen 4. CPU time is counted, least of a few runs, so that a busy machine does not fail.
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

# Milliseconds of user time, the least of RUNS: milliseconds RUNS FILE
milliseconds() {
  local best='' run time
  for run in $(seq "$1"); do
    TIMEFORMAT=%3U
    time=$({ time "$cxx" -std=c++20 -O2 -fopenmp -Wno-psabi -I"$source/include" -isystem "$eigen" \
      -c "$2" -o "$work/object.o" >&2; } 2>&1)
    time=$((10#${time/./}))
    if [ -z "$best" ] || [ "$time" -lt "$best" ]; then best=$time; fi
  done
  echo "$best"
}

unit=$(milliseconds 3 "$work/unit.cpp")
echo "unit: $unit ms"
bad=0
# check NAME BUDGET RUNS FILE: the budget in units.
check() {
  local time
  time=$(milliseconds "$3" "$4")
  if [ "$time" -gt $(($2 * unit)) ]; then time=$(milliseconds 2 "$4"); fi  # was it a neighbour?
  echo "$1: $time ms, $((time * 100 / unit)) % of a unit; the budget is $(($2 * 100)) %"
  if [ "$time" -gt $(($2 * unit)) ]; then bad=1; fi
}
check 'core header' 1 2 "$work/core.cpp"
check 'umbrella header' 2 2 "$work/umbrella.cpp"
check 'program that trains a vision transformer' 15 1 "$vit"
[ $bad = 0 ] || echo 'over budget: g++ -ftime-report and nm --size-sort say what is new'
exit $bad
