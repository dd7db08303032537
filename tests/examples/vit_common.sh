# SPDX-License-Identifier: MIT
# Sourced by vit_*_test.sh, which are given the path of the program: common.sh, and a small generated
# data set in data/.
. "$(dirname "$0")/common.sh"

small="--dim 24 --heads 2 --depth 1 --channels 8 --batch 50 --threads 2"
"$program" generate --out data --train 600 --test 200 >/dev/null
