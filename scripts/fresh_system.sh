# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A bare Debian bookworm in a temporary folder, for the scripts that try things in one; sourced after
# lib.sh. The minimal system and the downloaded packages are kept between tries.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/holdfast
sources=/etc/apt/sources.list.d/debian.sources

need_fresh_system() {
  [ "$(id -u)" -eq 0 ] || die "needs root, to make a system of its own: use sudo"
  command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
}

# A minimal system as a tarball, made once.
minimal() {
  local tarball=$cache/bookworm-minbase.tar folder mirror
  if [ ! -f "$tarball" ]; then
    mirror=$(sed -n 's/^URIs: *//p' "$sources" 2>/dev/null | head -n 1)
    mirror=${MIRROR:-${mirror:-http://deb.debian.org/debian}}
    say "${0##*/}: making a minimal bookworm from $mirror"
    folder=$(mktemp -d)
    debootstrap --variant=minbase bookworm "$folder" "$mirror" >&2
    rm -rf "$folder"/var/cache/apt/archives/*.deb
    tar -C "$folder" -cf "$tarball.part" .
    mv "$tarball.part" "$tarball"
    rm -rf "$folder"
  fi
  printf '%s\n' "$tarball"
}

# What lets apt inside reach what apt out here reaches.
lend_network() {
  cp -L /etc/resolv.conf "$fresh/etc/resolv.conf"
  apt-config dump Acquire | grep -iE 'proxy|check-' >"$fresh/etc/apt/apt.conf.d/90host" || true
  [ -z "${MIRROR-}" ] && [ -f "$sources" ] || return 0
  cp "$sources" "$fresh/etc/apt/sources.list.d/"
  rm -f "$fresh/etc/apt/sources.list"
}

# make_fresh_system KEEP: makes it in the folder $fresh, which goes at the end unless KEEP is "yes".
make_fresh_system() {
  local tarball
  mkdir -p "$cache/archives/partial"
  tarball=$(minimal)
  fresh=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-fresh.XXXXXX")
  if [ "$1" = yes ]; then
    say "${0##*/}: in $fresh"
  else
    trap 'rm -rf --one-file-system "$fresh"' EXIT
  fi
  tar -C "$fresh" -xf "$tarball"
  chmod 755 "$fresh"
  lend_network
}

# in_fresh_system FOLDER COMMAND [ARGUMENT...]: runs the command there, in a folder of the system. The
# mounts live in a namespace that ends with the command, so none is left behind to remove.
in_fresh_system() {
  # shellcheck disable=SC2016 # the inner shells expand it
  unshare --mount --pid --fork --kill-child sh -ec '
    fresh=$1 archives=$2
    shift 2
    # A mount of its own, so that a test in there can make namespaces in turn.
    mount --bind "$fresh" "$fresh"
    mount -t proc proc "$fresh/proc"
    mount --rbind /dev "$fresh/dev"
    mount --bind "$archives" "$fresh/var/cache/apt/archives"
    exec env -i HOME=/root LANG=C.UTF-8 TERM="${TERM-dumb}" PATH=/usr/sbin:/usr/bin:/sbin:/bin ${CI:+CI="$CI"} \
      chroot "$fresh" sh -c "cd \"\$1\" && shift && exec \"\$@\"" sh "$@"
  ' sh "$fresh" "$cache/archives" "$@"
}
