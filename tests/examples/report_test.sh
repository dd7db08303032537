#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# report.html of a small run on a generated dataset, and explain: report_test.sh PROGRAM
. "$(dirname "$0")/vit_common.sh"
small="--data data --dim 24 --heads 2 --depth 2 --batch 50 --validation 100 --threads 2 --epochs 2"

# Is every element closed, in the right order? Prints what is not.
unbalanced() {
  awk 'BEGIN { RS = "<" }
    NR == 1 || /^!/ { next }
    match($0, /^\/[a-z0-9]+/) {
      name = substr($0, 2, RLENGTH - 1)
      if (depth == 0 || open[depth] != name) { print "</" name "> closes " open[depth]; exit }
      --depth; next
    }
    match($0, /^[a-zA-Z0-9]+/) {
      name = substr($0, 1, RLENGTH); tag = $0; sub(/>.*/, "", tag)
      if (tag !~ /\/$/) open[++depth] = name
      next
    }
    { print "a bare < before " substr($0, 1, 20); exit }
    END { if (depth) print "<" open[depth] "> is not closed" }' "$1"
}

check_page() {  # check_page FILE SECTION...
  local page=$1 section
  shift
  [ -s "$page" ] || fail "there is no $page"
  [ "$(wc -c <"$page")" -lt 5000000 ] || fail "$page has 5 MB or more"
  [ -z "$(unbalanced "$page")" ] || fail "$page: $(unbalanced "$page")"
  if command -v xmllint >/dev/null; then xmllint --noout --nonet "$page" || fail "xmllint $page"; fi
  for section in "$@"; do
    grep -q "<section id=\"$section\">" "$page" || fail "$page has no section $section"
    grep -q "<a href=\"#$section\">" "$page" || fail "$page has no link to $section"
  done
  ! grep -Eq 'https?://|<script|url\(|@import' "$page" || fail "$page asks for another file"
  # Words of numbers that are none; base64 and names may hold the letters by chance.
  ! sed 's/base64,[^"]*//g' "$page" | grep -Eiq '(^|[^a-z])(-?nan|-?inf|infinity)([^a-z]|$)' ||
    fail "$page shows a number that is none"
  ! sed 's/base64,[^"]*//g' "$page" | grep -Eq '[0-9]\.[0-9]{7}' || fail "$page shows raw digits"
}
sections='curves classes calibration mistakes attention weights images model run'

"$program" train $small --channels 8 --mixup 0.4 --mix-probability 0.5 --out 'run <a&b>' >train.txt
check_page 'run <a&b>/report.html' $sections
page='run <a&b>/report.html'
accuracy=$(sed -n 's,^test accuracy \(.*\) %$,\1,p' train.txt)
[ -n "$accuracy" ] || fail 'train prints no test accuracy'
grep -q "<div class=\"value\">$accuracy" "$page" || fail "the page does not say $accuracy"
grep -q 'run &lt;a&amp;b&gt;' "$page" || fail 'the command is not escaped'
! grep -q 'class="note"' "$page" || fail 'a finished run is in order'
# The same page is made again from the folder alone.
cp "$page" first.html
"$program" report 'run <a&b>' >/dev/null
cmp first.html "$page" || fail 'report makes another page than train'

"$program" train $small --tokenizer patch --patch-size 8 --pooling cls --out patch >/dev/null
check_page patch/report.html $sections

# Tokens that are left out cost nothing: the share of the peak is that of the work that was done.
"$program" train $small --tokenizer patch --patch-size 4 --patch-dropout 0.75 --out dropped >/dev/null
share=$(awk -F'[:,]' '/"images_per_s"/ && !rate { rate = $2 } /"peak_gflops"/ { peak = $2 }
  /"training_gflop_per_image"/ { work = $2 } END { printf "%.0f", 100 * rate * work / peak }' dropped/run.json)
grep -qE "<b>$share[^0-9<]*</b><span>of the multiply-add peak" dropped/report.html || fail "not $share % of the peak"
mflop() { grep -oE "[0-9.]+[^0-9]{1,3}MFLOP to $1" dropped/report.html | grep -oE '^[0-9.]+'; }
awk "BEGIN { exit !($(mflop classify) > $(mflop learn)) }" || fail "a fourth of the tokens: $(mflop learn) MFLOP to learn"
# A run whose patches changed has no single number.
"$program" train ${small% --epochs*} --tokenizer patch --patch-schedule 8:1,4:1 --out grown >/dev/null
check_page grown/report.html $sections
! grep -q 'multiply-add peak' grown/report.html || fail 'a share of the peak, of two kinds of patches'

# With two classes, being among the five most probable says nothing.
grep -q 'top-5' patch/report.html || fail 'ten classes: no top-5'
grep -q "Muon's, .* is 10 times as high" patch/report.html || fail 'the learning rate of Muon'
for class in dark light; do
  mkdir -p two/$class
  shade=$([ $class = dark ] && echo d || echo y)
  for i in 0 1 2 3 4 5 6 7 8 9; do
    { printf 'P6 32 32 255\n'; head -c 3072 /dev/zero | tr '\0' $shade; } >two/$class/$i.ppm
  done
done
"$program" train --data two --dim 24 --heads 2 --depth 1 --tokenizer shifted --patch-size 8 --locality \
  --optimizer adamw --batch 4 --epochs 1 --test-share 0.2 --validation 0 --threads 2 --out shades >/dev/null
check_page shades/report.html ${sections/mistakes /}  # it makes none
! grep -q 'top-5' shades/report.html || fail 'two classes: a top-5'
"$program" eval --checkpoint shades/model.safetensors --data two >eval.txt
grep -q 'top-1' eval.txt || fail 'two classes: no top-1'
! grep -q 'top-5' eval.txt || fail 'two classes: a top-5 of eval'
! grep -q 'Muon' shades/report.html || fail 'a learning rate that no optimizer has'

# Runs compared: a head, and for each a line that ends in what the run reached.
"$program" runs 'run <a&b>' patch/ >runs.txt
[ "$(wc -l <runs.txt)" = 3 ] || fail 'runs: not a line for each'
grep -qE "^run <a&b> .* $accuracy +[0-9.]+\$" runs.txt || { cat runs.txt; fail 'runs: the test accuracy'; }
"$program" runs shades >runs.txt
grep -qE ' [0-9.]+ +-$' runs.txt || { cat runs.txt; fail 'runs: a top-5 of two classes'; }
"$program" runs --markdown patch >runs.txt
grep -qE '^\| patch \| quick \| patch \| [0-9]+ \| 2 \| ' runs.txt || { cat runs.txt; fail 'runs --markdown'; }
if "$program" runs data patch >runs.txt 2>error.txt; then fail 'runs: a folder without a run'; fi
[ "$(wc -l <runs.txt)" = 2 ] || fail 'runs: the others next to a folder without a run'
grep -q 'there is no data/run.json' error.txt || { cat error.txt; fail 'runs: the folder is not named'; }

# A run of a version with other options has a page too, without the training images.
mkdir older && cp patch/model.safetensors older
grep -v '"flip":' patch/run.json >older/run.json
"$program" report older >/dev/null
check_page older/report.html ${sections/images /}
! grep -q 'id="images"' older/report.html || fail 'images of settings that are not known'

# A checkpoint that was not the measured one is seen.
cp patch/model.safetensors kept
"$program" train $small --tokenizer patch --patch-size 8 --pooling cls --seed 2 --out other >/dev/null
cp other/model.safetensors patch/model.safetensors
"$program" report patch --data data >/dev/null
grep -q 'class="note"' patch/report.html || fail 'other weights are not noticed'
cp kept patch/model.safetensors

# explain writes two squares side by side with a gap between them.
size_of() { od -An -tu1 -j16 -N8 "$1" | awk '{ print $3 * 256 + $4 "x" $7 * 256 + $8 }'; }
{ printf 'P6 40 30 255\n'; head -c 3600 /dev/zero | tr '\0' 'k'; } >wide.ppm
for model in 'run <a&b>' patch; do
  "$program" explain --checkpoint "$model/model.safetensors" wide.ppm >said.txt
  [ "$(size_of wide_attention.png)" = 776x384 ] || fail "explain: $(size_of wide_attention.png)"
  [ "$(grep -c '%' said.txt)" = 5 ] || fail 'explain prints the five most probable classes'
  rm wide_attention.png
done
for method in rollout last head; do
  "$program" explain --checkpoint patch/model.safetensors --method $method --size 100 \
    --out $method.png wide.ppm >/dev/null
  [ "$(size_of $method.png)" = 202x100 ] || fail "explain --method $method"
done
! cmp -s rollout.png head.png || fail 'a head looks as all layers do'

explain="explain --checkpoint patch/model.safetensors"
bad 'report needs the folder of one run' report
bad 'there is no nowhere/run.json' report nowhere
bad 'nodata' report patch --data nodata
bad 'explain needs one picture' $explain
bad '--checkpoint FILE is required' explain wide.ppm
bad '--layer 3 is out of range: the model has 2 layers' $explain --method last --layer 3 wide.ppm
bad '--head 5 is out of range: the model has 2 heads' $explain --method head --head 5 wide.ppm
bad '--head 1 is for --method head' $explain --head 1 wide.ppm
bad '--layer 1 is for --method last or head' $explain --layer 1 wide.ppm
bad 'none.png' $explain none.png
"$program" train $small --tokenizer patch --depth 0 --optimizer adamw --out shallow >/dev/null
bad 'has no encoder layers' explain --checkpoint shallow/model.safetensors wide.ppm
bad 'error.txt' $explain error.txt
bad 'nowhere/out.png' $explain --out nowhere/out.png wide.ppm
mkdir notes && echo '{"epochs": 3}' >notes/run.json
bad 'notes/run.json is not the record of a training run' report notes
rm patch/model.safetensors
bad 'patch/model.safetensors' report patch
echo 'report and explain do what they should'
