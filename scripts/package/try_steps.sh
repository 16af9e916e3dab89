# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tries of the package share; sourced inside the bare Debian.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
config=/etc/holdfast/holdfast.toml
state=/var/lib/holdfast

step() { printf '\n=== %s\n' "$*"; }
fail() {
  printf 'try_package: %s\n' "$*" >&2
  exit 1
}
same() { [ "$2" = "$3" ] || fail "$1: \"$2\", expected \"$3\""; }
contains() { [[ $2 == *"$3"* ]] || fail "$1 lacks \"$3\": $2"; }
apt() { env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 --yes "$@"; }

# One command as the user of the package, for the administrator alice, as sudo would start it.
as_holdfast() { (cd / && runuser -u holdfast -- env SUDO_UID="$(id -u alice)" "$@"); }

field() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" | head -n 1; }

# prepare PACKAGE...: these, the libraries that holdfast.deb needs, and a person.
prepare() {
  step "a system with alice, $* and the libraries that the package needs"
  apt update
  local libraries
  libraries=$(dpkg-deb -f "$here/holdfast.deb" Depends | sed 's/([^)]*)//g; s/,//g')
  # shellcheck disable=SC2086 # names, one word each
  apt install --no-install-recommends "$@" $libraries >/dev/null
  adduser --quiet --disabled-password --gecos Alice alice
}

decide() {
  step "as it comes the configuration deletes nothing; then alice decides"
  install -o holdfast -g holdfast -m 600 "$here/sample.db" "$state/audit.db"
  as_holdfast holdfast init --config "$config"
  same "deleted by the packaged configuration" \
    "$(as_holdfast holdfast plan --json --config "$config" | field deleted)" 0
  sed -i -E '/^\[retention.category\]/,/^\[retention.code\]/s/^# ([a-z-]+ = \{)/\1/
             s/^principals = \[\]/principals = ["alice"]/' "$config"
  same "mode of the edited configuration" "$(stat -c '%U:%G %a' "$config")" "root:holdfast 640"
}

# Saves a plan and has it approved.
approve() {
  local plan
  plan=$(as_holdfast holdfast plan --save --json --config "$config" || [ $? -eq 4 ])
  as_holdfast holdfast approve "$(field digest <<<"$plan")" --config "$config"
}

outcome() { as_holdfast holdfast report --json --config "$config" | field outcome; }
