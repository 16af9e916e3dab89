#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What scripts/try_package does inside a bare Debian, with holdfast.deb and sample.db beside this file.
# Each step prints what it found; the first surprise ends it.
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/try_steps.sh"

# The account is left by a purge, on purpose; the rest is what accounts and apt leave anywhere.
left_on_purpose='^(/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?|/etc|/srv|/var/lib)$'

# Every file but what the kernel, apt, dpkg and logs keep: path, kind, mode, owner, and the content's sum.
files() {
  local skip=(/proc /sys /dev /tmp /run /var/cache /var/lib/apt /var/lib/dpkg /var/log /etc/ld.so.cache)
  local expression=() path
  for path in "${skip[@]}"; do expression+=(-path "$path" -prune -o); done
  find / -xdev "${expression[@]}" -printf '%p %y %m %u %g %l\n' | LC_ALL=C sort
}

install_it() {
  step "apt install ./holdfast.deb"
  (cd "$here" && apt install ./holdfast.deb)
  holdfast --version
  same "mode of the configuration" "$(stat -c '%U:%G %a' "$config")" "root:holdfast 640"
  same "mode of the state" "$(stat -c '%U:%G %a' "$state")" "holdfast:holdfast 750"
  same "folders of the state" "$(cd "$state" && stat -c '%n %U %a' -- * | paste -sd,)" \
    "archive holdfast 750,keys holdfast 700,reports holdfast 750,witness holdfast 700"
  same "shell of the user" "$(getent passwd holdfast | cut -d: -f6-)" "$state:/usr/sbin/nologin"
  [ ! -e /etc/systemd/system/timers.target.wants/holdfast.timer ] || fail "the timer is enabled"
  [ ! -e /etc/cron.d/holdfast ] || fail "there is a file for cron"
}

read_it() {
  step "man pages and completion"
  contains "holdfast(1)" "$(man 1 holdfast 2>&1)" "EXIT STATUS"
  contains "holdfast-run(1)" "$(man 1 holdfast-run 2>&1)" "the nightly job"
  contains "holdfast.toml(5)" "$(man 5 holdfast.toml 2>&1)" "max_category_share"
  local completed
  completed=$(bash -c '
    . /usr/share/bash-completion/bash_completion
    _completion_loader holdfast || true
    complete -p holdfast
    COMP_WORDS=(holdfast hold rel) COMP_CWORD=2
    _holdfast
    echo "${COMPREPLY[*]}"')
  same "completion" "$completed" "complete -F _holdfast holdfast"$'\n'"release"
}

run_it() {
  step "check, plan, approve, run"
  as_holdfast holdfast check --config "$config"
  approve
  local said
  # As the unit has it: command, user and folder.
  said=$(as_holdfast sh -c "cd $state && exec $(sed -n 's/^ExecStart=//p' /lib/systemd/system/holdfast.service)" 2>&1)
  same "what a good run says to cron" "$said" ""
  same "outcome" "$(outcome)" completed
  as_holdfast holdfast status --config "$config"
  as_holdfast holdfast verify --config "$config"
}

install_again() {
  step "the same package again, over an edited configuration and a folder of another mode"
  chmod 700 "$state/reports"
  local before
  before=$(sha256sum "$config" && stat -c '%U:%G %a' "$config")
  (cd "$here" && apt install --reinstall ./holdfast.deb)
  same "configuration" "$(sha256sum "$config" && stat -c '%U:%G %a' "$config")" "$before"
  same "mode of reports" "$(stat -c %a "$state/reports")" 700
}

remove_it() {
  step "apt remove: configuration and evidence stay, the schedule goes"
  mkdir -p /etc/systemd/system/timers.target.wants
  ln -s /lib/systemd/system/holdfast.timer /etc/systemd/system/timers.target.wants/holdfast.timer
  apt remove holdfast
  [ ! -e /usr/bin/holdfast ] || fail "the program is still there"
  [ -f "$config" ] || fail "remove took the configuration"
  [ -f "$state/audit.db" ] || fail "remove took evidence"
  [ ! -L /etc/systemd/system/timers.target.wants/holdfast.timer ] || fail "the timer is still enabled"
}

purge_it() {
  step "apt purge: the configuration goes, evidence stays and is named; then without evidence nothing stays"
  local said
  said=$(apt purge holdfast 2>&1)
  printf '%s\n' "$said"
  contains "purge" "$said" "holdfast: left $state"
  [ ! -e "$config" ] || fail "the configuration is still there"
  [ -f "$state/audit.db" ] || fail "purge took evidence"
  rm -rf "$state"
  (cd "$here" && apt install ./holdfast.deb >/dev/null)
  said=$(apt purge holdfast 2>&1)
  [[ $said != *"left $state"* ]] || fail "purge left empty folders: $said"
}

compare() {
  step "files before and after"
  local difference
  files >/tmp/after
  difference=$(diff /tmp/before /tmp/after | sed -n 's/^[<>] //p' | cut -d' ' -f1 | sort -u |
    grep -vE "$left_on_purpose" || true)
  same "files that are not as before" "$difference" ""
  getent passwd holdfast
}

prepare man-db bash-completion
files >/tmp/before
install_it
read_it
decide
run_it
install_again
remove_it
purge_it
compare
step "done"
