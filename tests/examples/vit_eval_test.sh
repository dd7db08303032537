#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `vit_cifar10 eval` as a person uses it: vit_eval_test.sh PROGRAM
. "$(dirname "$0")/vit_common.sh"
model=run/model.safetensors
"$program" train --data data $small --validation 150 --seed 3 --epochs 1 --out run >train.txt

"$program" eval --checkpoint $model --data data --json eval.json >eval.txt
has train.txt 'test accuracy '
has eval.txt 'top-5' 'calibration error' 'most often taken for' 'checkers' '200 images,'
[ "$(grep '^test accuracy' eval.txt)" = "$(grep '^test accuracy' train.txt)" ] || fail 'eval differs from train'
has eval.json '"top1"' '"predicted_as"' '"calibration_bins"' '"images": 200,'
grep -q flip_tta eval.json && fail 'mirror images were not asked for'

# Mirror images are measured apart: the plain numbers stay.
"$program" eval --checkpoint $model --data data --flip-tta --batch 7 --threads 1 >mirrored.txt
has mirrored.txt 'with mirror images averaged in: top-1'
[ "$(grep '^test' mirrored.txt)" = "$(grep '^test' eval.txt)" ] ||
  fail 'the numbers depend on --flip-tta, --batch or --threads'

# The validation images of the run, found again by its seed; and the other parts.
"$program" eval --checkpoint $model --data data --part validation >part.txt
printed=$(sed -n 's/.*validation \([0-9.]* %\).*/\1/p' train.txt | tail -n 1)
[ "$(tail -n 1 part.txt)" = "validation accuracy $printed" ] || fail 'other validation images'
for part in 'train 450' 'all 800'; do
  set -- $part
  "$program" eval --checkpoint $model --data data --part "$1" >part.txt
  has part.txt "$2 images," "$1 accuracy"
done

bad '--checkpoint FILE is required' eval --data data
bad '--data DIR is required' eval --checkpoint $model
bad 'none.safetensors' eval --checkpoint none.safetensors --data data
bad '--part must be one of test|validation|train|all: "tset"' eval --checkpoint $model --part tset
bad 'nowhere/eval.json.tmp' eval --checkpoint $model --data data --json nowhere/eval.json
"$program" train --data data $small --validation 0 --depth 2 --epochs 1 --out deep >/dev/null
bad '--part validation: the run held out no images' \
  eval --checkpoint deep/model.safetensors --data data --part validation

# A checkpoint whose weights are another model's, one that is cut off, one of another program.
sed 's/\\"depth\\": 2/\\"depth\\": 1/' deep/model.safetensors >other.safetensors
bad 'does not hold the model that it describes' eval --checkpoint other.safetensors --data data
head -c 5000 $model >short.safetensors
bad 'short.safetensors' eval --checkpoint short.safetensors --data data
echo 'eval does what it should'
