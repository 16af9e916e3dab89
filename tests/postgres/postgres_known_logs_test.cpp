// SPDX-License-Identifier: Apache-2.0
// The ready mappings for PostgreSQL over tables as the applications declare them.
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "policy/catalogue.h"
#include "policy/event_time.h"
#include "postgres_log.h"
#include "tests/policy/test_values.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

std::string shipped(const std::string& name) {
  std::string path{HOLDFAST_TEST_DIR "/../scripts/package/mappings/"};
  path += name;
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// The lines `key = "value"` of the [events] section.
std::map<std::string, std::string> events_of(const std::string& config) {
  const std::size_t begin = config.find("\n[events]\n") + 10;
  std::istringstream lines{config.substr(begin, config.find("\n[", begin) - begin)};
  std::map<std::string, std::string> settings;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = \"");
    if (equals != std::string::npos) {
      const std::size_t value = equals + 4;
      settings[line.substr(0, equals)] = line.substr(value, line.find('"', value) - value);
    }
  }
  return settings;
}

OptionalColumn named(const std::map<std::string, std::string>& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? OptionalColumn{.name = name}
                                 : OptionalColumn{.name = found->second, .named_in_config = true};
}

LogMapping mapping_of(const std::string& folder) {
  const auto settings = events_of(shipped(folder + "/holdfast.toml"));
  return {.table = settings.at("table"),
          .id = {settings.at("id")},
          .time = settings.at("time"),
          .time_format = parse_time_format(settings.at("time_format")).value(),
          .code = settings.at("code"),
          .tenant = named(settings, "tenant"),
          .actor = named(settings, "actor"),
          .subject = named(settings, "subject"),
          .metadata = named(settings, "metadata")};
}

Catalogue catalogue_of(const std::string& folder) {
  Catalogue catalogue = Catalogue::categories_only();
  const auto extended = catalogue.extend(shipped(folder + "/codes.tsv"));
  INFO((extended ? "" : extended.error()));
  REQUIRE(extended);
  return catalogue;
}

/// "time code known|unknown" of each row.
std::map<std::string, std::string> read(AuditLog& log,
                                        const LogMapping& mapping,
                                        const Catalogue& catalogue) {
  std::map<std::string, std::string> rows;
  log.scan_all({}, std::chrono::milliseconds{50}, [&](const RowFacts& facts) {
    const auto time = parse_event_time(facts.time, mapping.time_format);
    std::string& row = rows[facts.key->display()];
    row = time ? to_rfc3339(*time) : "none";
    row.append(" ").append(facts.tenant.value_or("-"));
    row += facts.code && catalogue.find(*facts.code) != nullptr ? " known" : " unknown";
  });
  return rows;
}

constexpr const char* kKeycloak =
    "CREATE TABLE event_entity (id varchar(36) NOT NULL, client_id varchar(255),"
    " details_json varchar(2550), error varchar(255), ip_address varchar(255), realm_id varchar(255),"
    " session_id varchar(255), event_time bigint, type varchar(255), user_id varchar(255),"
    " details_json_long_value text, CONSTRAINT constraint_4 PRIMARY KEY (id));"
    "CREATE INDEX idx_event_time ON event_entity (realm_id, event_time);"
    "INSERT INTO event_entity (id, realm_id, event_time, type, user_id, details_json) VALUES"
    " ('0b4f', 'acme', 1577836800123, 'LOGIN', 'u1', '{\"username\": \"ann\"}'),"
    " ('1b4f', NULL, NULL, 'LOGIN_ERROR', NULL, NULL),"
    " ('2b4f', 'acme', 1577836800123, 'INVENTED', 'u1', NULL)";

constexpr const char* kMattermost =
    "CREATE TABLE audits (id varchar(26) PRIMARY KEY, createat bigint, userid varchar(26),"
    " action varchar(512), extrainfo varchar(1024), ipaddress varchar(64), sessionid varchar(26));"
    "CREATE INDEX idx_audits_user_id ON audits (userid);"
    "INSERT INTO audits (id, createat, userid, action, extrainfo) VALUES"
    " ('a1', 1577836800000, 'u', '/api/v4/users/login', 'attempt'),"
    " ('a2', 1577836800000, 'u', '/api/v4/users/abcdefghijklmnopqrstuvwxy1/patch', NULL)";

constexpr const char* kAirflow =
    "CREATE TABLE log (id serial PRIMARY KEY, dttm timestamptz, dag_id varchar(250), task_id"
    " varchar(250), map_index int, event varchar(60), run_id varchar(250), owner varchar(500),"
    " extra text); CREATE INDEX idx_log_dttm ON log (dttm); CREATE INDEX idx_log_event ON log (event);"
    "INSERT INTO log (dttm, event, owner) VALUES ('2020-01-01 00:00:00.5+00', 'success', 'ann'),"
    " (NULL, 'failed', NULL), ('2020-01-01 02:00:00+02', 'of a plug-in', 'ann')";

}  // namespace

TEST_CASE("Keycloak's events are read as they are meant", "[known]") {
  PostgresScratchLog scratch{kKeycloak};
  const LogMapping mapping = mapping_of("keycloak");
  const auto log = scratch.open(mapping);
  CHECK_FALSE(log->shape().ordered_keys);
  CHECK(read(*log, mapping, catalogue_of("keycloak")) ==
        std::map<std::string, std::string>{{"0b4f", "2020-01-01T00:00:00.123Z acme known"},
                                           {"1b4f", "none - known"},
                                           {"2b4f", "2020-01-01T00:00:00.123Z acme unknown"}});
}

TEST_CASE("Mattermost's paths are codes once their ids are taken out", "[known]") {
  PostgresScratchLog scratch{kMattermost};
  LogMapping mapping = mapping_of("mattermost");
  const Catalogue catalogue = catalogue_of("mattermost");
  CHECK(read(*scratch.open(mapping), mapping, catalogue) ==
        std::map<std::string, std::string>{{"a1", "2020-01-01T00:00:00Z - known"},
                                           {"a2", "2020-01-01T00:00:00Z - unknown"}});
  // The column as the head of the file gives it.
  const std::string config = shipped("mattermost/holdfast.toml");
  const std::size_t begin = config.find("ALTER TABLE");
  std::string statement = config.substr(begin, config.find(';', begin) - begin);
  statement.erase(statement.find("\n#"), 2);
  scratch.run(statement);
  mapping.code = "holdfast_code";
  CHECK(read(*scratch.open(mapping), mapping, catalogue).at("a2") ==
        "2020-01-01T00:00:00Z - known");
}

TEST_CASE("Airflow's log on PostgreSQL is read by its times with a zone", "[known]") {
  PostgresScratchLog scratch{kAirflow};
  const LogMapping mapping = mapping_of("airflow-postgresql");
  const auto log = scratch.open(mapping);
  CHECK(log->shape().ordered_keys);
  CHECK_FALSE(log->shape().index_advice.empty());
  scratch.run(log->shape().index_advice);
  CHECK(scratch.open(mapping)->shape().code_time_index);
  CHECK(read(*log, mapping, catalogue_of("airflow-postgresql")) ==
        std::map<std::string, std::string>{{"1", "2020-01-01T00:00:00.500Z - known"},
                                           {"2", "none - known"},
                                           {"3", "2020-01-01T00:00:00Z - unknown"}});
}
