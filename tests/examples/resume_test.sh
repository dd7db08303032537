#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A training that is interrupted, by kill -9 and by signals, ends with the bits of one that is not:
# resume_test.sh PROGRAM
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'kill -9 $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*"; exit 1; }

# Everything that has a state: dropout of values and of patches, stochastic depth, batch norm, running
# means, mixed batches, several batches per step, held-out images, a schedule.
"$program" generate --out data --train 1700 --test 100 >/dev/null
settings="--data data --lr 0.002 --dim 24 --heads 2 --depth 2 --channels 8 --batch 20 --accumulate 2
  --validation 100 --epochs 3 --threads 1 --dropout 0.1 --patch-dropout 0.3 --stochastic-depth 0.2
  --ema 0.98 --clip 1 --mixup 0.4 --cutmix 1 --mix-probability 0.7 --policy trivialaugment
  --plain-epochs 1"
"$program" train $settings --out whole >whole.txt

# The saved place in a run, as "EPOCH BATCH".
place() {
  LC_ALL=C grep -aoE '\\"epoch\\": [0-9]+, \\"batch\\": [0-9]+' "$1/state.safetensors" |
    tr -dc '0-9 \n' | sed 's/^ *//; s/  */ /'
}
# at EPOCH FOLDER: waits until a checkpoint in the middle of this epoch is saved.
at() {
  local i epoch batch
  for i in $(seq 3000); do
    if [ -f "$2/state.safetensors" ]; then
      read -r epoch batch <<<"$(place "$2")" || true
      if [ "${epoch:-0}" = "$1" ] && [ "${batch:-0}" -gt 2 ]; then return; fi
      [ "${epoch:-0}" -le "$1" ] || break
    fi
    sleep 0.01
  done
  fail "no checkpoint in the middle of epoch $1: ${epoch:-0} ${batch:-0}"
}
# Columns of metrics.csv that do not depend on the clock.
numbers() { cut -d, -f1-9 "$1/metrics.csv"; }
same_as_whole() {
  local file
  for file in model best; do
    cmp "whole/$file.safetensors" "$1/$file.safetensors" || fail "$1: other weights in $file"
  done
  [ "$(numbers whole)" = "$(numbers "$1")" ] || fail "$1: other metrics"
  [ "$(grep '^test accuracy' whole.txt)" = "$(grep '^test accuracy' "$1.txt")" ] ||
    fail "$1: another test accuracy"
}
[ "$(numbers whole | wc -l)" = 4 ] || fail 'a line per epoch'
[ "$(numbers whole | tail -n 1 | cut -d, -f1,2)" = 3,120 ] || fail 'the steps of three epochs'

# kill -9 in the middle of the first epoch, again in the middle of the second.
"$program" train $settings --save-every 0 --out killed >/dev/null &
at 1 killed
kill -9 $! && wait $! 2>/dev/null || true
[ "$(place killed | cut -d' ' -f1)" = 1 ] || fail 'the first kill came too late'
"$program" train --resume killed --threads 2 --save-every 0 >/dev/null &
at 2 killed
kill -9 $! && wait $! 2>/dev/null || true
[ "$(place killed | cut -d' ' -f1)" = 2 ] || fail 'the second kill came too late'
"$program" train --resume killed >killed.txt
grep -q '^epoch 1/3' killed.txt && fail 'an epoch was trained again'
same_as_whole killed

# Ctrl-C and SIGTERM: the step is finished and saved, and how to go on is printed.
# end SIGNAL STATUS EPOCH
end() {
  local status=0
  at "$3" asked
  kill "-$1" $! && wait $! || status=$?
  [ $status = "$2" ] || fail "status $status after SIG$1"
  grep -q 'vit_cifar10 train --resume asked$' asked.txt || fail "SIG$1: how to go on is not printed"
}
# A background job of a script ignores SIGINT; `env` gives it its meaning back.
env --default-signal=INT "$program" train $settings --save-every 0 --out asked >asked.txt &
end INT 130 1
env --default-signal=INT "$program" train --resume asked --save-every 0 >asked.txt &
end TERM 143 2
"$program" train --resume asked >asked.txt
same_as_whole asked

# A second signal ends the program at once. Both are sent while it stands still.
env --default-signal=INT "$program" train $settings --save-every 0 --out twice >twice.txt &
at 1 twice
status=0
kill -STOP $! && kill -INT $! && kill -TERM $! && kill -CONT $!
wait $! 2>/dev/null || status=$?
[ $status = 143 ] || [ $status = 130 ] || fail "status $status after two signals"
grep -q '^interrupted' twice.txt && fail 'two signals: a step was finished'
"$program" train --resume twice >twice.txt
same_as_whole twice

# A run whose report could not be written is not finished: it goes on from there.
mkdir page && mkdir page/report.html
status=0
"$program" train $settings --out page >page.txt 2>page.err || status=$?
[ $status = 1 ] || fail "status $status without a report"
grep -q 'report.html' page.err || fail 'what could not be written is not named'
rmdir page/report.html
"$program" train --resume page >page.txt
[ -s page/report.html ] || fail 'no report by the run that went on'
same_as_whole page

# A finished run has nothing left to do, and is not overwritten.
cp -r whole copy
"$program" train --resume whole >finished.txt
grep -q 'is finished: nothing to do' finished.txt || fail 'a finished run'
diff -r whole copy || fail 'a finished run was changed'

# Patches that change between epochs: the same bits, whichever patches the interrupted epoch had.
patches="--data data --dim 24 --heads 2 --depth 1 --batch 20 --validation 100 --threads 1 --ema 0.9
  --tokenizer patch --patch-schedule 8:1,4:2"
"$program" train $patches --out patches-whole >/dev/null
"$program" train $patches --save-every 0 --out patches >/dev/null &
at 1 patches
kill -9 $! && wait $! 2>/dev/null || true
"$program" train --resume patches --save-every 0 >/dev/null &
at 2 patches
kill -9 $! && wait $! 2>/dev/null || true
"$program" train --resume patches >/dev/null
cmp patches-whole/model.safetensors patches/model.safetensors || fail 'changing patches: other weights'

bad() {  # bad TEXT ARGUMENTS...
  local text=$1 status=0
  shift
  "$program" train "$@" >out.txt 2>error.txt || status=$?
  [ $status = 1 ] || [ $status = 2 ] || fail "status $status for: $*"
  [ "$(wc -l <error.txt)" = 1 ] || { cat error.txt; fail "not one line for: $*"; }
  grep -qF -- "$text" error.txt || { cat error.txt; fail "no \"$text\" for: $*"; }
}
env --default-signal=INT "$program" train $settings --save-every 0 --out part >asked.txt &
at 1 part
kill -9 $! && wait $! 2>/dev/null || true
bad '--lr 0.5 contradicts the run that --resume continues, which has 0.002' --resume part --lr 0.5
bad '--optimizer adamw contradicts' --resume part --optimizer adamw
bad 'writes to its own folder; leave out --out other' --resume part --out other
bad '--resume part' $settings --out part
"$program" generate --out others --train 1700 --test 100 --seed 9 >/dev/null
bad 'are not those of the run in part' --resume part --data others
bad 'there is no nowhere/state.safetensors' --resume nowhere
cp part/state.safetensors good
truncate -s -1 part/state.safetensors
bad 'part/state.safetensors' --resume part
cp whole/model.safetensors part/state.safetensors
bad 'part/state.safetensors is no state of a run' --resume part
sed 's/\\"accumulate\\": /\\"acumulated\\": /' good >part/state.safetensors
bad 'was begun by another version' --resume part
sed 's/\\"loss_sum\\": /\\"lost_sum\\": /' good >part/state.safetensors
bad 'part/state.safetensors does not fit' --resume part
cp good part/state.safetensors
"$program" train --resume part --lr 0.002 >part.txt  # the run's own value is no contradiction
same_as_whole part
echo 'an interrupted training ends with the same bits'
