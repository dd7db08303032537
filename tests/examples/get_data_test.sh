#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The download of CIFAR against a server on this machine: get_data_test.sh HTTP_SERVER
set -euo pipefail
server=$1
get_data=$(cd "$(dirname "$0")/../.." && pwd)/examples/vit_cifar10/get_data.sh
work=$(mktemp -d)
trap 'kill $pid 2>/dev/null || true; rm -rf "$work"' EXIT

mkdir -p "$work/www/cifar-10-batches-bin"
for name in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
  head -c 30730 /dev/zero >"$work/www/cifar-10-batches-bin/$name.bin"
done
tar -czf "$work/www/good.tar.gz" -C "$work/www" cifar-10-batches-bin
sum=$(sha256sum "$work/www/good.tar.gz" | cut -d' ' -f1)
"$server" "$work/www" "$work/port" &
pid=$!
for _ in $(seq 100); do [ -f "$work/port" ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat "$work/port")

fail() { echo "FAILED: $*"; exit 1; }
# run EXPECTED_STATUS URL SHA256 DIR: the script's exit status; its text is left in $work/out.
run() {
  local status=0
  http_proxy='' EIGENGRAD_CIFAR_URL=$2 EIGENGRAD_CIFAR_SHA256=$3 "$get_data" "$4" 10 \
    >"$work/out" 2>&1 || status=$?
  [ "$status" = "$1" ] || { cat "$work/out"; fail "status $status, expected $1, for $2"; }
}

run 0 "$url/good.tar.gz" "$sum" "$work/a"
[ "$(wc -c <"$work/a/cifar-10-batches-bin/test_batch.bin")" = 30730 ] || fail 'unpacked data'
run 0 "$url/missing.tar.gz" "$sum" "$work/a"  # what is there is not fetched again

run 1 "$url/good.tar.gz" "${sum//[0-9]/0}" "$work/b"
grep -q 'SHA-256' "$work/out" || fail 'the checksum is not named'
[ -z "$(ls -A "$work/b")" ] || fail 'a wrong archive was kept'

head -c 100 "$work/www/good.tar.gz" >"$work/www/cut.tar.gz"
run 1 "$url/cut.tar.gz" "$sum" "$work/c"
run 3 "$url/missing.tar.gz" "$sum" "$work/d"
kill $pid
run 3 "$url/good.tar.gz" "$sum" "$work/e"  # nobody answers
grep -q 'could not download' "$work/out" || fail 'an unreachable server is not named'
echo 'the download works, and fails as it should'
