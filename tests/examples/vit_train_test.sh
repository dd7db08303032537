#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `vit_cifar10 train` as a person uses it: vit_train_test.sh PROGRAM
. "$(dirname "$0")/vit_common.sh"
small="--data data --validation 100 $small"

"$program" train $small --epochs 2 --out run >train.txt
[ "$(grep -c '^epoch' train.txt)" = 2 ] || fail 'one line per epoch'
last=$(grep '^test accuracy' train.txt)
[[ $last =~ ^test\ accuracy\ [0-9]+\.[0-9][0-9]\ %$ ]] || fail "the test accuracy: $last"
for file in model.safetensors best.safetensors metrics.csv run.json; do
  [ -s "run/$file" ] || fail "run/$file is missing"
done
[ "$(wc -l <run/metrics.csv)" = 3 ] || fail 'metrics.csv has a line per epoch'
[ -s run/events.out.tfevents.* ] || fail 'no event file'
for key in command configuration seed versions data epochs images_per_s seconds peak_gflops test_accuracy; do
  grep -q "^  \"$key\":" run/run.json || fail "run.json lacks $key"
done

# eval finds what train printed; a second run, on another number of threads, has the same bits.
[ "$("$program" eval --checkpoint run/model.safetensors --data data | tail -n 1)" = "$last" ] ||
  fail 'eval differs from train'
"$program" train $small --epochs 2 --out again --threads 1 >/dev/null
cmp run/model.safetensors again/model.safetensors || fail 'the same seed gives other weights'
"$program" train --help >help.txt
grep -qF -- '--label-smoothing X' help.txt || fail 'help'

# While options are chosen, no test image is read.
"$program" train $small --epochs 1 --no-test --out chosen >chosen.txt
grep -q '^test accuracy' chosen.txt && fail 'a test accuracy in spite of --no-test'
grep -q '"test_accuracy"' chosen/run.json && fail 'a test accuracy in run.json'
[ -s chosen/report.html ] || fail 'a report without test images'

# The windows of each stage: 31 pixels to 15 by pairs, which stay; to 16 and 8 by overlapping threes.
"$program" train $small --conv-pool 2,1 --steps 1 --no-test --out pooled >pooled.txt
grep -q '^  tokenizer .* (50, 225, 24) ' pooled.txt || fail 'pooling by 2 and not at all'
"$program" train $small --conv-pool 3 --steps 1 --no-test --out overlapping >pooled.txt
grep -q '^  tokenizer .* (50, 64, 24) ' pooled.txt || fail 'overlapping windows'

# Bad input.
bad 'there is no command "trian"' trian
bad 'did you mean --epochs?' train --epoch 3
bad '--epochs needs a whole number: "few"' train --epochs few
bad '--epochs must be from 1 to 100000: 0' train --epochs 0
bad 'dim must be divisible by heads' train $small --dim 25
bad 'patch_size must divide image_size' train $small --tokenizer patch --patch-size 5
bad '--channels needs positive whole numbers' train $small --channels 8,x
bad '--convs needs positive whole numbers with commas, up to 16: "17"' train $small --convs 17
bad '--convs needs one number for all stages, or others for the last of the 2 stages: "1,2,2"' train $small --convs 1,2,2
bad '--conv-pool needs one number for all stages, or others for the last of the 2 stages: ""' train $small --conv-pool ''
bad '--batch 50 is more than the 10 training images' train $small --validation 590
echo 'train does what it should'
