// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/cli/config_file.h"
#include "tests/jobs/config_texts.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

struct BadInput {
  std::string_view text;     ///< from line 3 on
  std::string_view refusal;  ///< after "holdfast.toml:"
};

}  // namespace

TEST_CASE("a window that keeps nothing, or says nothing, is refused", "[config][refusal]") {
  const std::string place = "holdfast.toml:4: retention.category.account.window: ";
  const std::string window_text = place + "window ";
  const auto refusal = [](const std::string& value) {
    return refusal_of(with_database("[retention.category]\naccount = { window = " + value + " }"));
  };
  CHECK(refusal("0") == place + R"(0 would keep nothing: write at least "1 day", or "forever")");
  CHECK(refusal("-1") == place + R"(-1 would keep nothing: write at least "1 day", or "forever")");
  CHECK(refusal("13") == place + R"(13 has no unit: write "13 days" or "13 months")");
  CHECK(refusal("1.5") ==
        place + R"(1.5 is a number with a decimal point: write "13 months" or "forever")");
  CHECK(refusal("true") == place + R"(true is a yes or no: write "13 months" or "forever")");
  CHECK(refusal("[\"1 year\"]") == place + R"(this is an array: write "13 months" or "forever")");
  CHECK(refusal("{ years = 1 }") == place + R"(this is a table: write "13 months" or "forever")");
  CHECK(refusal("2024-01-01") ==
        place + R"(2024-01-01 is a date or time: write "13 months" or "forever")");
  for (const std::string bad : {"\"\"",
                                "\"0 days\"",
                                "\"-3 months\"",
                                "\"1.5 years\"",
                                "\"2 weeks\"",
                                "\"13\"",
                                "\"months\"",
                                "\"1 year 2 months\"",
                                "\"P0D\"",
                                "\"401 years\""}) {
    CAPTURE(bad);
    CHECK_THAT(refusal(bad), Catch::StartsWith(window_text + bad));
    CHECK_THAT(refusal(bad), Catch::Contains("write "));
  }
  CHECK_THAT(refusal("\"0 days\""),
             Catch::EndsWith(R"(write for example "13 months" or "forever")"));
}

TEST_CASE("a key, type or value that cannot be is refused with its place", "[config][refusal]") {
  const std::vector<BadInput> inputs{
      {"[retnetion]", R"(3: retnetion: no such key (did you mean "retention"?))"},
      {"[x]",
       "3: x: no such key (known here: database, events, catalogue, retention, admins, identity,"
       " erasure, safety, run, witness, evidence, archive, export, reports, metrics, webhook, log)"},
      {"[retention]\ncategry = {}",
       R"(4: retention.categry: no such key (did you mean "category"?))"},
      {"[events]\ntable = 5", R"(4: events.table: 5 is an integer: write "audit_events")"},
      {"[events]\ntable = \"\"",
       R"(4: events.table: "" is empty: write a text, or leave the key out)"},
      {"[events]\ntable = \"a\\u0000b\"",
       R"(4: events.table: "a?b" holds a control character: write it on one line without any)"},
      {"[events]\nid = []", R"(4: events.id: names no column: write "id", or ["first", "second"])"},
      {"[events]\nid = [\n\"a\",\n\"a\"]", R"(6: events.id: "a" is there twice: write it once)"},
      {"[events]\nid = [\"a\", 5]",
       "4: events.id: 5 is an integer: write only texts in this array"},
      {"[events]\nid = 5",
       R"(4: events.id: 5 is an integer: write an array of texts, such as ["one", "two"])"},
      {"[events]\ntime_format = \"iso8061\"",
       "4: events.time_format: \"iso8061\" is none of unix_ms, unix_s, unix_us, unix_real, iso8601,"
       " utc_text (did you mean \"iso8601\"?)"},
      {"[events]\nown_events = \"Log\"",
       R"(4: events.own_events: "Log" is none of log, holdfast (did you mean "log"?))"},
      {"[events]\ncode_lookup = { table = \"t\", key = \"k\" }",
       R"(4: events.code_lookup.text: is missing: write text = "event_type")"},
      {"[events]\nearliest_plausible = \"2023-02-29\"",
       R"(4: events.earliest_plausible: "2023-02-29" is a date that does not exist)"},
      {"[catalogue]\nbuilt_in = \"no\"",
       R"(4: catalogue.built_in: "no" is a text: write true or false)"},
      {"[catalogue]\naliases = { OLD = \"ACCOUNT_PAT_CREATD\" }",
       R"(4: catalogue.aliases.OLD: no such code as "ACCOUNT_PAT_CREATD" (did you mean)"
       R"( "ACCOUNT_PAT_CREATED"?))"},
      {"[catalogue.aliases]\nA = \"ACCOUNT_PAT_CREATED\"\nB = \"A\"",
       R"(5: catalogue.aliases.B: "A" is an alias itself: write the code that it stands for)"},
      {"[admins]\nprincipals = \"alice\"",
       R"(4: admins.principals: "alice" is a text: write an array of texts, such as ["one",)"
       R"( "two"])"},
      {"[admins]\nprincipals = [\"alice\", \"alice\"]",
       R"(4: admins.principals: "alice" is there twice: write it once)"},
      {"[identity]\ntrust_flag = 1",
       "4: identity.trust_flag: 1 is an integer: write true or false"},
      {"[log]\nlevel = \"inof\"",
       R"(4: log.level: "inof" is none of info, trace, debug, warn, error, off (did you mean)"
       R"( "info"?))"},
  };
  for (const BadInput& input : inputs) {
    CAPTURE(input.text);
    CHECK(refusal_of(with_database(input.text)) == "holdfast.toml:" + std::string{input.refusal});
  }
}

TEST_CASE("no section takes a key that nothing reads", "[config][refusal]") {
  for (const std::string section : {"database",
                                    "events",
                                    "events.code_lookup",
                                    "catalogue",
                                    "retention",
                                    "admins",
                                    "identity",
                                    "erasure",
                                    "safety",
                                    "run",
                                    "witness",
                                    "evidence",
                                    "archive",
                                    "reports",
                                    "metrics",
                                    "webhook",
                                    "log"}) {
    CAPTURE(section);
    CHECK_THAT(refusal_of("[" + section + "]\nbogus_entry = 1"),
               Catch::Contains("holdfast.toml:2: " + section + ".bogus_entry: no such key"));
  }
}

TEST_CASE("an entry of the policy that cannot be is refused with its place", "[config][refusal]") {
  const std::vector<BadInput> inputs{
      {"[retention.category]\nacount = { window = \"1 year\" }",
       R"(4: retention.category.acount: no such category (did you mean "account"?))"},
      {"[retention.category.acount]\nwindow = \"1 year\"",
       R"(3: retention.category.acount: no such category (did you mean "account"?))"},
      {"[retention.category]\n\"Step-up authentication\" = { window = \"1 year\" }",
       "4: retention.category.Step-up authentication: no such category: a category goes by its"
       R"( slug, which is "step-up")"},
      {"[retention.category]\naccount = \"13 months\"",
       R"(4: retention.category.account: "13 months" is a text: write { window = "13 months",)"
       R"( basis = "why" } with a window of your own)"},
      {"[retention.category]\naccount = { basis = \"why\" }",
       "4: retention.category.account: sets neither window nor at_least: write window ="
       R"( "13 months" or remove the entry)"},
      {"[retention.category]\naccount = { windo = \"1 year\", at_least = \"1 year\" }",
       R"(4: retention.category.account.windo: no such key (did you mean "window"?))"},
      {"[retention.category]\naccount = { window = \"1 year\", locked = \"yes\" }",
       R"(4: retention.category.account.locked: "yes" is a text: write true or false)"},
      {"[retention.code]\nACCOUNT_PAT_CREATD = { window = \"1 year\" }",
       "4: retention.code.ACCOUNT_PAT_CREATD: no such code (did you mean"
       R"( "ACCOUNT_PAT_CREATED"?))"},
      {"[catalogue]\naliases = { PAT = \"ACCOUNT_PAT_CREATED\" }\n[retention.code]\n"
       "PAT = { window = \"1 year\" }\nACCOUNT_PAT_CREATED = { window = \"1 year\" }",
       R"(7: retention.code.ACCOUNT_PAT_CREATED: "ACCOUNT_PAT_CREATED" is there twice, once by an)"
       R"( alias: write it once, as "ACCOUNT_PAT_CREATED")"},
      {"[retention.tenant.acme.category]\naccount = { window = \"1 year\", at_least = \"1 day\" }",
       "4: retention.tenant.acme.category.account.at_least: a tenant may never touch a floor: leave"
       " at_least out, or set it for the platform"},
      {"[retention.tenant.acme.category]\naccount = { locked = true }",
       "4: retention.tenant.acme.category.account: sets no window: write window = \"24 months\" or"
       " remove the entry"},
      {"[retention.tenant.acme.codes]\nX = { window = \"1 year\" }",
       R"(3: retention.tenant.acme.codes: no such key (did you mean "code"?))"},
      {"[retention.tenant]\nacme = \"1 year\"",
       R"(4: retention.tenant.acme: "1 year" is a text: write a table of its own, with category)"
       " or code in it"},
  };
  for (const BadInput& input : inputs) {
    CAPTURE(input.text);
    CHECK(refusal_of(with_database(input.text)) == "holdfast.toml:" + std::string{input.refusal});
  }
}

TEST_CASE("a window above the cap of a preset is refused at its line", "[config][refusal]") {
  const std::string caps =
      "[retention]\npresets = [{ name = \"cnil-logs\", categories = [\"mfa\"] }]\n"
      "[catalogue]\naliases = { PASS = \"ACCOUNT_MFA_ENROLLED\" }\n";
  const std::string longer =
      " is longer than the cap of 12 months that preset \"cnil-logs\" sets: shorten the window or"
      " unbind the preset";

  CHECK(refusal_of(with_database(caps + "[retention.category]\nmfa = { window = \"1 year\" }"))
            .empty());
  CHECK(refusal_of(with_database(caps + "[retention.category]\nmfa = { window = \"2 years\" }")) ==
        "holdfast.toml:8: retention.category.mfa.window: the window of 2 years" + longer);
  CHECK(refusal_of(with_database(caps + "[retention.code.PASS]\n\nwindow = \"forever\"")) ==
        "holdfast.toml:9: retention.code.ACCOUNT_MFA_ENROLLED.window: the window of forever" +
            longer);
  CHECK(refusal_of(with_database(
            caps + "[retention.tenant.\"a.b\".category]\nmfa = { window = \"13 months\" }")) ==
        "holdfast.toml:8: retention.tenant.a.b.category.mfa.window: the window of 13 months" +
            longer);
}

TEST_CASE("a preset that cannot be bound is refused", "[config][refusal]") {
  const std::vector<BadInput> inputs{
      {R"({ name = "pci-10.5", categories = ["account"] })",
       R"(4: retention.presets.pci-10.5.name: no such preset as "pci-10.5" (did you mean)"
       R"( "pci-10.5.1"?))"},
      {R"({ categories = ["account"] })",
       R"(4: retention.presets[1].name: is missing: write name = "pci-10.5.1" or another preset)"},
      {R"({ name = "pci-10.5.1" })",
       R"(4: retention.presets.pci-10.5.1.categories: is missing: write categories = ["account"])"},
      {R"({ name = "pci-10.5.1", categories = [] })",
       "4: retention.presets.pci-10.5.1.categories: binds no category: write for example"
       R"( ["account"])"},
      {R"({ name = "pci-10.5.1", categories = ["mfa", "acount"] })",
       R"(4: retention.presets.pci-10.5.1.categories: no such category as "acount" (did you mean)"
       R"( "account"?))"},
      {R"({ name = "pci-10.5.1", categories = ["mfa", "mfa"] })",
       R"(4: retention.presets.pci-10.5.1.categories: "mfa" is there twice: write it once)"},
      {R"({ name = "pci-10.5.1", categories = ["mfa"], min = "11 months" })",
       R"(4: retention.presets.pci-10.5.1.min: "11 months" is shorter than the 12 months of preset)"
       R"( "pci-10.5.1": min may only lengthen it)"},
      {R"({ name = "pci-10.5.1", categories = ["mfa"], min = "365 days" })",
       R"(4: retention.presets.pci-10.5.1.min: "365 days" is shorter than the 12 months of preset)"
       R"( "pci-10.5.1": min may only lengthen it)"},
      {R"({ name = "pci-10.5.1", categories = ["mfa"], min = 0 })",
       R"(4: retention.presets.pci-10.5.1.min: 0 would keep nothing: write at least "1 day", or)"
       R"( "forever")"},
      {R"({ name = "nist-au-11", categories = ["mfa"] })",
       R"(4: retention.presets.nist-au-11.min: is missing: write min = "12 months", because preset)"
       R"( "nist-au-11" leaves the period to you)"},
      {R"({ name = "glba-314.4", categories = ["mfa"], min = "1 year" })",
       R"(4: retention.presets.glba-314.4.min: preset "glba-314.4" sets no floor to lengthen:)"
       " write at_least in [retention.category] instead"},
      {R"({ name = "cis-8.10", categories = ["mfa"], max = "1 year" })",
       "4: retention.presets.cis-8.10.max: no such key (known here: name, categories, locked, min)"},
      {R"("pci-10.5.1")",
       R"(4: retention.presets: "pci-10.5.1" is a text: write [{ name = "...", categories =)"
       R"( ["account"] }])"},
  };
  for (const BadInput& input : inputs) {
    CAPTURE(input.text);
    const std::string text = "[retention]\npresets = [" + std::string{input.text} + "]";
    CHECK(refusal_of(with_database(text)) == "holdfast.toml:" + std::string{input.refusal});
  }
}

TEST_CASE("a window whose section is still a comment is told from a mistyped key",
          "[config][refusal]") {
  CHECK(refusal_of(with_database("[catalogue]\nlogins = { window = \"1 year\", basis = \"b\" }")) ==
        "holdfast.toml:4: catalogue.logins: no such key: it looks like a window; take the \"# \" "
        "from the line [retention.category] above it too");
}

TEST_CASE("limits and budgets outside their range are refused", "[config][refusal]") {
  const std::vector<BadInput> inputs{
      {"[safety]\nmax_category_share = 20",
       "4: safety.max_category_share: 20 is no share: write a number from 0 to 1, such as 0.2"},
      {"[safety]\nmax_category_share = -0.1",
       "4: safety.max_category_share: -0.1 is no share: write a number from 0 to 1, such as 0.2"},
      {"[safety]\nmax_category_share = nan",
       "4: safety.max_category_share: nan is no share: write a number from 0 to 1, such as 0.2"},
      {"[safety]\nmax_category_share = \"20%\"",
       "4: safety.max_category_share: \"20%\" is a text: write a number from 0 to 1, such as 0.2"},
      {"[safety]\nmax_bad_time_share = 0.0000001",
       "4: safety.max_bad_time_share: 1e-07 has more than six decimals: write fewer"},
      {"[safety]\nlimit_min_rows = -1",
       "4: safety.limit_min_rows: -1 is negative: write 0 or more"},
      {"[safety]\nhold_release_grace = \"2 months\"",
       "4: safety.hold_release_grace: \"2 months\" is no number of whole days: write \"1 day\","
       " \"30 days\" or more"},
      {"[safety]\npolicy_shorten_delay = \"0 days\"",
       "4: safety.policy_shorten_delay: \"0 days\" is no number of whole days: write \"1 day\","
       " \"30 days\" or more"},
      {"[safety]\nmax_clock_step = \"forever\"",
       "4: safety.max_clock_step: \"forever\" is no number of whole days: write \"1 day\","
       " \"30 days\" or more"},
      {"[safety]\nmax_clock_step = 8",
       R"(4: safety.max_clock_step: 8 is an integer: write "30 days")"},
      {"[run]\nmax_lock = \"50\"",
       R"(4: run.max_lock: "50" is no duration: write "50ms", "1s", "5min" or "2h")"},
      {"[run]\nmax_lock_idle = \"0s\"",
       R"(4: run.max_lock_idle: "0s" is out of range: write "1ms" up to "168h")"},
      {"[run]\nmax_time = \"169h\"",
       R"(4: run.max_time: "169h" is out of range: write "1ms" up to "168h")"},
      {"[run]\nmax_time = \"-1h\"",
       R"(4: run.max_time: "-1h" is no duration: write "50ms", "1s", "5min" or "2h")"},
      {"[run]\nmax_time = \"9999999999999999h\"",
       R"(4: run.max_time: "9999999999999999h" is no duration: write "50ms", "1s", "5min" or)"
       R"( "2h")"},
      {"[run]\nmax_rows = \"many\"", R"(4: run.max_rows: "many" is a text: write a whole number)"},
      {"[run]\nmax_rows = 1.0",
       "4: run.max_rows: 1 is a number with a decimal point: write a whole number"},
      {"[run]\nmax_rows = -5", "4: run.max_rows: -5 is negative: write 0 or more"},
      {"[run]\ncache = \"1023kB\"",
       R"(4: run.cache: "1023kB" is out of range: write "1MB" up to "16GB")"},
      {"[run]\ncache = \"17GB\"",
       R"(4: run.cache: "17GB" is out of range: write "1MB" up to "16GB")"},
      {"[run]\ncache = \"64\"",
       R"(4: run.cache: "64" is no size: write "64MB", "2048kB" or "1GB")"},
      {"[archive]\nkeep = \"1 year\"",
       R"(3: archive.directory: is missing: write directory = "/var/lib/holdfast/archive")"},
      {"[archive]\ndirectory = \"x\"",
       R"(3: archive.keep: is missing: write keep = "13 months" or another window)"},
      {"[evidence]\nkeep_salts = \"0 days\"",
       R"(4: evidence.keep_salts: window "0 days" is zero: at least one day must be kept: write for)"
       R"( example "13 months" or "forever")"},
      {"[witness]\npath = \"x\"", "4: witness.path: no such key (known here: file)"},
      {"[reports]\ndirectory = 5",
       R"(4: reports.directory: 5 is an integer: write "/var/lib/holdfast/reports")"},
      {"[metrics]\ntextfile = \"\"",
       R"(4: metrics.textfile: "" is empty: write a text, or leave the key out)"},
      {"[metrics]\ntextfile = \"holdfast.txt\"",
       "4: metrics.textfile: does not end in .prom, and node_exporter reads no other file: write "
       R"("/var/lib/prometheus/node-exporter/holdfast.prom")"},
      {"[log]\nformat = \"xml\"", R"(4: log.format: "xml" is none of text, json)"},
  };
  for (const BadInput& input : inputs) {
    CAPTURE(input.text);
    CHECK(refusal_of(with_database(input.text)) == "holdfast.toml:" + std::string{input.refusal});
  }
}

TEST_CASE("a webhook that would leak, wait too long or tell nobody is refused",
          "[config][refusal]") {
  const std::vector<BadInput> inputs{
      {"[webhook]\nsecret_file = \"s\"",
       R"(3: webhook.url: is missing: write url = "https://alerts.example.com/holdfast")"},
      {"[webhook]\nurl = \"https://h/\"",
       R"(3: webhook.secret_file: is missing: write secret_file = "/etc/holdfast/webhook.secret")"},
      {"[webhook]\nsecret_file = \"s\"\nurl = \"http://h.example/\"",
       "5: webhook.url: is http to another machine, which anybody on the way can read: write "
       "https, or set allow_http = true"},
      {"[webhook]\nsecret_file = \"s\"\nurl = \"http://127.0.0.1.example/\"",
       "5: webhook.url: is http to another machine, which anybody on the way can read: write "
       "https, or set allow_http = true"},
      {"[webhook]\nsecret_file = \"s\"\nurl = \"file:///etc/passwd\"",
       "5: webhook.url: is neither https nor http"},
      {"[webhook]\nsecret_file = \"s\"\nurl = \"https://me:pass@h/\"",
       "5: webhook.url: has a user or password in it: what is sent is signed with secret_file "
       "instead"},
      {"[webhook]\nsecret_file = \"s\"\nurl = \"https://h/\"\non = []",
       "6: webhook.on: is empty, so nobody would ever be told: leave the section out instead"},
      {"[webhook]\nsecret_file = \"s\"\nurl = \"https://h/\"\non = [\"bad\"]",
       R"(6: webhook.on: "bad" is no outcome of a run: write some of "completed", "partial", )"
       R"("limited", "refused", "failed", "invalid", "interrupted")"},
      {"[webhook]\nsecret_file = \"s\"\nurl = \"https://h/\"\ntime_limit = \"31s\"",
       R"(6: webhook.time_limit: is not between "1s" and "30s": a run waits for it)"},
      {"[webhook]\nsecret_file = \"s\"\nurl = \"https://h/\"\ntime_limit = \"10ms\"",
       R"(6: webhook.time_limit: is not between "1s" and "30s": a run waits for it)"},
  };
  for (const BadInput& input : inputs) {
    CAPTURE(input.text);
    CHECK(refusal_of(with_database(input.text)) == "holdfast.toml:" + std::string{input.refusal});
  }
}

TEST_CASE("the database has to be named", "[config][refusal]") {
  CHECK(refusal_of("") ==
        R"(holdfast.toml: database.path: is missing: write path = "audit.db" under [database])");
  CHECK(refusal_of("\n[database]") ==
        R"(holdfast.toml:2: database.path: is missing: write path = "audit.db")");
  CHECK(refusal_of("database = 5") ==
        "holdfast.toml:1: database: 5 is an integer: write a [database] section");
}

TEST_CASE("text that is no TOML is refused with line and column", "[config][refusal]") {
  CHECK(refusal_of("[database]\npath = ") ==
        "holdfast.toml:2:8: not valid TOML: Error while parsing key-value pair: encountered"
        " end-of-file");
  CHECK_THAT(refusal_of("a = 1\na = 2"),
             Catch::StartsWith("holdfast.toml:2:") && Catch::Contains("cannot redefine"));
  CHECK_THAT(refusal_of(with_database("[retention.category]\naccount = { window = \"1 year\" }\n"
                                      "account = { window = \"1 day\" }")),
             Catch::StartsWith("holdfast.toml:5:") && Catch::Contains("cannot redefine") &&
                 Catch::Contains("account"));
  CHECK_THAT(refusal_of(with_database("[run]\n[log]\n[run]")),
             Catch::StartsWith("holdfast.toml:5:") && Catch::Contains("cannot redefine"));
  CHECK_THAT(refusal_of("\xff\xfe"), Catch::StartsWith("holdfast.toml:1:1: not valid TOML: "));
}

TEST_CASE("all problems are told at once, in the order of the file", "[config][refusal]") {
  CHECK(refusal_of(with_database("[log]\nlevel = 1\n[run]\nmax_rows = -1\n"
                                 "[retention.category]\nacount = { window = 0 }")) ==
        "holdfast.toml:4: log.level: 1 is an integer: write \"info\"\n"
        "holdfast.toml:6: run.max_rows: -1 is negative: write 0 or more\n"
        "holdfast.toml:8: retention.category.acount.window: 0 would keep nothing: write at least"
        " \"1 day\", or \"forever\"\n"
        "holdfast.toml:8: retention.category.acount: no such category (did you mean \"account\"?)");
}
