# SPDX-License-Identifier: Apache-2.0
"""`config new` for a database on a server: a configuration with which nothing is deleted, and the database as it was."""

import unittest

import test_postgres_mappings as mappings
from postgres_world import Session, at, days, postgres_world, to_ms

NOW = at("2030-01-01T02:00:00")
WHOLE_DATABASE = """
SELECT md5(string_agg(t.n || ' ' || query_to_xml(format('SELECT * FROM %s ORDER BY 1', t.n), true, true, '')::text, '' ORDER BY n))
FROM (SELECT c.oid::regclass::text AS n FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND s.nspname NOT LIKE 'pg\\_%' AND s.nspname <> 'information_schema') AS t
"""
TRAIL = """
CREATE SCHEMA app;
CREATE TABLE app.settings (id serial PRIMARY KEY, name text, updated_at timestamptz);
CREATE TABLE app.kind (id int PRIMARY KEY, short char(4), name text);
INSERT INTO app.kind VALUES (1, 'a', 'login'), (2, 'b', 'logout'), (3, 'c', 'order viewed');
CREATE TABLE app.audit_trail (entry uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at {type},
  action int REFERENCES app.kind, tenant_id text, actor text, subject_id text, customer_email text, details jsonb);
INSERT INTO app.audit_trail (created_at, action, tenant_id, actor, subject_id)
  SELECT {value}, 1 + i % 3, 't' || i % 2, 'ann', 's' || i FROM generate_series(1, 300) AS i;
"""
TIME = "timestamptz '2029-06-01 00:00:00+00' + i * interval '13 minutes 7.25 seconds'"
SECONDS = f"extract(epoch FROM {TIME})"
KINDS = {
    "iso8601": ("timestamptz", TIME),
    "utc_text": ("timestamp", f"({TIME}) AT TIME ZONE 'UTC'"),
    "unix_ms": ("bigint", f"(1000 * {SECONDS})::bigint"),
    "unix_real": ("double precision", f"{SECONDS}::double precision"),
    "unix_s": ("numeric(12, 0)", f"{SECONDS}::numeric(12, 0)"),
}


class ConfigNew(mappings.ReadyMappings):
    # Only what makes the worlds is wanted of the other one.
    test_as_they_are_shipped_nothing_goes = None
    test_with_windows_each_row_is_as_its_time_and_code_say = None

    def new(self, made, *options, expect=0, url=None):
        (made.folder / "new").mkdir(exist_ok=True)
        before = made.sql(WHOLE_DATABASE)
        url = url or made.server.url(made.name)
        answer = made.call("config", "new", "--database", url, "--out", "new/holdfast.toml", "--state-directory", made.state,
                           "--json", *options, expect=expect)
        self.assertEqual(made.sql(WHOLE_DATABASE), before)
        return answer

    def use(self, made):
        """Takes what was written for the configuration: it is sound, and nothing would go."""
        made.config_file = made.folder / "new" / "holdfast.toml"
        made.call("check", expect=0)
        made.init()
        plan = made.plan(expect=0).json
        self.assertEqual(plan["deleted"], 0)
        return plan

    def test_the_known_applications_get_their_mapping(self):
        for name, (table, _, _) in mappings.TABLES.items():
            with self.subTest(name):
                made, reasons = self.made(name)
                made.config_file.unlink()
                said = self.new(made).json
                self.assertEqual((said["application"], said["table"], said["not_ready"]), (name, table, []))
                self.assertEqual((said["rows"], said["bad_times"]), (len(reasons), 1))
                self.assertEqual(said["state_directory"], str(made.state))
                plan = self.use(made)
                self.assertLessEqual({code["code"] for code in plan["unknown_codes"]}, {""}, "every code that was found is listed")

    def test_a_table_that_nobody_knows_is_worked_out(self):
        for time_format, (kind, value) in KINDS.items():
            with self.subTest(time_format):
                made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
                made.config_file.unlink()
                made.sql(TRAIL.format(type=kind, value=value))
                said = self.new(made).json
                self.assertEqual((said["application"], said["table"], said["not_ready"]), (None, "app.audit_trail", []))
                self.assertEqual((said["rows"], said["time_format"], said["bad_times"]), (300, time_format, 0))
                self.assertEqual(said["earliest"][:16], "2029-06-01T00:13")
                self.assertEqual({code["code"] for code in said["codes"]}, {"login", "logout", "order viewed"})
                text = (made.folder / "new" / "holdfast.toml").read_text()
                for line in ('table = "app.audit_trail"', 'id = "entry"', 'tenant = "tenant_id"', 'actor = "actor"', 'metadata = "details"',
                             'code_lookup = { table = "app.kind", key = "id", text = "name" }', 'not used: "customer_email"'):
                    self.assertIn(line, text)
                self.use(made)

    def test_a_known_application_in_a_schema_of_its_own_is_known(self):
        made, reasons = self.made("keycloak")
        made.config_file.unlink()
        made.sql("CREATE SCHEMA kc; ALTER TABLE event_entity SET SCHEMA kc")
        said = self.new(made).json
        self.assertEqual((said["application"], said["table"], said["rows"]), ("keycloak", "kc.event_entity", len(reasons)))
        self.use(made)

    def test_names_are_never_taken_for_sql(self):
        made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
        made.config_file.unlink()
        made.sql(TRAIL.format(type="timestamptz", value=TIME) + "CREATE TABLE victim AS SELECT 1 AS id;"
                 "ALTER TABLE app.kind RENAME name TO \"%code%\";"
                 "CREATE TABLE app.\";DROP TABLE public.victim;--.%schema%\" (id int PRIMARY KEY);"
                 "CREATE TABLE app.\"%name%\" (id int PRIMARY KEY, \"a'\"\"b%table%\" text)")
        said = self.new(made).json
        self.assertEqual((said["table"], said["rows"], said["not_ready"]), ("app.audit_trail", 300, []))
        self.assertEqual({code["code"] for code in said["codes"]}, {"login", "logout", "order viewed"})
        self.use(made)

    def test_what_others_have_made_is_not_called(self):
        made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
        made.config_file.unlink()
        made.sql(TRAIL.format(type="timestamptz", value=TIME))
        made.sql("CREATE FUNCTION public.trap(oid, regclass) RETURNS boolean LANGUAGE plpgsql AS"
                 " $$BEGIN RAISE EXCEPTION 'the trap was called'; END$$;"
                 "CREATE OPERATOR public.= (FUNCTION = public.trap, LEFTARG = oid, RIGHTARG = regclass)")
        answer = self.new(made, expect=4)
        self.assertIn("not PostgreSQL's", "".join(answer.json["not_ready"]))
        for verb in ("check", "plan"):
            self.assertNotIn("the trap was called", str(made.call(verb, expect=None)))

    def test_a_table_with_a_dot_in_its_name_takes_nobodys_place(self):
        made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
        made.config_file.unlink()
        made.sql(TRAIL.format(type="timestamptz", value=TIME))
        self.new(made)
        made.config_file = made.folder / "new" / "holdfast.toml"
        made.init()
        made.plan(expect=0)
        for name in ("kind", "audit_trail"):
            made.sql(f'CREATE TABLE public."app.{name}" (LIKE app.{name} INCLUDING ALL)')
            refused = made.call("plan", expect=None)
            self.assertNotEqual(refused.exit_status, 0)
            self.assertIn(f'"app.{name}" means two tables', refused.stderr)
            folder = made.folder / name
            folder.mkdir()
            answer = made.call("config", "new", "--database", made.server.url(made.name), "--out", folder / "new.toml", "--json", expect=None)
            self.assertNotIn(f'"table":"app.{name}"', answer.stdout.replace(" ", ""))
            written = (folder / "new.toml").read_text() if (folder / "new.toml").exists() else ""
            self.assertNotIn(f'table = "app.{name}"', written)
            made.sql(f'DROP TABLE public."app.{name}"')
        made.plan(expect=0)

    def test_casts_of_others_are_not_called(self):
        made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
        made.config_file.unlink()
        made.sql(TRAIL.format(type="timestamptz", value=TIME) + "CREATE TYPE public.pair AS (a int);"
                 "CREATE FUNCTION public.trap(public.pair) RETURNS text LANGUAGE plpgsql AS"
                 " $$BEGIN RAISE EXCEPTION 'the trap was called'; END$$;"
                 "CREATE CAST (public.pair AS text) WITH FUNCTION public.trap(public.pair);"
                 "CREATE TABLE event_log (id int PRIMARY KEY, happened public.pair); INSERT INTO event_log VALUES (1, ROW(1))")
        said = self.new(made).json
        self.assertNotIn("could not be read", str(said["candidates"]))

    def test_a_table_that_cannot_be_read_is_in_nobodys_way(self):
        made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
        made.config_file.unlink()
        made.sql(TRAIL.format(type="timestamptz", value=TIME))
        made.sql("CREATE TABLE app.event_log (id int PRIMARY KEY, created_at timestamptz, action text)")
        with Session(made.server, made.name) as somebody:
            somebody.do("BEGIN; LOCK TABLE app.event_log IN ACCESS EXCLUSIVE MODE")
            said = made.call("config", "new", "--database", made.server.url(made.name), "--out", "new.toml", "--json", expect=0).json
        self.assertEqual(said["table"], "app.audit_trail")
        other = next(table for table in said["candidates"] if table["table"] == "app.event_log")
        self.assertIn("could not be read", other["reasons"])

    def test_a_role_that_may_read_little_is_told_of_what_it_may_read(self):
        made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
        made.sql(TRAIL.format(type=KINDS["unix_ms"][0], value=KINDS["unix_ms"][1]))
        made.sql("CREATE TABLE event_log (id bigserial PRIMARY KEY, occurred_at bigint, code text);"
                 f"INSERT INTO event_log (occurred_at, code) VALUES ({to_ms(NOW - days(3))}, 'login');"
                 "CREATE TABLE profiles (id int PRIMARY KEY, owner text); ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;"
                 "DROP ROLE IF EXISTS looker; CREATE ROLE looker LOGIN; GRANT SELECT ON event_log, profiles TO looker")
        try:
            url = made.server.url(made.name).replace("holdfast@", "looker@")
            said = self.new(made, url=url, expect=None)
            self.assertEqual([table["table"] for table in said.json["candidates"]], ["event_log"])
        finally:
            made.sql("DROP OWNED BY looker; DROP ROLE looker")

    def test_what_cannot_be_written_down_is_refused(self):
        made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
        made.config_file.unlink()
        made.sql(TRAIL.format(type="timestamptz", value=TIME) + "CREATE TABLE app.event_log (LIKE app.audit_trail INCLUDING ALL);"
                 "INSERT INTO app.event_log SELECT * FROM app.audit_trail")
        for url, options, part in (
            (made.server.url(made.name).replace("holdfast@", "holdfast:secret@"), (), "has a password in it"),
            ("postgresql+psycopg2://app:secret@db/app", (), "neither a file nor a url"),
            ("host=db password=secret", (), "neither a file nor a url"),
            (made.server.url("nothing_there"), (), "nothing_there"),
            (made.server.url(made.name), (), "more than one table could be the audit log"),
            (made.server.url(made.name), ("--table", "app.audit_trial"), 'did you mean "app.audit_trail"?'),
        ):
            with self.subTest(part):
                answer = self.new(made, *options, url=url, expect=None)
                self.assertNotEqual(answer.exit_status, 0)
                self.assertIn(part, answer.json["error"]["message"])
                self.assertNotIn("secret", answer.stdout + answer.stderr)
                self.assertFalse((made.folder / "new" / "holdfast.toml").exists())
        answer = made.call("config", "new", "--database", made.server.url(made.name), "--state-directory", "", expect=2)
        self.assertIn("--state-directory is empty", answer.stderr)
        said = self.new(made, "--table", "app.event_log").json
        self.assertEqual((said["table"], said["rows"]), ("app.event_log", 300))

    def test_a_log_without_a_key_or_a_time_is_not_ready(self):
        made = self.enterContext(postgres_world(init=False, now="2030-01-01T02:00:00"))
        made.config_file.unlink()
        made.sql("CREATE TABLE audit_log (created_at timestamptz, action text);"
                 "INSERT INTO audit_log SELECT now(), 'login' FROM generate_series(1, 5)")
        said = self.new(made, expect=4).json
        self.assertTrue(any("declares no key" in sentence for sentence in said["not_ready"]), said["not_ready"])


if __name__ == "__main__":
    unittest.main()
