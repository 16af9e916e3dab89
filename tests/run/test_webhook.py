# SPDX-License-Identifier: Apache-2.0
# ctest: long
"""The webhook for failures: what is sent and how it is signed, and that no server keeps a run from ending."""

import contextlib
import fcntl
import hashlib
import hmac
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import unittest
import unittest.mock

from audit_world import at, config_with, world

NOW = at("2030-01-01T02:00:00")
AGED = at("2029-01-01")
SECRET = "0123456789abcdef0123456789abcdef"
APPROVAL = {"safety": {"first_run_needs_approval": True}}


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body, self.path))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status)
        if status in (301, 302, 307):
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # a handshake that the other side breaks off is what a test wants to see


@contextlib.contextmanager
def receiver(*answers):
    """A server on the loopback that answers with these statuses, then 200; `got` has what was sent."""
    server = Server(("127.0.0.1", 0), Receiver)
    server.got, server.answers = [], list(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Webhook(unittest.TestCase):
    def world(self, port, *changes, **webhook):
        section = {"url": f"http://127.0.0.1:{port}/srv/path-token", "secret_file": "secret", "time_limit": "3s"}
        self.config = config_with({"webhook": section | webhook}, *changes)
        made = self.enterContext(world(self.config))
        self.secret(made, SECRET + "\n")
        made.insert(AGED, count=5)
        return made

    def secret(self, made, text, mode=0o600):
        file = made.folder / "secret"
        file.write_text(text)
        file.chmod(mode)

    def one(self, server):
        """The one message that came, its signature checked as a receiver would."""
        self.assertEqual(len(server.got), 1, server.got)
        return self.checked(server.got[0])

    def checked(self, message):
        headers, body, path = message
        signed = headers["X-Holdfast-Timestamp"].encode() + b"." + body
        expected = "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Holdfast-Signature"], expected)
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertTrue(headers["User-Agent"].startswith("holdfast/"))
        self.assertEqual(path, "/srv/path-token")
        self.assertEqual(int(headers["X-Holdfast-Timestamp"]), NOW.timestamp())
        self.assertEqual(json.loads(body)["delivery"], headers["X-Holdfast-Delivery"])
        return json.loads(body)

    def refused_run(self, made):
        answer = made.call("run", expect=4)
        self.assertEqual(len(made.ids()), 5)
        return answer

    def test_a_refusal_is_told_in_full_and_signed(self):
        with receiver() as server:
            made = self.world(server.server_port, APPROVAL)
            answer = self.refused_run(made)
            body = self.one(server)
        self.assertNotIn("webhook", answer.stderr)
        report = made.call("report", "--json", expect=0).json
        self.assertEqual((body["event"], body["outcome"], body["exit_status"]), ("holdfast.run", "refused", 4))
        self.assertEqual((body["run_id"], body["run_hash"]), (1, report["run_hash"]))
        self.assertEqual((body["database"], body["host"]), (str(made.database), socket.gethostname()))
        self.assertEqual((body["reason"], body["message"]), ("first_run_not_approved", report["error"]["message"]))
        self.assertIn("holdfast approve", body["what_to_do"])
        self.assertEqual(body["began_at"], "2030-01-01T02:00:00Z")

    def test_what_went_well_is_not_told_unless_it_is_wanted(self):
        with receiver() as server:
            made = self.world(server.server_port)
            made.run(expect=0)
            self.assertEqual(server.got, [])
            made.write_config(config_with(self.config, {"webhook": {"on": ["completed"]}}))
            made.run(expect=0)
            body = self.one(server)
            self.assertEqual((body["outcome"], body["reason"], body["message"]), ("completed", None, None))

    def test_check_says_that_the_systemd_unit_has_no_network(self):
        made = self.world(9)
        self.assertIn("network.conf", made.call("check", expect=0).stdout)
        made.write_config(config_with())
        self.assertNotIn("network.conf", made.call("check", expect=0).stdout)

    def test_all_its_keys_are_named_where_one_is_wrong(self):
        made = self.world(9)
        made.write_config(config_with(self.config, {"webhook": {"wrong": 1}}))
        self.assertRegex(made.call("check", expect=2).stderr, r"known here: [^)]*\bon\b")

    def test_the_secret_of_another_user_says_who_should_own_it(self):
        made = self.world(9)
        self.secret(made, SECRET, mode=0)
        made.leave_root()
        self.assertIn("chown it to who runs holdfast", made.call("check").stdout)

    def test_an_address_in_capitals_on_this_machine_asks_no_proxy(self):
        with receiver() as server:
            made = self.world(server.server_port, APPROVAL, url=f"HTTP://127.0.0.1:{server.server_port}/srv/path-token")
            with unittest.mock.patch.dict(os.environ, {"http_proxy": "http://127.0.0.1:9/"}):
                self.refused_run(made)
            self.one(server)

    def test_persons_and_what_quotes_them_stay_here(self):
        with receiver() as server:
            made = self.world(server.server_port)
            made.write_config(config_with(self.config, {"admins": {"principals": ["person-zz", "person-zz"]},
                                                        "safety": {"tenant-zz": 1}}))
            answer = made.call("run", expect=2)
            self.assertIn("zz", answer.stderr)
            body = self.one(server)
            self.assertEqual((body["outcome"], body["reason"], body["run_id"]), ("invalid", "config", 1))
            self.assertNotIn("zz", json.dumps(body))

    def test_a_database_that_is_missing_is_told_too(self):
        with receiver() as server:
            made = self.world(server.server_port)
            made.database.unlink()
            made.call("run", expect=1)
            body = self.one(server)
            self.assertEqual((body["outcome"], body["reason"], body["run_id"]), ("failed", "database_missing", None))

    def test_another_run_that_holds_the_lock_is_nothing_to_tell(self):
        with receiver() as server:
            made = self.world(server.server_port, on=["failed", "invalid", "refused", "completed"])
            made.run(expect=0)
            server.got.clear()
            (lock,) = [entry for entry in made.folder.iterdir() if "lock" in entry.name]
            with lock.open("r+") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                made.call("run", expect=11)
            self.assertEqual(server.got, [])

    def test_a_server_in_trouble_is_tried_again_with_the_same_message(self):
        for fault in (500, 429, 408):
            with self.subTest(fault), receiver(fault, fault) as server:
                made = self.world(server.server_port, APPROVAL)
                answer = self.refused_run(made)
                self.assertNotIn("webhook", answer.stderr)
                self.assertEqual(len(server.got), 3)
                for message in server.got:
                    self.checked(message)
                self.assertEqual(len({headers["X-Holdfast-Delivery"] for headers, *_ in server.got}), 1)

    def test_three_tries_and_no_more(self):
        with receiver(*[503] * 9) as server:
            made = self.world(server.server_port, APPROVAL)
            answer = self.refused_run(made)
            self.assertEqual(len(server.got), 3)
        self.assertIn("webhook_not_taken: http://127.0.0.1", answer.stderr)
        self.assertIn("status 503", answer.stderr)
        self.assertNotIn("path-token", answer.stderr)

    def test_a_refusal_or_a_redirect_ends_the_tries_and_is_not_followed(self):
        for status in (403, 302, 307):
            with self.subTest(status), receiver(status) as server:
                made = self.world(server.server_port, APPROVAL)
                answer = self.refused_run(made)
                self.assertEqual(len(server.got), 1)
                self.assertIn(f"status {status}", answer.stderr)

    def test_a_dead_port_changes_nothing(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        made = self.world(port, on=["completed"])
        answer = made.run(expect=0)
        self.assertEqual(answer.json["deleted"], 5)
        self.assertIn("webhook_not_taken", answer.stderr)

    def test_a_server_that_hangs_ends_within_the_limit_and_blocks_no_other_run(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(8)
            made = self.world(silent.getsockname()[1], on=["completed"], time_limit="2s")
            began = time.monotonic()
            answer = made.run(expect=0)
            took = time.monotonic() - began
        self.assertIn("webhook_not_taken", answer.stderr)
        self.assertEqual((answer.json["deleted"], made.ids()), (5, set()))
        self.assertGreater(took, 1.5)
        self.assertLess(took, 20)

    def test_an_answer_without_end_is_cut_off(self):
        def drip(connection):
            with contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    connection.sendall(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")

        with socket.socket() as endless:
            endless.bind(("127.0.0.1", 0))
            endless.listen(8)
            made = self.world(endless.getsockname()[1], on=["completed"])

            def serve():
                with contextlib.suppress(OSError):
                    connection, _ = endless.accept()
                    with connection:
                        drip(connection)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            began = time.monotonic()
            answer = made.run(expect=0)
            self.assertLess(time.monotonic() - began, 20)
            thread.join(5)
        self.assertNotIn("webhook", answer.stderr)

    def test_a_certificate_that_nobody_vouches_for_is_not_believed(self):
        with receiver() as server:
            made = self.world(server.server_port, on=["completed"])
            subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30000", *subject,
                 "-keyout", made.folder / "key", "-out", made.folder / "cert"],
                check=True, capture_output=True,
            )  # fmt: skip
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(made.folder / "cert", made.folder / "key")
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            url = {"url": f"https://127.0.0.1:{server.server_port}/srv/path-token"}
            made.write_config(config_with(self.config, {"webhook": url}))
            answer = made.run(expect=0)
            self.assertEqual(server.got, [])
        self.assertIn("webhook_not_taken: https://127.0.0.1", answer.stderr)
        self.assertIn("certificate", answer.stderr)

    def test_a_secret_that_others_know_signs_nothing(self):
        with receiver() as server:
            made = self.world(server.server_port, on=["completed"])
            for text, mode, said in (
                (SECRET, 0o640, "others may read"),
                (SECRET, 0o602, "others may read"),
                ("short", 0o600, "16 to 4096 bytes"),
                ("x" * 5000, 0o600, "16 to 4096 bytes"),
            ):
                self.secret(made, text, mode)
                answer = made.run(expect=0)
                self.assertIn("webhook_not_taken", answer.stderr)
                self.assertIn(said, answer.stderr)
                self.assertNotIn(SECRET, answer.stderr + answer.stdout)
            (made.folder / "secret").unlink()
            self.assertIn("cannot be opened", made.run(expect=0).stderr)
            os.mkfifo(made.folder / "secret", 0o600)
            self.assertIn("no regular file", made.call("run", expect=0, timeout_s=20).stderr)
            (made.folder / "secret").unlink()
            self.secret(made, SECRET)
            (made.folder / "secret").rename(made.folder / "real")
            (made.folder / "secret").symlink_to("real")
            self.assertIn("cannot be opened", made.run(expect=0).stderr)
            self.assertEqual(server.got, [])


if __name__ == "__main__":
    unittest.main()
