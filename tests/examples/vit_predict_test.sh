#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `vit_cifar10 predict` as a person uses it: vit_predict_test.sh PROGRAM
. "$(dirname "$0")/vit_common.sh"
"$program" train --data data $small --epochs 1 --out run >/dev/null
"$program" generate --format folder --out pictures --train 10 --test 40 >/dev/null
predict() { "$program" predict --checkpoint run/model.safetensors "$@"; }

# One picture, of any size; a folder with what is below it, in the order of the names.
{ printf 'P6 40 30 255\n'; head -c 3600 /dev/zero; } >wide.ppm
predict wide.ppm >out.txt
grep -qE '^wide.ppm: [a-z]+ [0-9.]+ %(, [a-z]+ [0-9.]+ %){4}$' out.txt || { cat out.txt; fail 'a picture'; }
predict --top 1 pictures/test wide.ppm >all.txt
[ "$(cut -d: -f1 all.txt)" = "$(find pictures/test -name '*.png' | LC_ALL=C sort; echo wide.ppm)" ] ||
  fail 'a folder'
grep -qE '^wide.ppm: [a-z]+ [0-9.]+ %$' all.txt || fail '--top 1'

# Batches and threads change nothing; names may come from a file or from standard input.
predict --top 1 --batch 7 --threads 1 pictures/test wide.ppm >same.txt
cmp all.txt same.txt || fail 'the output depends on --batch or --threads'
{ find pictures/test -name '*.png' | LC_ALL=C sort; echo wide.ppm; } >names.txt
predict --top 1 --list names.txt | cmp - all.txt || fail '--list'
predict --top 1 - <names.txt | cmp - all.txt || fail 'standard input'

# One JSON object per line.
predict --json --top 2 pictures/test/disc wide.ppm >out.json
[ "$(wc -l <out.json)" = 5 ] || fail 'lines of JSON'
[ "$(grep -cE '^\{"file": "[^"]+", "predictions": \[\{"class": "[a-z]+", "probability": [0-9.e-]+\}, \{.*\}\]\}$' out.json)" = 5 ] ||
  { cat out.json; fail 'JSON'; }

# A bad file among others: a line on standard error, the others come, the status is 1.
head -c 60 pictures/test/disc/00000.png >cut.png
status=0
predict --top 1 pictures/test cut.png nothing.png wide.ppm >out.txt 2>error.txt || status=$?
[ $status = 1 ] || fail "status $status with bad files"
cmp out.txt all.txt || fail 'the others did not come'
[ "$(wc -l <error.txt)" = 2 ] || { cat error.txt; fail 'a line for each bad file'; }
has error.txt 'cannot read cut.png' 'nothing.png: No such file'
predict --json cut.png >out.json 2>/dev/null && fail 'status with --json'
has out.json '{"file": "cut.png", "error": "[image] cannot read cut.png'

# A model that is broken is no reason to print what is not a number.
cp run/model.safetensors broken.safetensors
printf '\377\377\377\377' |
  dd of=broken.safetensors bs=1 seek=$(($(stat -c %s broken.safetensors) - 4)) conv=notrunc 2>/dev/null
bad 'the model gives no numbers for wide.ppm; train it again' predict --checkpoint broken.safetensors wide.ppm
bad 'the model gives no numbers for wide.ppm; train it again' explain --checkpoint broken.safetensors wide.ppm

mkdir empty
bad 'the folder empty holds no PNG, JPEG, BMP, PPM or PGM pictures' predict --checkpoint run/model.safetensors empty
bad 'needs at least one picture' predict --checkpoint run/model.safetensors
bad '--checkpoint FILE is required' predict wide.ppm
bad '--list nowhere: cannot open' predict --checkpoint run/model.safetensors --list nowhere
bad 'does not describe its model' predict --checkpoint "$tests/../reference/image.safetensors" wide.ppm
echo 'predict does what it should'
