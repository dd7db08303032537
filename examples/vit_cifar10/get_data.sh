#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Puts the official binary CIFAR-10 or CIFAR-100 under DIR, unless it is there already.
#     get_data.sh DIR [10|100]
# Exit status 0: the data is there. 3: it could not be downloaded (no network). 1: what was
# downloaded is not what it should be. EIGENGRAD_CIFAR_URL and EIGENGRAD_CIFAR_SHA256 replace the
# official address and checksum, for mirrors and tests.
set -euo pipefail
dir=${1:?usage: get_data.sh DIR [10|100]}
case ${2:-10} in
  10)
    folder=cifar-10-batches-bin last=test_batch.bin
    url=https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz
    sha256=c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd ;;
  100)
    folder=cifar-100-binary last=test.bin
    url=https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz
    sha256=58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec ;;
  *) echo "get_data: there is CIFAR-10 and CIFAR-100, not CIFAR-$2" >&2; exit 2 ;;
esac
url=${EIGENGRAD_CIFAR_URL:-$url}
sha256=${EIGENGRAD_CIFAR_SHA256:-$sha256}

[ ! -f "$dir/$folder/$last" ] || exit 0
mkdir -p "$dir"
work=$(mktemp -d "$dir/.download.XXXXXX")  # next to the target, so that the last step is a rename
trap 'rm -rf "$work"' EXIT
echo "downloading $url"
if command -v curl >/dev/null; then
  fetch() { curl --fail --silent --show-error --location --connect-timeout 10 --retry 2 -o "$1" "$2"; }
elif command -v wget >/dev/null; then
  fetch() { wget --quiet --timeout=10 --tries=2 -O "$1" "$2"; }
else
  echo 'get_data: neither curl nor wget is installed' >&2
  exit 3
fi
if ! fetch "$work/archive.tar.gz" "$url"; then
  echo "get_data: could not download $url" >&2
  exit 3
fi
actual=$(sha256sum "$work/archive.tar.gz" | cut -d' ' -f1)
if [ "$actual" != "$sha256" ]; then
  echo "get_data: $url has the SHA-256 $actual, not $sha256; nothing was kept" >&2
  exit 1
fi
tar -xzf "$work/archive.tar.gz" -C "$work"
if [ ! -f "$work/$folder/$last" ]; then
  echo "get_data: the archive does not hold $folder/$last" >&2
  exit 1
fi
rm -rf "${dir:?}/$folder"
mv "$work/$folder" "$dir/$folder"
echo "CIFAR is in $dir/$folder"
