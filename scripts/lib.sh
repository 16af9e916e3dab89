# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts share; sourced, never run. Leaves the caller in the root of the project.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
umask 022 # Holdfast refuses a configuration that others may write
: "${JOBS:=$(nproc)}"

say() { printf '== %s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# Prints the comment block below the SPDX line of the calling script: its help.
print_help() { sed -n '3,/^[^#]/{/^#/!q;s/^# \{0,1\}//;p}' "$root/scripts/${0##*/}"; }

# A new empty folder for a demonstration: build/NAME, or one under /tmp where somebody else could
# change a folder above it, so that Holdfast would refuse a configuration there.
demo_folder() {
  local folder=$root/build/$1 step
  rm -rf "$folder"
  mkdir -p "$folder"
  step=$folder
  while [ "$step" != / ]; do
    if [ -n "$(find "$step" -maxdepth 0 \( -perm /022 ! -perm -1000 \) -o \( ! -user root ! -user "$(id -u)" \))" ]; then
      folder=$(mktemp -d "/tmp/holdfast-$1.XXXXXX")
      say "somebody else may write to $step: the demonstration is in $folder"
      break
    fi
    step=$(dirname "$step")
  done
  printf '%s\n' "$folder"
}

need() { command -v "$1" >/dev/null || die "$1 is missing: run scripts/setup"; }

# Our own C++ files that match a name pattern, one a line, relative to the root.
sources() { find policy storage jobs tests -name "$1" -type f | LC_ALL=C sort; }

# The files that this project consists of: what git knows or would add.
project_files() {
  local file
  git -c safe.directory="$root" ls-files --cached --others --exclude-standard "$@" |
    LC_ALL=C sort -u | while IFS= read -r file; do
    if [ -f "$file" ]; then printf '%s\n' "$file"; fi
  done
}

# Configures build/KIND with the settings of scripts/cmake/KIND.cmake; shows cmake's words only where
# it fails.
configure() {
  local kind=$1 said
  local command=(cmake -S . -B "build/$kind" -C "scripts/cmake/$kind.cmake")
  need cmake
  if [ ! -f "build/$kind/CMakeCache.txt" ] && command -v ninja >/dev/null; then
    command+=(-G Ninja)
  fi
  # A machine that was set up with --build-only has no Catch2, and the demo needs no tests.
  if [ -d /usr/lib/cmake/Catch2 ]; then
    command+=(-DHOLDFAST_TESTS=ON)
  else
    command+=(-DHOLDFAST_TESTS=OFF)
  fi
  said=$("${command[@]}" 2>&1) || {
    printf '%s\n' "$said" >&2
    return 1
  }
}
