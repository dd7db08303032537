# SPDX-License-Identifier: MIT
# Sourced by compare.sh, compare_char_lm.sh and compare_translate.sh: how the peers run best on this
# machine. Needs the folder `temporary`; makes `tuned`, options --tuned NAME=VALUE for the
# environment, and `text`, what they do.
tuned=()
preload=
tcmalloc=$(ldconfig -p 2> /dev/null | sed -n 's/.*libtcmalloc\(_minimal\)\{0,1\}\.so.* => //p' | head -1)
if [ -n "$tcmalloc" ]; then
  preload=$tcmalloc
  text='tcmalloc'
else
  tuned+=(--tuned 'GLIBC_TUNABLES=glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=8589934592')
  text="glibc's malloc kept from returning memory"
fi
# MKL asks whether the CPU is Intel's before it takes its fastest kernels.
if grep -q AuthenticAMD /proc/cpuinfo; then
  echo 'int mkl_serv_intel_cpu_true(void) { return 1; }' > "$temporary/intel.c"
  "${CC:-cc}" -shared -fPIC -o "$temporary/intel.so" "$temporary/intel.c"
  preload=$temporary/intel.so${preload:+:$preload}
  text="$text, MKL told that the CPU is Intel's"
fi
[ -z "$preload" ] || tuned+=(--tuned "LD_PRELOAD=$preload")
