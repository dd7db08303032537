#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `train` promises besides resuming: its length, its stops, its records. training_test.sh PROGRAM
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*"; exit 1; }
bad() {  # bad TEXT ARGUMENTS...
  local text=$1 status=0
  shift
  "$program" "$@" >out.txt 2>error.txt || status=$?
  [ $status = 1 ] || [ $status = 2 ] || fail "status $status for: $*"
  [ "$(wc -l <error.txt)" = 1 ] || { cat error.txt; fail "not one line for: $*"; }
  grep -qF -- "$text" error.txt || { cat error.txt; fail "no \"$text\" for: $*"; }
}
# column NAME FOLDER: a column of metrics.csv, without its name.
column() {
  awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; ++i) if ($i == name) c = i; next } { print $c }' \
    "$2/metrics.csv"
}

"$program" generate --out data --train 600 --test 100 >/dev/null
small="--data data --dim 16 --heads 2 --depth 2 --channels 8 --conv-norm none --batch 25 --validation 100 --threads 1"

# 20 batches per epoch: 7 steps of three batches, the last of two. 10 steps end in the second epoch.
"$program" train $small --accumulate 3 --steps 10 --lr 0.002 --schedule constant --warmup 0 --out steps >/dev/null
[ "$(column step steps | tr '\n' ' ')" = '7 10 ' ] || fail "steps: $(column step steps)"
[ "$(column learning_rate steps | tail -n 1)" = 0.002 ] || fail 'a constant learning rate'

# Two batches of 25 make the step of one batch of 50, to rounding (without batch norm).
"$program" train $small --epochs 1 --batch 50 --out one >/dev/null
"$program" train $small --epochs 1 --accumulate 2 --out two >/dev/null
paste -d' ' <(column train_loss one) <(column train_loss two) |
  awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > 1e-4 * $1) exit 1 }' || fail 'accumulated batches'

# Filters keep their length where a batch norm makes it free to choose, and only there.
"$program" train $small --epochs 1 --batch 50 --kernel-lr 0.2 --out free >/dev/null
cmp <(column train_loss one) <(column train_loss free) || fail '--kernel-lr without batch norm'
for rate in 0 0.2; do
  "$program" train $small --conv-norm batch --epochs 1 --kernel-lr $rate --out kernel-$rate >/dev/null
done
! cmp -s <(column train_loss kernel-0) <(column train_loss kernel-0.2) || fail '--kernel-lr'

# Without a step that learns anything, patience ends the run.
"$program" train $small --epochs 9 --lr 0 --muon-lr 0 --patience 2 --out still >still.txt
grep -q 'ended early' still.txt || fail 'patience'
[ "$(column epoch still | tail -n 1)" = 3 ] || fail 'patience: the epoch'
"$program" runs --markdown still >runs.txt
grep -qE '^\| still (\| [^|]+ ){3}\| 3 \|' runs.txt || { cat runs.txt; fail 'runs: the epochs that patience left'; }
"$program" train --resume still >still.txt
grep -q 'nothing to do' still.txt || fail 'a run that ended early'

# Weights that explode are named, and never reach a file.
small_adamw="$small --optimizer adamw --schedule linear --weight-decay 10 --save-every 0"
"$program" train $small_adamw --epochs 20 --lr 10 --warmup 1 --out exploded \
  >exploded.txt 2>error.txt && fail 'an absurd learning rate'
[ "$(wc -l <error.txt)" = 1 ] || fail 'not one line for a loss that is not finite'
grep -qE 'not finite in step [0-9]+ \(epoch [0-9]+\): .* (in|after|of) [a-z_]+' error.txt ||
  { cat error.txt; fail 'the layer is not named'; }
grep -q '^epoch 1/20' exploded.txt || fail 'no epoch before the explosion'
cp exploded/state.safetensors before
bad 'not finite in step' train --resume exploded
cmp exploded/state.safetensors before || fail 'a step that failed was saved'
"$program" eval --checkpoint exploded/model.safetensors --data data >good.txt
grep -q 'loss [0-9]' good.txt || fail 'the last good checkpoint'

# A preset gives values, the command line overrides them, run.json has the result.
value() { sed -n "s/^    \"$1\": \(.*[^,]\),*$/\1/p" "$2/run.json"; }
for preset in quick standard long; do
  for tokenizer in conv patch; do
    out=$preset-$tokenizer
    "$program" train $small --preset $preset --tokenizer $tokenizer --steps 1 --batch 25 \
      --out $out >/dev/null || fail "--preset $preset --tokenizer $tokenizer"
    [ "$(value preset $out)" = "\"$preset\"" ] || fail "$out is not in run.json"
    [ "$(value epochs $out)" != '' ] || fail "$out: no epochs in run.json"
  done
done
[ "$(value epochs quick-conv)" != "$(value epochs long-conv)" ] || fail 'presets without effect'
[ "$(value depth long-conv)" = 2 ] || fail 'a preset overrode the command line'

# Every kind of augmentation, alone in the last epoch's images; the same bits with more threads.
strong="--resized-crop 0.5 --rotation 10 --zoom 0.1 --jitter 0.3 --jitter-hue 0.1 --erasing 0.25
  --cutout 8 --mixup 0.4 --cutmix 1 --policy-ops 1"
for policy in autoaugment randaugment trivialaugment; do
  "$program" train $small $strong --policy $policy --epochs 2 --plain-epochs 1 --out $policy >/dev/null
done
"$program" train $small $strong --policy randaugment --epochs 2 --plain-epochs 1 --workers 3 \
  --threads 2 --out workers >/dev/null
cmp randaugment/model.safetensors workers/model.safetensors || fail 'workers change the weights'
cmp -s randaugment/model.safetensors autoaugment/model.safetensors && fail 'a policy without effect'

# Patches that change: the loss goes on from where it was, and the model knows its patches.
"$program" train $small --tokenizer patch --patch-schedule 16:2,8:1 --ema 0.5 --out patches \
  >patches.txt
grep -q '^patches of 8 pixels from here on: 16 tokens per image' patches.txt || fail 'patch schedule'
[ "$(grep -c '^epoch ./3' patches.txt)" = 3 ] || fail 'the epochs of a patch schedule'
"$program" eval --checkpoint patches/model.safetensors --data data >eval.txt
grep -q "$(grep '^test accuracy' patches.txt)" eval.txt || fail 'a model whose patches have changed'

bad 'give one of them' train $small --steps 3 --epochs 2
bad 'needs images to measure' train $small --patience 2 --validation 0
bad 'needs PATCH:EPOCHS with commas, like 8:30,4:10: "8:3,4"' train $small --tokenizer patch \
  --patch-schedule 8:3,4
bad 'takes the place of --epochs' train $small --tokenizer patch --patch-schedule 8:3 --epochs 3
bad 'needs patches; add --tokenizer patch' train $small --patch-schedule 8:3,4:1
bad 'this model has none; add --optimizer adamw' train $small --tokenizer patch --depth 0
bad '--preset must be one of none|quick|standard|long' train $small --preset fast
bad 'has no recipe for --tokenizer shifted' train $small --preset quick --tokenizer shifted
bad 'must be one of cosine|linear|constant|one-cycle|step' train $small --schedule cosin
echo 'a training does what it promises'
