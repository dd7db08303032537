#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Where `vit_cifar10` gets its images from: vit_data_test.sh PROGRAM
. "$(dirname "$0")/vit_common.sh"
quick="$small --epochs 1"

# A folder of images for each class, divided; it is recognised, and eval finds what train printed.
"$program" generate --format folder --out pictures --train 200 --test 60 >/dev/null
[ "$(find pictures/train -name '*.png' | wc -l)" = 200 ] || fail 'generate --format folder'
"$program" train --data pictures --image-size 16 $quick --out folder >train.txt
has train.txt '10 classes of pictures, as 16x16; 180 to train, 20 for validation, 60 to test' 'test accuracy '
"$program" eval --data pictures --checkpoint folder/model.safetensors >eval.txt
[ "$(grep '^test accuracy' eval.txt)" = "$(grep '^test accuracy' train.txt)" ] || fail 'eval differs from train'
"$program" train --data pictures --image-size 16 $quick --threads 1 --out again >/dev/null
cmp folder/model.safetensors again/model.safetensors || fail 'another number of threads'

# Not divided: a share of each class is held out, the same one for eval and in another place.
mv pictures/train flat
"$program" train --data flat --image-size 16 --test-share 0.25 $quick --out flat_run >train.txt
has train.txt 'no test folder: 50 of them are held out to test); 135 to train, 15 for validation' 'test accuracy '
mkdir elsewhere && mv flat elsewhere/moved
"$program" eval --data elsewhere/moved --checkpoint flat_run/model.safetensors >eval.txt
[ "$(grep '^test accuracy' eval.txt)" = "$(grep '^test accuracy' train.txt)" ] || fail 'other images are held out'
has eval.txt '50 to test' '--part all takes every one'
"$program" eval --data elsewhere/moved --part all --checkpoint flat_run/model.safetensors >eval.txt
has eval.txt '200 images,'

# A model of one source measures another with the same classes; some may be missing.
rm -r pictures/test/disc
"$program" eval --data pictures/test --part all --checkpoint folder/model.safetensors >eval.txt
has eval.txt '54 images,'
mkdir -p pictures/test/cloud && cp pictures/test/dots/00009.png pictures/test/cloud/1.png
bad 'pictures/test/cloud is none of the 10 classes (checkers to triangle)' \
  eval --data pictures/test --part all --checkpoint folder/model.safetensors
"$program" train --data data --validation 0 $quick --out cifar >/dev/null
printf '%s\n' a b c d e f g h i j >names && cp -r data named
mv names named/cifar-10-batches-bin/batches.meta.txt
bad '--data named has 10 classes, a to j; the checkpoint knows others, disc to dots' \
  eval --data named --checkpoint cifar/model.safetensors

# A file that cannot be read: named, or left out and counted.
head -c 100 elsewhere/moved/dots/00009.png >elsewhere/moved/dots/cut.png
bad 'elsewhere/moved/dots/cut.png' train --data elsewhere/moved $quick
"$program" train --data elsewhere/moved --image-size 16 --skip-unreadable $quick --out skip >train.txt
has train.txt '; 1 left out, the first: ' 'dots/cut.png'

# The wrong folder, or an unclear one.
bad '--data DIR is required' train
bad 'there is no folder nowhere' train --data nowhere
mkdir empty
bad 'but nothing; a data set of your own has a folder for each class: empty/CLASS/NAME.png' \
  train --data empty
mkdir both && cp -r data/cifar-10-batches-bin both && mkdir both/cifar-100-binary
bad 'holds CIFAR-10 and CIFAR-100; choose with --dataset' train --data both
bad 'there is no train.bin' train --data both --dataset cifar100
mkdir -p python/cifar-10-batches-py && touch python/cifar-10-python.tar.gz
bad 'CIFAR for Python; the binary version is needed' train --data python
mkdir archive && touch archive/cifar-10-binary.tar.gz
bad 'tar -xzf archive/cifar-10-binary.tar.gz -C archive' train --data archive
mkdir -p one/dots && cp elsewhere/moved/dots/0*.png one/dots
bad 'one holds one class only, dots' train --data one
mkdir one/cat && touch one/cat/a.webp
bad 'the class one/cat has no PNG, JPEG, BMP, PPM or PGM pictures, but one/cat/a.webp' \
  train --data one
bad '--dataset must be one of auto|cifar10|cifar100|folder: "mnist"' train --data data --dataset mnist
bad '--labels coarse is for CIFAR-100; --data data is CIFAR-10' train --data data --labels coarse
bad '--validation 600 leaves none of the 600 training images' train --data data --validation 600

# Damaged CIFAR.
cp -r data cut && truncate -s -100 cut/cifar-10-batches-bin/data_batch_3.bin
bad 'data_batch_3.bin' train --data cut
cp -r data label
printf '\377' | dd of=label/cifar-10-batches-bin/data_batch_2.bin bs=1 seek=3073 conv=notrunc status=none
bad '255' train --data label
bad 'data_batch_2.bin' train --data label
cp -r data gone && rm gone/cifar-10-batches-bin/test_batch.bin
bad 'there is no test_batch.bin in gone' train --data gone
echo 'the data layer does what it should'
