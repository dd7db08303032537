#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# translate as a person uses it, on a tiny task: translate_test.sh PROGRAM
. "$(dirname "$0")/common.sh"

# Sorting up to four digits is soon learned.
small="--task sort --length 4 --dim 32 --heads 2 --encoder-depth 1 --decoder-depth 1 --batch 64"
small="$small --lr 0.005 --steps 600 --eval-every 200 --eval-pairs 100"
"$program" train $small --threads 1 --out run >train.txt
[ "$(grep -c '^step' train.txt)" = 3 ] || fail 'a line for step 200, 400 and 600'
grep -qE '^of 100 unseen pairs, (9[0-9]|100)\.[0-9] % are right by greedy search, (9[0-9]|100)\.[0-9] % with 4 beams$' \
  train.txt || { cat train.txt; fail 'too few are right'; }
[ "$(grep -c ' -> ' train.txt)" = 8 ] || fail 'samples'
for file in model.safetensors run.json; do
  [ -s "run/$file" ] || fail "run/$file is missing"
done
for key in configuration measurements greedy_right beam_right ms_per_step parameters; do
  grep -q "^  \"$key\":" run/run.json || fail "run.json lacks $key"
done
"$program" train --help | grep -qF -- '--decoder-depth N' || fail 'help'

# Any number of threads makes the same model.
for threads in 1 2; do
  "$program" train $small --steps 30 --threads $threads --out on$threads >/dev/null
done
cmp on1/model.safetensors on2/model.safetensors || fail 'the threads change the model'

# Each text on a line of its own; the folder or the file.
"$program" run run 312 9120 >said.txt
printf '123\n0129\n' | cmp - said.txt || { cat said.txt; fail 'not sorted'; }
"$program" run run/model.safetensors 312 --beams 1 >greedy.txt
[ "$(cat greedy.txt)" = 123 ] || fail 'greedy'
"$program" run run 312 --beams 3 --all >all.txt
[ "$(wc -l <all.txt)" = 3 ] || fail 'three beams'
grep -qE '^ *[0-9]+\.[0-9]{4} %  123$' all.txt || { cat all.txt; fail 'probabilities'; }

# Pairs: those that train are none of the unseen ones.
"$program" pairs --task numbers --count 400 | sort -u >seen.txt
"$program" pairs --task numbers --count 400 --unseen | sort -u >unseen.txt
grep -qP '^[a-z -]+\t\p{L}+$' seen.txt || { head -3 seen.txt; fail 'pairs'; }
[ -z "$(comm -12 seen.txt unseen.txt)" ] || fail 'an unseen pair trains'
[ "$(wc -l <unseen.txt)" -gt 200 ] || fail 'too few unseen pairs'

# Bad input.
bad 'there is no command "trian"' trian
bad '--task must be one of reverse|sort|numbers: "add"' train --task add
bad '--length must be up to 6 for numbers' train --length 7
bad '--length must be at least 3' pairs --task sort --length 2
bad '--heads must divide --dim: 3 and 32' train --dim 32 --heads 3
bad '--dim must be even: 33' train --dim 33 --heads 3
bad '--out run holds a model already' train $small --out run
bad 'did you mean --steps?' train --step 3
bad 'run needs the folder of a run, and a text' run
bad 'run needs a text after the folder' run run
bad 'there is no nowhere; `translate train --out DIR` makes a model' run nowhere 312
mkdir empty
bad 'there is no empty/model.safetensors' run empty 312
bad 'the model does not know "x", character 2 of the text; it knows 0 1 2' run run 3x2
bad 'the text to translate is empty' run run ''
bad 'the text is too long: it has 6 tokens, and the model reads up to 5' run run 123456
bad '--beams must be from 1' run run 312 --beams 0
cp run/model.safetensors cut.safetensors && truncate -s -1 cut.safetensors
bad 'cut.safetensors' run cut.safetensors 312
echo 'translate does what it should'
