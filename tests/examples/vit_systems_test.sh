#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each published system trains from its one command: vit_systems_test.sh PROGRAM
. "$(dirname "$0")/vit_common.sh"

# Two steps of small batches; what makes a system large is made small.
short="--data data --steps 2 --batch 4 --accumulate 1 --validation 8 --limit 40 --no-test --threads 2"
"$program" train --preset unfold-tutorial $short --out unfold >unfold.txt
has unfold/run.json '"dim": 102' '"position_init": "uniform"' '"lr": 1e-04'
"$program" train --preset line-by-line $short --dim 32 --depth 2 --out lines >lines.txt
has lines/run.json '"position_count": 128' '"heads": 8'
"$program" train --preset keras $short --depth 1 --head-hidden 16,8 --out keras >keras.txt
has keras/run.json '"image_size": 72' '"head_dim": 64' '"mlp_activate_output": true' '"rotation": 7.2'
"$program" train --preset introduction $short --image-size 48 --dim 24 --depth 1 --out intro >intro.txt
has intro/run.json '"final_norm": "pooled"' '"patch_size": 16' '"pooling": "mean"'
for system in jax jax-patch-16 jax-shared; do
  "$program" train --preset $system $short --dim 24 --depth 3 --out $system >$system.txt
done
has jax-shared/run.json '"shared_layers": true' '"tokenizer": "patch"'

# A shared layer counts once; images of another size than the data's are scaled.
parameters() { grep -o '"parameters": [0-9]*' "$1/run.json" | grep -o '[0-9]*'; }
[ "$(parameters jax-shared)" -lt "$(parameters jax)" ] || fail "shared layers have as many parameters"
"$program" eval --data data --checkpoint keras/model.safetensors >eval.txt
has eval.txt 'top-1'

# The command line has the last word, and what cannot be says so in one line.
"$program" train --preset jax $short --pooling mean --dim 24 --depth 1 --out mean >/dev/null
has mean/run.json '"pooling": "mean"'
bad 'head-hidden needs positive whole numbers' train --preset keras $short --head-hidden 16,x --out bad
bad 'position_count must be 0, or at least the number of tokens' \
  train --preset line-by-line $short --position-count 9 --out bad
bad 'shared_layers need one probability for all' \
  train --preset jax-shared $short --dim 24 --depth 2 --stochastic-depth 0.1 --out bad
bad 'patch_size must divide image_size' train --preset keras $short --image-size 70 --out bad
[ ! -e bad ] || fail 'a wrong model left a folder'

# Fine-tuning: the weights of one run under a new head, on other data and other images.
"$program" generate --format folder --out pictures --train 60 --test 20 >/dev/null
"$program" train --preset none --pretrained jax/model.safetensors --optimizer adamw $short \
  --data pictures --image-size 48 --out tuned >tuned.txt
has tuned/run.json '"image_size": 48' '"pretrained": "jax/model.safetensors"'
bad '--pretrained jax/model.safetensors brings its model along; leave out --dim' \
  train --pretrained jax/model.safetensors --data data --dim 32
bad 'nowhere.safetensors' train --pretrained nowhere.safetensors --data data
echo 'each system trains from its one command'
