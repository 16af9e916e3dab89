// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/config_file.h"

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/retention_policy.h"
#include "tests/jobs/config_texts.h"

using namespace holdfast;
using namespace holdfast::testing;
using namespace date::literals;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kEveryKey = R"toml(
[database]
path = "data/audit.db"

[events]
table = "log"
id = ["shard", "id"]
time = "at"
time_format = "iso8601"
code = "event_type_id"
tenant = "workspace"
actor = "who"
subject = "whom"
severity = "level"
metadata = "extra"
category = "kind"
retain_until = "keep_until"
code_lookup = { table = "event_types", key = "event_type_id", text = "event_type" }
earliest_plausible = "2010-06-01"
own_events = "holdfast"

[catalogue]
url = "https://docs.example.com/audit-codes"
aliases = { MFA_ENROLLED_V1 = "ACCOUNT_MFA_ENROLLED" }

[retention]
presets = [
  { name = "pci-10.5.1", categories = ["sessions", "account", "mfa"] },
  { name = "nist-au-11", categories = ["saml"], min = "100 days", locked = true },
  { name = "cnil-logs", categories = ["scim"], min = "9 months" },
]

[retention.category]
account = { window = "13 months", basis = "platform policy 4.2" }
sessions = { window = "13 months", at_least = "12 months", basis = "platform policy 4.2" }
data-erasure = { window = "7 years", locked = true, basis = "proof outlives what it proves" }

[retention.code]
ACCOUNT_DELETION_HOLDS_OVERRIDDEN = { at_least = "10 years", basis = "platform policy" }
MFA_ENROLLED_V1 = { window = "P2Y" }

[retention.tenant.acme.category]
account = { window = "24 months", basis = "contract 2024-17" }

[retention.tenant."acme.eu".code]
ACCOUNT_PAT_CREATED = { window = "forever", locked = true }

[admins]
principals = ["alice", "bob", "carol"]

[identity]
trust_flag = true

[safety]
first_run_needs_approval = false
max_category_share = 0.29
limit_min_rows = 5
max_bad_time_share = 0.000249
hold_release_grace = "1 day"
policy_shorten_delay = "P14D"
max_clock_step = "400 days"

[run]
max_lock = "20 ms"
max_lock_idle = "2s"
max_time = "90min"
max_rows = 1000000
cache = "256MB"

[witness]
file = "/var/lib/holdfast/witness"

[evidence]
row_digest = true
keep_salts = "13 months"

[archive]
directory = "/var/lib/holdfast/archive"
keep = "13 months"

[reports]
directory = "/var/lib/holdfast/reports"

[metrics]
textfile = "/var/lib/prometheus/node-exporter/holdfast.prom"

[webhook]
url = "https://alerts.example.com/holdfast?token=t"
secret_file = "webhook.secret"
on = ["failed", "partial"]
allow_http = false
time_limit = "5s"

[log]
level = "debug"
format = "json"
)toml";

}  // namespace

TEST_CASE("every key of a configuration reaches the settings", "[config]") {
  const Settings settings = parse_config(std::string{kEveryKey}, "/etc/holdfast/holdfast.toml");

  CHECK(settings.database == "/etc/holdfast/data/audit.db");
  CHECK(settings.source.path == "/etc/holdfast/holdfast.toml");
  CHECK(settings.source.owner.empty());
  CHECK(settings.source.modified_at == Instant{});

  CHECK(settings.events.table == "log");
  CHECK(settings.events.id == std::vector<std::string>{"shard", "id"});
  CHECK(settings.events.time == "at");
  CHECK(settings.events.time_format == TimeFormat::iso8601);
  CHECK(settings.events.code == "event_type_id");
  CHECK(settings.events.tenant.name == "workspace");
  CHECK(settings.events.tenant.named_in_config);
  CHECK(settings.events.actor.name == "who");
  CHECK(settings.events.subject.name == "whom");
  CHECK(settings.events.severity.name == "level");
  CHECK(settings.events.metadata.name == "extra");
  CHECK(settings.events.category.name == "kind");
  CHECK(settings.events.retain_until.name == "keep_until");
  CHECK(settings.events.retain_until.named_in_config);
  REQUIRE(settings.events.code_lookup);
  CHECK(settings.events.code_lookup->table == "event_types");
  CHECK(settings.events.code_lookup->key == "event_type_id");
  CHECK(settings.events.code_lookup->text == "event_type");
  CHECK(settings.earliest_plausible == date::sys_days{2010_y / 6 / 1});
  CHECK(settings.own_events == OwnEvents::holdfast);

  CHECK(settings.catalogue_url == "https://docs.example.com/audit-codes");
  CHECK(settings.catalogue.aliases().at("MFA_ENROLLED_V1") == "ACCOUNT_MFA_ENROLLED");

  CHECK(settings.administrators == std::set<std::string>{"alice", "bob", "carol"});
  CHECK(settings.identity_by_flag);
  CHECK(settings.log_level == "debug");
}

TEST_CASE("every window, floor and preset reaches the policy", "[config]") {
  const RetentionPolicy policy = parse_config(std::string{kEveryKey}, "holdfast.toml").retention;

  const WindowEntries categories{
      {"account", {.window = window("13 months"), .basis = "platform policy 4.2"}},
      {"sessions",
       {.window = window("13 months"),
        .at_least = window("12 months"),
        .basis = "platform policy 4.2"}},
      {"data-erasure",
       {.window = window("7 years"), .locked = true, .basis = "proof outlives what it proves"}}};
  const WindowEntries codes{{"ACCOUNT_DELETION_HOLDS_OVERRIDDEN",
                             {.at_least = window("10 years"), .basis = "platform policy"}},
                            {"ACCOUNT_MFA_ENROLLED", {.window = window("2 years")}}};
  CHECK(policy.category == categories);
  CHECK(policy.code == codes);
  CHECK(policy.tenant.size() == 2);
  CHECK(policy.tenant.at("acme").category ==
        WindowEntries{{"account", {.window = window("24 months"), .basis = "contract 2024-17"}}});
  CHECK(policy.tenant.at("acme.eu").code ==
        WindowEntries{{"ACCOUNT_PAT_CREATED", {.window = window("forever"), .locked = true}}});

  REQUIRE(policy.presets.size() == 3);
  CHECK(policy.presets[0] == PresetBinding{.name = "pci-10.5.1",
                                           .categories = {"account", "mfa", "sessions"},
                                           .min = window("12 months"),
                                           .citation = "PCI DSS v4.0.1 requirement 10.5.1"});
  CHECK(policy.presets[1] == PresetBinding{.name = "nist-au-11",
                                           .categories = {"saml"},
                                           .min = window("100 days"),
                                           .locked = true,
                                           .citation = "NIST SP 800-53r5 AU-11"});
  CHECK(policy.presets[2].min == window("9 months"));
  CHECK(policy.presets[2].max == window("12 months"));
}

TEST_CASE("safety limits and budgets are read in their units", "[config]") {
  const Settings settings = parse_config(std::string{kEveryKey}, "holdfast.toml");

  CHECK(settings.safety == SafetyPolicy{.first_run_needs_approval = false,
                                        .max_category_share_ppm = 290'000,
                                        .limit_min_rows = 5,
                                        .max_bad_time_share_ppm = 249,
                                        .hold_release_grace = 24h,
                                        .policy_shorten_delay = 14 * 24h,
                                        .max_clock_step = 400 * 24h});
  CHECK(settings.run.max_lock == 20ms);
  CHECK(settings.run.max_lock_idle == 2s);
  CHECK(settings.run.max_time == 90min);
  CHECK(settings.run.max_rows == 1'000'000);
  CHECK(settings.run.cache_bytes == 268'435'456);
}

TEST_CASE("who is told of a run is what the file says, and nobody without it", "[config]") {
  const Settings settings = parse_config(std::string{kEveryKey}, "/etc/holdfast.toml");
  CHECK(settings.metrics_textfile == "/var/lib/prometheus/node-exporter/holdfast.prom");
  REQUIRE(settings.webhook.has_value());
  CHECK(settings.webhook->url == "https://alerts.example.com/holdfast?token=t");
  CHECK(settings.webhook->secret_file == "/etc/webhook.secret");
  CHECK(settings.webhook->on == std::set<Outcome>{Outcome::failed, Outcome::partial});
  CHECK(settings.webhook->time_limit == 5s);
  CHECK_FALSE(settings.webhook->allow_http);
  CHECK(settings.log_format == LogFormat::json);

  const Settings without = parse_config(with_database(""), "holdfast.toml");
  CHECK(without.metrics_textfile.empty());
  CHECK_FALSE(without.webhook.has_value());
  CHECK(without.log_format == LogFormat::text);

  const Settings least =
      parse_config(with_database("[webhook]\nurl = \"http://127.0.0.1:1\"\nsecret_file = \"s\""),
                   "holdfast.toml");
  CHECK(least.webhook->on ==
        std::set<Outcome>{Outcome::failed, Outcome::invalid, Outcome::refused});
  CHECK(least.webhook->time_limit == 30s);
}

TEST_CASE("evidence goes beside the database unless the file says where", "[config]") {
  const Settings every = parse_config(std::string{kEveryKey}, "holdfast.toml");
  REQUIRE(every.archive.has_value());
  CHECK(every.archive->directory.is_absolute());
  CHECK_FALSE(every.witness_beside_database);
  CHECK_FALSE(every.reports.empty());

  const Settings without = parse_config(with_database(""), "holdfast.toml");
  CHECK_FALSE(without.archive.has_value());
  CHECK(without.witness_file.string() == without.database.string() + ".witness");
  CHECK(without.witness_beside_database);
  CHECK(without.evidence.row_digest);
  CHECK(to_string(without.evidence.keep_salts) == "13 months");
  CHECK(without.reports.empty());
}

TEST_CASE("what a configuration leaves out has its default, and no window at all", "[config]") {
  const Settings settings = parse_config(with_database(""), "/srv/holdfast.toml");

  CHECK(settings.database == "/srv/audit.db");
  CHECK(settings.events.table == "audit_events");
  CHECK(settings.events.id == std::vector<std::string>{"id"});
  CHECK_FALSE(settings.events.tenant.named_in_config);
  CHECK(settings.earliest_plausible == date::sys_days{2000_y / 1 / 1});
  CHECK(settings.own_events == OwnEvents::automatic);
  CHECK(settings.catalogue.codes().size() == 84);
  CHECK(settings.retention == RetentionPolicy{});
  CHECK(settings.safety == SafetyPolicy{});
  CHECK(settings.administrators.empty());
  CHECK_FALSE(settings.identity_by_flag);
  CHECK(settings.log_level == "info");
}

TEST_CASE("paths of the database start from the folder of the configuration", "[config]") {
  const auto database = [](const std::string& path) {
    return parse_config("[database]\npath = \"" + path + "\"", "/etc/holdfast/h.toml").database;
  };
  CHECK(database("audit.db") == "/etc/holdfast/audit.db");
  CHECK(database("../audit.db") == "/etc/audit.db");
  CHECK(database("/srv/./audit.db") == "/srv/audit.db");
  CHECK(parse_config(with_database(""), "sub/h.toml").database ==
        std::filesystem::current_path() / "sub/audit.db");
}

TEST_CASE("the earliest plausible time is a date or an instant with a zone", "[config]") {
  const auto earliest = [](const std::string& value) {
    return parse_config(with_database("[events]\nearliest_plausible = " + value), "h.toml")
        .earliest_plausible;
  };
  const Instant midnight = date::sys_days{2015_y / 3 / 1};
  CHECK(earliest("\"2015-03-01\"") == midnight);
  CHECK(earliest("2015-03-01") == midnight);
  CHECK(earliest("\"2015-03-01T02:00:00+02:00\"") == midnight);
  CHECK(earliest("2015-03-01T00:00:00Z") == midnight);
}

TEST_CASE("the edges of limits and budgets are allowed", "[config]") {
  const Settings least = parse_config(with_database("[safety]\n"
                                                    "max_category_share = 0\n"
                                                    "max_bad_time_share = 1.0\n"
                                                    "[run]\n"
                                                    "max_lock = \"1ms\"\n"
                                                    "max_time = \"168h\"\n"
                                                    "cache = \"1024kB\"\n"),
                                      "holdfast.toml");
  CHECK(least.safety.max_category_share_ppm == 0);
  CHECK(least.safety.max_bad_time_share_ppm == 1'000'000);
  CHECK(least.run.max_lock == 1ms);
  CHECK(least.run.max_time == 168h);
  CHECK(least.run.cache_bytes == 1'048'576);
  CHECK(parse_config(with_database("[run]\ncache = \"16GB\""), "h.toml").run.cache_bytes ==
        std::int64_t{16} << 30);
}
