#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: server.sh start FOLDER PID | server.sh restart FOLDER [MODE] | server.sh stop FOLDER
#
# A PostgreSQL server of its own for a test: its files and its Unix socket are in FOLDER, which must
# be empty; it listens to no network, syncs nothing, and lets everybody in as "holdfast". It stops
# when process PID ends. Root cannot run a server, so for root it runs as another user, who then owns
# FOLDER. Exits with 3 where PostgreSQL is not installed.
set -euo pipefail

die() {
  printf 'server.sh: %s\n' "$*" >&2
  exit 2
}

find_bin() {
  local folder
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && printf '%s\n' "$folder" && return
  done
  folder=$(command -v initdb) && dirname "$folder" && return
  return 1
}

bin=$(find_bin) || exit 3
[ $# -ge 2 ] || die "see the head of this file"
folder=$2

as_user=()
if [ "$(id -u)" = 0 ]; then
  user=postgres
  getent passwd "$user" >/dev/null || user=nobody
  as_user=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups)
fi

start_server() {
  local options="-c listen_addresses='' -c unix_socket_directories='$folder' -c fsync=off"
  options+=" -c full_page_writes=off -c shared_buffers=32MB -c max_connections=50"
  options+=" -c dynamic_shared_memory_type=mmap -c autovacuum=off -c wal_level=logical"
  "${as_user[@]}" env LC_ALL=C "$bin/pg_ctl" -D "$folder/data" -l "$folder/data/server.log" -w \
    -t 60 -o "$options" start >/dev/null 2>&1 || die "no start: $(tail -n 3 data/server.log)"
}

stop_server() { # MODE: immediate, as a crash would, or fast
  "${as_user[@]}" "$bin/pg_ctl" -D "$folder/data" -m "${1-immediate}" -w stop >/dev/null 2>&1 || true
}

# The server goes when the test does, however that ends.
watch_over() {
  while kill -0 "$1" 2>/dev/null && [ -d "$folder/data" ]; do sleep 0.5; done
  stop_server
  rm -rf "$folder"
}

case $1 in
  start)
    [ $# -eq 3 ] || die "start needs FOLDER and PID"
    script=$(readlink -f "$0")
    cd "$folder" # not one that the other user may not enter
    [ ${#as_user[@]} -eq 0 ] || chown "$user" "$folder"
    chmod 0755 "$folder" # a test may connect as another user
    # C collation and UTF-8, whatever the language of the machine.
    "${as_user[@]}" env LC_ALL=C "$bin/initdb" -N -A trust -U holdfast -E UTF8 --locale=C -D data \
      >initdb.log 2>&1 || die "initdb failed: $(tail -n 3 initdb.log)"
    start_server
    # In a session of its own, so that what kills the test's whole group leaves it.
    setsid "$script" watch "$folder" "$3" >/dev/null 2>&1 </dev/null &
    ;;
  watch) cd / && watch_over "$3" ;;
  restart) # as after a crash of the server, unless MODE says otherwise
    cd "$folder"
    stop_server "${3-immediate}"
    start_server
    ;;
  stop) cd / && stop_server ;;
  *) die "unknown command $1" ;;
esac
