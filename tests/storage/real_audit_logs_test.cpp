// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/event_time.h"
#include "storage/audit_log.h"
#include "storage/sqlite/sqlite_audit_log.h"
#include "tests/storage/scratch_log.h"

namespace holdfast::testing {
namespace {

using Catch::Matchers::Contains;

/// An audit log that other software wrote.
struct RealLog {
  const char* file;
  LogMapping mapping;
  std::int64_t rows;
};

std::vector<RealLog> real_logs() {
  return {
      {"superset.db",
       {.table = "logs",
        .time = "dttm",
        .time_format = TimeFormat::utc_text,
        .code = "action",
        .actor = {.name = "user_id", .named_in_config = true}},
       1078},
      {"windows_ActivitiesCache.db",
       {.table = "Activity",
        .id = {"Id"},
        .time = "LastModifiedTime",
        .time_format = TimeFormat::unix_s,
        .code = "ActivityType",
        .subject = {.name = "AppId", .named_in_config = true}},
       112},
      {"sqlite_quarantine.db",
       {.table = "LSQuarantineEvent",
        .id = {"LSQuarantineEventIdentifier"},
        .time = "LSQuarantineTimeStamp",
        .time_format = TimeFormat::unix_real,
        .code = "LSQuarantineTypeNumber",
        .actor = {.name = "LSQuarantineAgentName", .named_in_config = true}},
       14},
      {"android_turbo.db",
       {.table = "battery_event",
        .id = {"timestamp_millis"},
        .time = "timestamp_millis",
        .code = "battery_level"},
       2717},
      {"macos_TCC-test.db",
       {.table = "access",
        .id = {"service", "client", "client_type", "indirect_object_identifier"},
        .time = "last_modified",
        .time_format = TimeFormat::unix_s,
        .code = "service"},
       21},
  };
}

}  // namespace

TEST_CASE("real audit logs are read whole, found and disposed of row by row", "[audit_log]") {
  const auto folder = real_databases();
  if (!folder) {
    SUCCEED();
    return;
  }
  const RealLog real = GENERATE(from_range(real_logs()));
  INFO(real.file);
  ScratchLog scratch{CopyOf{*folder / real.file}};
  const auto log = scratch.open(real.mapping);
  CHECK(log->count_rows({}) == real.rows);
  const auto rows = scan(*log);
  const auto piecewise = scan(*log, {}, std::chrono::milliseconds{0});
  CHECK(sorted(keys(piecewise)) == sorted(keys(rows)));
  const auto texts = keys(rows);
  CHECK(std::set<std::string>(texts.begin(), texts.end()).size() ==
        static_cast<std::size_t>(real.rows));
  std::int64_t counted = 0;
  log->count_groups({}, [&](const LogGroup& group) { counted += group.rows; }, {});
  CHECK(counted == real.rows);

  const SQLite::Transaction write{scratch.connection().db()};
  for (const SeenRow& row : rows) {
    REQUIRE(log->read_row(row.key, [](const RowFacts&) {}));
    log->dispose_one(row.key);
  }
  CHECK(log->count_rows({}) == 0);
}

TEST_CASE("every time of a real log can be read in its format", "[audit_log]") {
  const auto folder = real_databases();
  if (!folder) {
    SUCCEED();
    return;
  }
  const RealLog real = GENERATE(from_range(real_logs()));
  INFO(real.file);
  ScratchLog scratch{CopyOf{*folder / real.file}};
  const auto log = scratch.open(real.mapping);
  std::int64_t unreadable = 0;
  log->scan_all({}, std::chrono::milliseconds{50}, [&](const RowFacts& row) {
    unreadable += parse_event_time(row.time, real.mapping.time_format) ? 0 : 1;
  });
  CHECK(unreadable == 0);
}

TEST_CASE("what the real logs' keys are", "[audit_log]") {
  const auto folder = real_databases();
  if (!folder) {
    SUCCEED();
    return;
  }
  const auto logs = real_logs();
  ScratchLog superset{CopyOf{*folder / logs[0].file}};
  CHECK(superset.probe(logs[0].mapping).shape.ordered_keys);
  CHECK(superset.probe(logs[0].mapping).shape.reuses_newest_key);
  ScratchLog activities{CopyOf{*folder / logs[1].file}};
  const auto activity = scan(*activities.open(logs[1].mapping)).front().key;
  CHECK(activity.display().size() == 32);
  CHECK(activities.open(logs[1].mapping)->find_key(activity.display()) == activity);
  ScratchLog turbo{CopyOf{*folder / logs[3].file}};
  CHECK_FALSE(turbo.probe(logs[3].mapping).rowid_alias);
}

TEST_CASE("a real log without a declared key is refused", "[audit_log]") {
  const auto folder = real_databases();
  if (!folder) {
    SUCCEED();
    return;
  }
  ScratchLog scratch{CopyOf{*folder / "sqlite_zeitgeist_activity.sqlite"}};
  const LogMapping mapping{.table = "event", .time = "timestamp", .code = "interpretation"};
  CHECK_THAT(scratch.objection(mapping), Contains("has no declared key over \"id\""));
}

}  // namespace holdfast::testing
