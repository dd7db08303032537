#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# pretrain as a person uses it, on a small drawn data set: pretrain_test.sh PROGRAM VIT_CIFAR10
. "$(dirname "$0")/common.sh"
vit=$2

"$vit" generate --out data --train 500 --test 10 >/dev/null
small="--data data --patch-size 8 --dim 24 --heads 2 --depth 1 --batch 50 --warmup 5 --threads 1"

epochs=20
for task in completion rotation colourisation; do
  "$program" run --task $task $small --epochs $epochs --lr 0.003 --out $task >$task.txt
  grep -q "^$task: 450 images to train, 50 for validation; " $task.txt || fail "$task: the images"
  [ "$(grep -cE "^epoch [0-9]+/$epochs " $task.txt)" = $((epochs + 1)) ] ||
    { cat $task.txt; fail "$task: a line per epoch"; }
  # The loss falls: on images that are not learned from, as against before the first step; for
  # rotation, of which these figures show little, on those that are, as against the first epoch.
  case $task in rotation) what='loss' ;; *) what='validation' ;; esac
  sed -nE "s/^epoch.* $what ([0-9.]+).*/\1/p" $task.txt |
    awk 'NR == 1 { first = $1 } { last = $1 } END { exit !(last < 0.97 * first) }' ||
    { cat $task.txt; fail "$task: the loss does not fall"; }
  for file in encoder.safetensors model.safetensors run.json; do
    [ -s $task/$file ] || fail "$task/$file is missing"
  done
  "$program" probe $task --data data --epochs 5 --threads 1 >probe.txt
  grep -qE '^untrained encoder +[0-9.]+ %$' probe.txt || { cat probe.txt; fail 'the first probe'; }
  grep -qE "^pretrained, $task +[0-9.]+ % \([+-][0-9.]+\)$" probe.txt ||
    { cat probe.txt; fail 'the second probe'; }
done
grep -qE '^epoch 20/20 .* [0-9.]+ % right' rotation.txt || fail 'how many rotations are told'
grep -q '"train_loss":' completion/run.json || fail 'run.json has no measurements'

# Other programs go on from the encoder, with a new head.
"$vit" train --data data --pretrained rotation/encoder.safetensors --epochs 1 --batch 50 \
  --threads 1 --out tuned >/dev/null || fail 'vit_cifar10 does not take the encoder'

# The same seed gives the same weights and the same probe, whatever the number of threads.
"$program" run --task completion $small --epochs $epochs --lr 0.003 --threads 2 --out again >/dev/null
cmp completion/model.safetensors again/model.safetensors || fail 'other weights'
"$program" probe completion --data data --epochs 5 --threads 1 >first.txt
"$program" probe again --data data --epochs 5 --threads 2 | cmp - first.txt || fail 'another probe'

# Pictures: three rows of images, (32 scale + 4) pixels each and 4 around.
for task in completion colourisation; do
  "$program" picture $task --data data --images 5 --scale 2 --out $task.png >drawn.txt
  head -c 24 $task.png | tail -c 8 | od -An -tu1 | tr -s ' ' >size.txt
  [ "$(cat size.txt)" = ' 0 0 1 88 0 0 0 208' ] || { cat size.txt; fail "$task.png: its size"; }
done
grep -q '^colourisation.png: 5 images .* coloured$' drawn.txt || { cat drawn.txt; fail 'its line'; }
cmp -s completion.png colourisation.png && fail 'two tasks, one picture'

"$program" run --help | grep -qF -- '--weight-decay X' || fail 'help'
bad 'there is no command "rnu"' rnu
bad '--task is required: completion, rotation or colourisation' run --data data
bad '--task must be one of completion|rotation|colourisation: "jigsaw"' run --task jigsaw
bad '--data DIR is required' run --task rotation
bad 'there is no folder nowhere' run --task rotation --data nowhere
bad '--patch-size must divide the images' run --task rotation --data data --patch-size 5
bad '--heads must divide --dim: 3 and 128' run --task rotation --data data --heads 3
bad '--batch 500 is more than the 450 training images' run --task rotation --data data --batch 500
bad '--mask must be from 0.01 to 0.99: 1' run --task completion --data data --mask 1
bad '--out rotation holds a run already' run --task rotation --data data --out rotation
bad 'did you mean --epochs?' run --epoch 3
bad 'probe needs the folder of one run' probe --data data
bad 'cannot open nowhere/encoder.safetensors' probe nowhere --data data
bad 'a run of rotation makes no images' picture rotation --data data
bad 'ask for images up to 60 of the 50 for validation' picture completion --data data --images 60
mkdir other && cp completion/encoder.safetensors other && cp rotation/model.safetensors other
bad 'other/model.safetensors is not the model of its run' probe other --data data
cp completion/model.safetensors other/encoder.safetensors
bad 'other/encoder.safetensors was not written by `pretrain run`' probe other --data data
echo 'pretrain does what it should'
