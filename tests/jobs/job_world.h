// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/clock.h"
#include "jobs/prune_run.h"
#include "jobs/run_observer.h"
#include "jobs/settings.h"
#include "storage/database.h"
#include "tests/policy/policy_builders.h"
#include "tests/storage/scratch_database.h"

namespace holdfast::testing {

/// The night of these tests: 13 months end on 2025-10-21T10:00Z.
inline const Instant kTonight = at("2026-11-23T03:00:00Z");

/// A clock that stands still.
class FixedClock final : public Clock {
 public:
  explicit FixedClock(Instant now) : now_(now) {}
  [[nodiscard]] Instant now() const override { return now_; }

 private:
  Instant now_;
};

/// Keeps what a job tells, and lets a test do something meanwhile.
class WatchingObserver final : public RunObserver {
 public:
  void progress(const Progress& progress) override {
    if (progress.phase == "deleting" && after_slice_ && --slices_to_go_ <= 0) {
      std::exchange(after_slice_, {})();
    }
  }
  void note(const std::string& /*line*/) override {}
  void warn(const std::string& line) override { warnings_ += line + "\n"; }

  /// Calls `act` once, after the first slice is committed.
  void after_first_slice(std::function<void()> act) { after_slice(1, std::move(act)); }
  /// The same after so many slices.
  void after_slice(int number, std::function<void()> act) {
    slices_to_go_ = number;
    after_slice_ = std::move(act);
  }
  [[nodiscard]] const std::string& warnings() const { return warnings_; }

 private:
  std::function<void()> after_slice_;
  int slices_to_go_ = 0;
  std::string warnings_;
};

/// One row of the audit log; as it stands, it is due.
struct LogRow {
  std::string time = std::to_string(to_unix_ms(at("2020-02-02")));  ///< as SQL
  std::string code = "ACCOUNT_PROFILE_UPDATE";
  std::string tenant = "'acme'";  ///< as SQL
  std::string subject = "NULL";   ///< as SQL
};

/// A time as SQL.
inline std::string sql_time(std::string_view text) {
  return std::to_string(to_unix_ms(at(text)));
}

/// The settings of these tests: account rows are kept for 13 months, no first run to approve, and
/// slices as small as they get.
inline Settings small_settings() {
  Settings settings;
  settings.source = {.path = "holdfast.toml", .sha256 = "00", .owner = "root"};
  settings.earliest_plausible = at("2000-01-01");
  settings.retention.category["account"] = keep_for("13 months");
  settings.administrators = {"alice"};
  settings.safety.first_run_needs_approval = false;
  settings.safety.max_bad_time_share_ppm = 1'000'000;
  settings.run.max_lock = std::chrono::milliseconds{1};
  settings.run.max_lock_idle = std::chrono::milliseconds{1};
  return settings;
}

/// A database that `init` made, in a folder of its own, and the settings for it.
class JobWorld {
 public:
  JobWorld() { write_bytes(path(), made_by_init()); }

  [[nodiscard]] Settings& settings() { return settings_; }
  [[nodiscard]] OpenOptions options() const { return folder_.options(); }
  [[nodiscard]] std::filesystem::path path() const { return options().path; }

  /// Nobody has written for hours, and the run may take its time.
  void be_alone() {
    settings_.run.max_lock_idle = std::chrono::seconds{1};
    const auto age = std::chrono::system_clock::now() - (kTonight - std::chrono::hours{5});
    std::filesystem::last_write_time(
        path(),
        std::filesystem::file_time_type::clock::now() -
            std::chrono::duration_cast<std::filesystem::file_time_type::duration>(age));
  }

  void sql(const std::string& text) const { run_sql(path(), "PRAGMA synchronous = OFF;" + text); }
  [[nodiscard]] std::string ask(const std::string& text) const { return ask_sql(path(), text); }
  [[nodiscard]] std::int64_t number(const std::string& text) const { return std::stoll(ask(text)); }
  /// Rows of the log that are not Holdfast's own.
  [[nodiscard]] std::int64_t rows() const {
    return number(
        "SELECT count(*) FROM audit_events WHERE code NOT LIKE 'AUDIT\\_PRUNE%' "
        "ESCAPE '\\' AND code NOT LIKE 'TENANT\\_AUDIT%' ESCAPE '\\'");
  }
  /// The codes of Holdfast's own rows in their order, each followed by a blank.
  [[nodiscard]] std::string own_events() const {
    return ask(
        "SELECT coalesce(group_concat(code || ' ', ''), '') FROM (SELECT code FROM "
        "audit_events WHERE actor = 'holdfast' OR actor = 'unknown' ORDER BY id)");
  }
  /// The outcomes of the ledger in their order, each followed by a blank; "open" for none.
  [[nodiscard]] std::string outcomes() const {
    return ask(
        "SELECT coalesce(group_concat(coalesce(outcome, 'open') || ' ', ''), '') FROM "
        "(SELECT outcome FROM holdfast_run ORDER BY id)");
  }

  void add_rows(int count, const LogRow& row = {}) const {
    sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(count) +
        ") INSERT INTO audit_events (occurred_at, tenant, code, subject) SELECT " + row.time +
        ", " + row.tenant + ", '" + row.code + "', " + row.subject + " FROM n");
  }

  [[nodiscard]] std::unique_ptr<Database> open() const { return open_sqlite(options()); }

  /// Places a hold over a connection of its own, as another program would.
  void place(const HoldScope& scope) const {
    const auto database = open();
    in_write(*database, [&] { (void)database->holds().place(hold(0, scope)); });
  }

  /// One nightly run on a given database, with a second connection where one can be had.
  RunReport run_on(Database& database,
                   Instant now,
                   const OpenReader& open_reader = {},
                   const WorthAThread& worth = {}) {
    const FixedClock clock{now};
    return PruneRun({.database = database,
                     .clock = clock,
                     .observer = observer_,
                     .stop = stop_,
                     .started_by = "cron",
                     .host = "here",
                     .process = 1,
                     .open_reader = open_reader,
                     .worth = worth},
                    settings_)
        .execute();
  }
  RunReport run(Instant now = kTonight) {
    const auto database = open();
    return run_on(*database, now);
  }

  [[nodiscard]] WatchingObserver& observer() { return observer_; }
  [[nodiscard]] StopFlag& stop() { return stop_; }

 private:
  /// What `init` makes is the same for every test: it is made once and copied.
  [[nodiscard]] static const std::string& made_by_init() {
    static const std::string bytes = [] {
      const ScratchDatabase folder;
      (void)init_sqlite(folder.options(), "id-of-the-test", kDay);
      return bytes_of(folder.options().path);
    }();
    return bytes;
  }

  ScratchDatabase folder_;
  Settings settings_ = small_settings();
  WatchingObserver observer_;
  StopFlag stop_;
};

}  // namespace holdfast::testing
