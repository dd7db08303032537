# SPDX-License-Identifier: MIT
# Sourced by examples/train.sh and tests/run.sh:
#     install_missing compiler cmake eigen catch2 stb
# installs, of the things named, those that this machine lacks (Debian and Ubuntu; by apt-get, as
# root or through sudo). Where nothing is missing it needs no rights and does nothing.

compiler() { echo "${CXX:-c++}"; }

# Does this program compile? Headers count wherever the compiler finds them.
compiles() {
  printf '%s\nint main() {}\n' "$1" |
    "$(compiler)" -std=c++20 -x c++ -fsyntax-only -I/usr/include/eigen3 \
      -I/usr/local/include/eigen3 ${2:-} - >/dev/null 2>&1
}

is_missing() {
  case $1 in
    compiler) ! compiles '#include <span>' ||
      ! compiles '#include <omp.h>' -fopenmp || ! command -v make >/dev/null ;;
    cmake) ! command -v cmake >/dev/null ;;
    eigen) ! compiles '#include <Eigen/Core>' ;;
    catch2) ! compiles '#include <catch2/catch.hpp>' &&
      ! compiles '#include <catch2/catch_all.hpp>' ;;
    stb) ! compiles '#include <stb/stb_image_write.h>' && ! compiles '#include <stb_image_write.h>' ;;
  esac
}

debian_packages() {
  case $1 in
    compiler)
      case $(compiler) in
        *clang*) echo clang libomp-dev make ;;
        *) echo g++ make ;;
      esac ;;
    cmake) echo cmake ;;
    eigen) echo libeigen3-dev ;;
    catch2) echo catch2 ;;
    stb) echo libstb-dev ;;
  esac
}

install_missing() {
  local packages='' thing
  for thing in "$@"; do
    if is_missing "$thing"; then packages="$packages $(debian_packages "$thing")"; fi
  done
  [ -n "$packages" ] || return 0
  if ! command -v apt-get >/dev/null; then
    echo "missing:$packages (Debian's names); install them with this system's package manager" >&2
    return 1
  fi
  local root=''
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "missing:$packages; as root run: apt-get install$packages" >&2
      return 1
    fi
    root=sudo
  fi
  echo "installing:$packages"
  if ! { $root apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends $packages; } \
    >/tmp/eigengrad-install.$$ 2>&1; then
    cat /tmp/eigengrad-install.$$ >&2
    rm -f /tmp/eigengrad-install.$$
    echo "could not install:$packages" >&2
    return 1
  fi
  rm -f /tmp/eigengrad-install.$$
}
