#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# char_lm as a person uses it, on a tiny text: char_lm_test.sh PROGRAM
. "$(dirname "$0")/common.sh"
trap 'kill -9 $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT

# A text with a rule: the same 38 characters again and again.
for i in $(seq 60); do printf 'the quick brown fox jumps over a dog\n%d' $((i % 2)); done >text.txt
small="--text text.txt --dim 32 --heads 2 --depth 1 --context 16 --batch 8 --threads 1"

"$program" train $small --steps 500 --eval-every 200 --lr 0.003 --out run >train.txt
[ "$(grep -c '^step' train.txt)" = 4 ] || fail 'a line for step 0, 200, 400 and 500'
# A new model guesses: ln 27 = 3.30 for the 27 characters. A trained one knows the rule.
awk '/^step +0/ && !($4 > 3.2 && $4 < 3.5) { bad = 1 } /^step +500/ && !($4 < 0.3) { bad = 1 }
     END { exit bad }' train.txt || { cat train.txt; fail 'the losses'; }
grep -q '^validation loss 0\.[0-9]* per character (' train.txt || fail 'the loss of the whole text'
for file in model.safetensors state.safetensors run.json; do
  [ -s "run/$file" ] || fail "run/$file is missing"
done
for key in configuration measurements validation_loss ms_per_step parameters; do
  grep -q "^  \"$key\":" run/run.json || fail "run.json lacks $key"
done
"$program" train --help | grep -qF -- '--weight-decay X' || fail 'help'

# What it has learned comes out, the prompt first; the same seed gives the same text.
"$program" sample run --prompt 'the quick' --tokens 80 --greedy >said.txt 2>speed.txt
grep -q '^the quick brown fox jumps over a dog$' said.txt || { cat said.txt; fail 'the rule'; }
[ "$(wc -c <said.txt)" = 90 ] || fail 'the prompt, 80 characters and an end of line'
grep -qE '^80 characters, [0-9]+\.[0-9]{3} ms per token$' speed.txt || fail 'the time per token'
"$program" sample run/model.safetensors --tokens 60 --temperature 2 >one.txt 2>/dev/null
"$program" sample run --tokens 60 --temperature 2 --threads 2 >two.txt 2>/dev/null
cmp one.txt two.txt || fail 'the same seed, another text'
"$program" sample run --tokens 60 --temperature 2 --seed 2 >two.txt 2>/dev/null
! cmp -s one.txt two.txt || fail 'another seed, the same text'
"$program" sample run --tokens 60 --temperature 2 --top-k 1 >one.txt 2>/dev/null
"$program" sample run --tokens 60 --greedy >two.txt 2>/dev/null
cmp one.txt two.txt || fail 'one candidate is the likeliest'

# The number of threads changes nothing, and neither does what is measured in between.
"$program" train $small --steps 10 --out single >/dev/null
"$program" train $small --steps 10 --eval-every 4 --threads 2 --out double >/dev/null
cmp single/model.safetensors double/model.safetensors || fail 'other weights with two threads'

# Ctrl-C and kill -9: the run that goes on ends with the same bits. Dropout has a state too.
settings="$small --dim 48 --depth 2 --steps 300 --eval-every 20 --dropout 0.1"
"$program" train $settings --out whole >whole.txt
started() {  # started FILE: waits for the measurement after the first steps
  for i in $(seq 3000); do
    if grep -q '^step *20/' "$1" 2>/dev/null; then return; fi
    sleep 0.01
  done
  fail "no step in $1"
}
status=0
# A background job of a script ignores SIGINT; `env` gives it its meaning back.
env --default-signal=INT "$program" train $settings --out asked >asked.txt &
started asked.txt
kill -INT $! && wait $! || status=$?
[ $status = 130 ] || fail "status $status after SIGINT"
grep -q 'char_lm train --resume asked$' asked.txt || fail 'how to go on is not printed'
"$program" train --resume asked >again.txt
grep -q '^continuing after step' again.txt || fail 'it began anew'
"$program" train $settings --out killed >killed.txt &
started killed.txt
kill -9 $! && wait $! 2>/dev/null || true
"$program" train --resume killed >/dev/null
for run in asked killed; do
  cmp whole/model.safetensors $run/model.safetensors || fail "$run: other weights"
done
"$program" train --resume whole | grep -q 'is finished: nothing to do' || fail 'a finished run'

# Bad input.
bad 'there is no command "trian"' trian
bad '--text FILE is required' train
bad 'cannot open nowhere.txt' train --text nowhere.txt
: >empty.txt
bad 'empty.txt is empty' train --text empty.txt
head -c 100 text.txt >short.txt
bad 'short.txt is too short: the last tenth of its 100 characters' train --text short.txt
printf 'caf\xe9 au lait' >latin.txt
bad 'latin.txt: [char_vocabulary] text must be UTF-8: byte 3 (0xE9)' train --text latin.txt
bad '--heads must divide --dim: 3 and 32' train $small --heads 3
bad '--final-lr must not be above --lr' train $small --lr 1e-5
bad '--out run holds a run already' train $small --out run
bad 'did you mean --context?' train --contxt 3
bad 'sample needs the folder of one run' sample
bad 'cannot open nowhere' sample nowhere
bad 'the vocabulary has no "Q" (U+0051), character 5 of the text' sample run --prompt 'the Quick'
bad '--temperature must be from' sample run --temperature 0
cp run/model.safetensors cut.safetensors && truncate -s -1 cut.safetensors
bad 'cut.safetensors' sample cut.safetensors
bad 'names no characters' sample run/state.safetensors
bad 'there is no nowhere/state.safetensors' train --resume nowhere
sed 's/fox/cat/' text.txt >other.txt
"$program" train $settings --out part >part.txt &
started part.txt
kill -9 $! && wait $! 2>/dev/null || true
bad '--text other.txt is not the text of the run in part' train --resume part --text other.txt
bad '--lr 0.5 contradicts the run' train --resume part --lr 0.5
bad 'writes to its own folder' train --resume part --out other
echo 'char_lm does what it should'
