#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `class_token` as a person uses it: class_token_test.sh PROGRAM
. "$(dirname "$0")/common.sh"

small="--drawn --images 160 --validation 64 --epochs 2"
"$program" $small --threads 2 --out run >out.txt
[ "$(head -n 1 run/curves.csv)" = 'variant,epoch,training_loss,validation_percent' ] ||
  fail 'the header of curves.csv'
[ "$(wc -l <run/curves.csv)" = 11 ] || fail 'curves.csv has a line per variant and epoch'
for variant in as-published tokens-mended residual-mended loss-mended mean; do
  for epoch in 1 2; do
    grep -qE "^$variant,$epoch,[0-9]+\.[0-9]{4},[0-9]+\.[0-9]{2}$" run/curves.csv ||
      fail "epoch $epoch of $variant"
  done
done

# The picture: complete, with both charts and the names, and the same when drawn again.
for text in '<svg ' '</svg>' 'validation accuracy' 'training loss' 'as published' \
  'mean of the patches' 'prefers-color-scheme:dark'; do
  grep -qF "$text" run/curves.svg || fail "no \"$text\" in curves.svg"
done
cp run/curves.csv again.csv
"$program" --plot again.csv >out.txt
cmp run/curves.svg again.svg || fail '--plot draws another picture'

# One variant has the bits that it has among all, on any number of threads.
"$program" $small --threads 1 --variants mean --out alone --name mean >out.txt
[ "$(grep '^mean' alone/mean.csv)" = "$(grep '^mean' run/curves.csv)" ] || fail 'mean alone'
[ "$(wc -l <alone/mean.csv)" = 3 ] || fail 'one variant alone'
"$program" --help >help.txt
grep -qF -- '--variants all|as-published|' help.txt || fail 'help'

# Bad input.
bad 'needs either --data DIR or --drawn'
bad 'needs either --data DIR or --drawn' --drawn --data .
bad 'nowhere' --data nowhere
bad 'did you mean --epochs?' --drawn --epoch 3
bad '--epochs must be from 1 to' --drawn --epochs 0
bad '--variants must be one of all|as-published|' --drawn --variants none
bad 'unexpected argument "drawn"' drawn
bad '--plot needs a file .csv: run/curves.svg' --plot run/curves.svg
bad 'nowhere.csv' --plot nowhere.csv
echo 'variant,epoch' >wrong.csv
bad 'wrong.csv does not begin with variant,epoch,training_loss,validation_percent' --plot wrong.csv
{ head -n 1 run/curves.csv; echo 'mean,1,x'; } >wrong.csv
bad 'wrong.csv:2: needs variant,epoch,training_loss,validation_percent: mean,1,x' --plot wrong.csv
echo 'class_token does what it should'
