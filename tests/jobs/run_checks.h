// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include <catch2/catch.hpp>

#include "jobs/plan_desk.h"
#include "jobs/prune_run.h"
#include "tests/jobs/job_world.h"

namespace holdfast::testing {

inline constexpr const char* kCompleted = "AUDIT_PRUNE_RUN_COMPLETED ";
inline constexpr const char* kFailed = "AUDIT_PRUNE_RUN_FAILED ";

/// What holds for every run, however it ended.
inline void check_sums(const RunReport& report) {
  const ReasonCounts& totals = report.figures.totals;
  CHECK(totals.deleted() + totals.kept() == report.figures.rows_before);
  for (const CategoryLine& line : report.figures.categories) {
    for (const Reason reason : kAllReasons) {
      CAPTURE(line.place.category, reason);
      CHECK(line.counts[reason] >= 0);
    }
  }
  // Rows that somebody else deletes meanwhile are what the reconciliation is for.
  if (report.rows_after && !(report.error && report.error->reason == "reconciliation")) {
    CHECK(*report.rows_after == report.figures.rows_before - totals.deleted() + report.appended);
  }
  const auto json = report_json(report);
  CHECK(json.at("deleted").get<std::int64_t>() + json.at("kept").get<std::int64_t>() ==
        json.at("rows_before").get<std::int64_t>());
  std::int64_t kept = 0;
  for (const auto& [reason, rows] : json.at("kept_by_reason").items()) {
    kept += rows.get<std::int64_t>();
  }
  CHECK(kept == json.at("kept").get<std::int64_t>());
}

inline std::string reason_of(const RunReport& report) {
  return report.error ? report.error->reason : "";
}

/// The first column of the ledger's newest line.
inline std::string newest_line(const JobWorld& world, const std::string& column) {
  return world.ask("SELECT " + column + " FROM holdfast_run ORDER BY id DESC LIMIT 1");
}

inline std::int64_t clocks(const JobWorld& world) {
  return world.number("SELECT count(*) FROM holdfast_clock");
}

inline Desk desk_of(JobWorld& world, Database& database, const std::string& who) {
  return {.database = database,
          .settings = world.settings(),
          .now = kTonight,
          .who = who,
          .observer = world.observer()};
}

inline std::string save_plan(JobWorld& world) {
  const auto database = world.open();
  return show_plan(desk_of(world, *database, ""), {.save = true}).at("digest").get<std::string>();
}

inline void approve(JobWorld& world, const std::string& digest) {
  const auto database = world.open();
  (void)approve_plan(desk_of(world, *database, "alice"), digest);
}

}  // namespace holdfast::testing
