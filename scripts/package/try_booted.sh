#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What scripts/try_package --boot does. Called with "prepare" in the bare Debian it installs systemd and
# the package there; called with "units" by the service manager of that system, once it has booted, it
# lets the service and the timer do their work inside the sandbox.
. "$(dirname "${BASH_SOURCE[0]}")/try_steps.sh"

drop_ins=/etc/systemd/system/holdfast.service.d
examples=/usr/share/doc/holdfast/examples

set_up() {
  prepare systemd-sysv dbus python3
  step "apt install ./holdfast.deb, and alice decides"
  (cd "$here" && apt install ./holdfast.deb)
  decide
  approve
  [ -s /etc/machine-id ] || systemd-machine-id-setup >/dev/null
  cat >/etc/systemd/system/try.service <<UNIT
[Service]
Type=oneshot
ExecStart=/bin/bash $here/try_booted.sh units
StandardOutput=append:$here/booted.log
StandardError=inherit
ExecStopPost=-/bin/sh -c 'systemctl poweroff --no-block >/dev/null 2>&1'
[Install]
WantedBy=multi-user.target
UNIT
  ln -sf /etc/systemd/system/try.service /etc/systemd/system/multi-user.target.wants/try.service
  printf '#!/bin/sh\ncat >>/var/tmp/mail\n' >/usr/sbin/sendmail
  chmod 755 /usr/sbin/sendmail
}

shown() { systemctl show --property "$1" --value "${2-holdfast.service}"; }

# drop_in NAME LINE...: a drop-in of the service.
drop_in() {
  mkdir -p "$drop_ins"
  printf '%s\n' "${@:2}" >"$drop_ins/$1"
  systemctl daemon-reload
}

no_drop_in() {
  rm "$drop_ins/$1"
  systemctl daemon-reload
}

# Waits until the service rests, at most a minute.
rest() {
  local tries
  for ((tries = 0; tries < 240; ++tries)); do
    case $(shown ActiveState) in inactive | failed) return ;; esac
    sleep 0.25
  done
  fail "the service is still $(shown ActiveState)"
}

partial_run() {
  step "a run that stops at its budget (3) is a success"
  same "timer as it comes" "$(systemctl is-enabled holdfast.timer || true)" disabled
  systemctl start holdfast.timer # keeps the service in memory, with its last status
  sed -i 's/^max_rows = 0/max_rows = 500/' "$config"
  systemctl start holdfast.service
  same "status and result" "$(shown ExecMainStatus) $(shown Result)" "3 success"
  same "outcome" "$(outcome)" partial
  sed -i 's/^max_rows = 500/max_rows = 0/' "$config"
}

nightly_run() {
  step "the timer, hurried, starts the run that finishes"
  mkdir -p /etc/systemd/system/holdfast.timer.d
  printf '[Timer]\nOnCalendar=\nOnCalendar=*:*:0/10\nRandomizedDelaySec=0\nAccuracySec=1s\n' \
    >/etc/systemd/system/holdfast.timer.d/hurry.conf
  systemctl daemon-reload
  systemctl enable holdfast.timer
  systemctl restart holdfast.timer
  sleep 11
  rm -r /etc/systemd/system/holdfast.timer.d
  systemctl daemon-reload
  systemctl restart holdfast.timer
  rest
  same "status and result" "$(shown ExecMainStatus) $(shown Result)" "0 success"
  same "outcome" "$(outcome)" completed
  systemctl list-timers --no-pager holdfast.timer
}

lock_held() {
  step "another run has the lock (11): tried again until it is free"
  drop_in soon.conf '[Service]' RestartSec=1s
  flock --exclusive "$state/audit.db.holdfast-lock" sleep 4 &
  ! systemctl start holdfast.service 2>/dev/null || fail "it did not see the lock"
  wait
  sleep 2
  rest
  same "status and result" "$(shown ExecMainStatus) $(shown Result)" "0 success"
  no_drop_in soon.conf
}

failure() {
  step "a run that is invalid (2) is a failure, tried once, and the example mails it"
  cp "$examples/failure-notice.conf" "$drop_ins/"
  cp "$examples/holdfast-failed@.service" /etc/systemd/system/
  systemctl daemon-reload
  sed -i 's/^max_rows = 0/max_rowz = 0/' "$config"
  ! systemctl start holdfast.service 2>/dev/null || fail "a wrong configuration went through"
  same "status and result" "$(shown ExecMainStatus) $(shown ActiveState) $(shown NRestarts)" "2 failed 0"
  sleep 2
  same "mails" "$(grep -c '^Subject: holdfast.service failed' /var/tmp/mail)" 1
  contains "the mail" "$(cat /var/tmp/mail)" max_rowz
  sed -i 's/^max_rowz = 0/max_rows = 0/' "$config"
  systemctl reset-failed holdfast.service
}

stopped() {
  step "a unit that is stopped (130) is no failure"
  drop_in slow.conf '[Service]' ExecStart= "ExecStart=/bin/sh -c 'trap \"exit 130\" TERM; sleep 60 & wait'"
  systemctl start --no-block holdfast.service
  sleep 1
  systemctl stop holdfast.service
  same "status and result" "$(shown ExecMainStatus) $(shown Result)" "130 success"
  no_drop_in slow.conf
}

sandbox() {
  step "what the sandbox lets through"
  # shellcheck disable=SC2016 # the shell of the unit expands it
  drop_in probe.conf '[Service]' ExecStart= StandardOutput=truncate:/var/tmp/probe "ExecStart=/bin/sh -c '\
for place in /etc /usr /srv /home /root; do touch \$\$place/probe 2>/dev/null && echo writes \$\$place; done; \
grep -E \"^(NoNewPrivs|Seccomp|CapEff|CapBnd):\" /proc/self/status | tr -d \"\\\\t\"; ls /sys/class/net; \
ulimit -v 524288 && ulimit -t 5 && setsid true && echo limits can be lowered'"
  systemctl start holdfast.service
  same "probe" "$(paste -sd, /var/tmp/probe)" \
    "CapEff:0000000000000000,CapBnd:0000000000000000,NoNewPrivs:1,Seccomp:2,lo,limits can be lowered"
  no_drop_in probe.conf
}

# Takes one message and writes its signature and its body to /var/tmp/told.
receiver='
import http.server
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open("/var/tmp/told", "wb") as told:
            told.write(self.headers["X-Holdfast-Signature"].encode() + b"\n" + body + b"\n")
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", 8088), Receiver).handle_request()
'

webhook() {
  step "a webhook: without network said and no failure, with the example's drop-in delivered"
  (umask 077 && printf '%s\n' 0123456789abcdef0123456789abcdef >"$state/webhook.secret")
  chown holdfast: "$state/webhook.secret"
  cp "$config" /var/tmp/before
  printf '\n[webhook]\nurl = "http://127.0.0.1:8088/hook"\nsecret_file = "%s"\non = ["completed"]\n' \
    "$state/webhook.secret" >>"$config"
  python3 -c "$receiver" &
  sleep 1
  systemctl start holdfast.service
  same "status and result" "$(shown ExecMainStatus) $(shown Result)" "0 success"
  [ ! -e /var/tmp/told ] || fail "a run without network told somebody"
  journalctl --sync
  contains "the journal" "$(journalctl -u holdfast.service -o cat -n 20)" webhook_not_taken
  cp "$examples/network.conf" "$drop_ins/"
  systemctl daemon-reload
  systemctl start holdfast.service
  same "status and result" "$(shown ExecMainStatus) $(shown Result)" "0 success"
  wait
  contains "the message" "$(cat /var/tmp/told)" '"outcome"'
  no_drop_in network.conf
  cp /var/tmp/before "$config"
}

application_user() {
  step "a database of an application's user, with the example's drop-in"
  adduser --quiet --system --group --no-create-home --home /nonexistent app
  install -d -o app -g app -m 750 /srv/app /srv/app/data
  mv "$state/audit.db" /srv/app/data/
  chown app:app /srv/app/data/audit.db
  chown -R app "$state"
  sed -i 's#^path = .*audit.db"#path = "/srv/app/data/audit.db"#' "$config"
  ! systemctl start holdfast.service 2>/dev/null || fail "the user holdfast read what is app's"
  cp "$examples/application-user.conf" "$drop_ins/"
  systemctl daemon-reload
  systemctl start holdfast.service
  same "status and result" "$(shown ExecMainStatus) $(shown Result)" "0 success"
  (cd / && runuser -u app -g holdfast -- holdfast verify --config "$config")
}

removal() {
  step "apt remove stops the timer and takes it out of the schedule"
  same "timer" "$(systemctl is-active holdfast.timer)" active
  apt remove holdfast
  same "timer" "$(systemctl is-active holdfast.timer || true)" inactive
  [ ! -L /etc/systemd/system/timers.target.wants/holdfast.timer ] || fail "the timer is still enabled"
  step "done"
}

case "${1-}" in
  prepare) set_up ;;
  units)
    for one in partial_run nightly_run lock_held failure stopped sandbox webhook application_user removal; do
      "$one"
    done
    ;;
  *) fail "prepare or units" ;;
esac
