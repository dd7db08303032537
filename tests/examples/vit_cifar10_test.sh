#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The example program as a person uses it, on a small generated dataset: vit_cifar10_test.sh PROGRAM
set -euo pipefail
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAILED: $*"; exit 1; }

"$program" generate --out data --train 600 --test 200 >/dev/null
small="--data data --dim 24 --heads 2 --depth 1 --channels 8 --batch 50 --validation 100 --threads 2"

"$program" train $small --epochs 2 --out run >train.txt
[ "$(grep -c '^epoch' train.txt)" = 2 ] || fail 'one line an epoch'
last=$(tail -n 1 train.txt)
[[ $last =~ ^test\ accuracy\ [0-9]+\.[0-9][0-9]\ %$ ]] || fail "the last line: $last"
for file in model.safetensors metrics.csv run.json; do
  [ -s "run/$file" ] || fail "run/$file is missing"
done
[ "$(wc -l <run/metrics.csv)" = 3 ] || fail 'metrics.csv has a line an epoch'
for key in command configuration seed versions data epochs images_per_s seconds peak_gflops test_accuracy; do
  grep -q "^  \"$key\":" run/run.json || fail "run.json lacks $key"
done

# eval finds what train printed; a second run, on another number of threads, has the same bits.
[ "$("$program" eval --checkpoint run/model.safetensors --data data | tail -n 1)" = "$last" ] ||
  fail 'eval differs from train'
"$program" train $small --epochs 2 --out again --threads 1 >/dev/null
cmp run/model.safetensors again/model.safetensors || fail 'the same seed gives other weights'

# A 32x32 picture is classified; the probabilities are printed.
{ printf 'P6 32 32 255\n'; head -c 3072 /dev/zero; } >black.ppm
"$program" predict --checkpoint run/model.safetensors black.ppm | grep -q '^black.ppm: .* %' ||
  fail 'predict'
{ printf 'P6 40 30 255\n'; head -c 3600 /dev/zero; } >wide.ppm
"$program" predict --resize --checkpoint run/model.safetensors wide.ppm >/dev/null ||
  fail 'predict --resize'
"$program" train --help | grep -q -- '--label-smoothing X' || fail 'help'

# Bad input gets one line on standard error and a status that is not 0.
bad() {  # bad TEXT ARGUMENTS...
  local text=$1 status=0
  shift
  "$program" "$@" >out.txt 2>error.txt || status=$?
  [ $status = 1 ] || [ $status = 2 ] || fail "status $status for: $*"
  [ "$(wc -l <error.txt)" = 1 ] || { cat error.txt; fail "not one line for: $*"; }
  grep -qF -- "$text" error.txt || { cat error.txt; fail "no \"$text\" for: $*"; }
}
bad 'there is no command "trian"' trian
bad 'did you mean --epochs?' train --epoch 3
bad '--epochs needs a whole number: "few"' train --epochs few
bad '--epochs must be from 1 to 100000: 0' train --epochs 0
bad '--data DIR is required' train
bad 'there is no folder nowhere' train --data nowhere
bad 'dim must be divisible by heads' train $small --dim 25
bad 'patch_size must divide image_size' train $small --tokenizer patch --patch-size 5
bad '--channels needs positive whole numbers' train $small --channels 8,x
bad 'leave no step' train $small --validation 590
bad '--checkpoint FILE is required' eval --data data
bad 'none.safetensors' eval --checkpoint none.safetensors --data data
bad '40x30 pixels, the model wants 32x32' predict --checkpoint run/model.safetensors wide.ppm
bad 'cannot read nothing.png' predict --checkpoint run/model.safetensors nothing.png
bad 'error.txt' predict --checkpoint run/model.safetensors error.txt

cp -r data cut && truncate -s -100 cut/cifar-10-batches-bin/data_batch_3.bin
bad 'data_batch_3.bin' train --data cut
cp -r data label
printf '\377' | dd of=label/cifar-10-batches-bin/data_batch_2.bin bs=1 seek=3073 conv=notrunc status=none
bad '255' train --data label
bad 'data_batch_2.bin' train --data label
rm -r label/cifar-10-batches-bin/test_batch.bin
bad 'test_batch.bin' eval --checkpoint run/model.safetensors --data label

# A checkpoint whose weights are another model's, one that is cut off, one of another program.
"$program" train $small --epochs 1 --depth 2 --out deep >/dev/null
sed 's/\\"depth\\": 2/\\"depth\\": 1/' deep/model.safetensors >other.safetensors
bad 'holds the weights of another model' eval --checkpoint other.safetensors --data data
head -c 5000 run/model.safetensors >short.safetensors
bad 'short.safetensors' eval --checkpoint short.safetensors --data data
echo 'the example does what it should'
