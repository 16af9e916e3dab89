// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "jobs/between_runs.h"
#include "jobs/decision_context.h"
#include "jobs/due_erasures.h"
#include "jobs/outcome.h"
#include "jobs/run_plan.h"
#include "jobs/run_record.h"
#include "jobs/slice_job.h"
#include "storage/database.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What went wrong, or what a run was refused for.
struct RunError {
  std::string reason;   ///< a token: "first_run_not_approved", "clock_went_back", "storage"
  std::string message;  ///< a whole sentence: what, on what, what to do
};

/// One line per tenant and category.
struct CategoryLine {
  TallyPlace place;
  std::string window;  ///< "" where no category window applies
  std::optional<Instant> cutoff;
  std::optional<Instant> oldest_kept;     ///< of the rows past the window of their code
  std::optional<Instant> newest_deleted;  ///< of what committed slices deleted
  ReasonCounts counts;
};

/// How old one category's rows are, over all tenants, for whoever watches.
struct CategoryAge {
  std::string category;           ///< empty: codes that are unknown
  std::optional<Instant> cutoff;  ///< of the platform's window; none where it has none
  std::optional<Instant> oldest;  ///< of the rows that are left after the run
  std::int64_t waiting = 0;       ///< due, and left by the run's end or by the limit
  std::optional<Instant>
      oldest_due;  ///< of the rows that were due when the run began; none where none waits
  /// By how much one of those was past the window that it goes by itself; 0 where none waits.
  std::chrono::milliseconds overdue{0};
};

/// What plan and run have in common: every row counted once.
struct Figures {
  std::optional<Instant> as_of;
  std::int64_t rows_before = 0;
  ReasonCounts totals;
  std::vector<CategoryLine> categories;
  std::map<std::string, std::int64_t> deleted_by_code;
  std::map<std::string, std::int64_t> unknown_codes;
  std::map<std::string, Instant, std::less<>> oldest_unknown;  ///< their oldest sane times
  std::map<std::int64_t, std::int64_t> kept_by_hold;
  std::int64_t bad_times = 0;
  std::int64_t category_mismatches = 0;
};

/// Brings a tally into lines with windows and cut-offs. `rules` may be null: then without those.
[[nodiscard]] Figures make_figures(const Tally& tally, const RuleBook* rules);

/// Adds what the plan found of the oldest kept and the newest deleted row of each place.
void add_place_times(Figures& figures, const PlanFigures& plan);

/// How old the rows of each category are after a run that ended with these figures. `rules` may be
/// null: then without cut-offs.
[[nodiscard]] std::vector<CategoryAge> category_ages(const Figures& figures,
                                                     const PlanFigures& plan,
                                                     const RuleBook* rules);

/// The figures as the JSON that `plan` and `run` share. Fields are added, never renamed.
[[nodiscard]] nlohmann::json figures_json(const Figures& figures);

/// A tenant category over the limit, as needs_approval lists it.
[[nodiscard]] nlohmann::json excess_json(const LimitExcess& excess);

/// The archive of what a run deleted.
struct RunArchive {
  std::string file;  ///< name in [archive].directory
  std::int64_t bytes = 0;
  std::string sha256;
  std::int64_t rows = 0;
};

/// Everything that one run has to say.
struct RunReport {
  std::int64_t run_id = 0;
  bool recorded = false;  ///< the ledger has a line of it, closed or not
  Outcome outcome = Outcome::failed;
  std::optional<RunError> error;
  Figures figures;
  RunClock clock;
  std::optional<Instant> server_now;  ///< of the database's server; none where there is none
  bool clock_clamped = false;
  std::optional<std::int64_t> rows_after;
  std::int64_t appended = 0;  ///< rows that came during the run, Holdfast's own included
  std::int64_t erased = 0;    ///< rows that went with completed erasures, counted apart
  DueErasures erasures;
  std::int64_t rows_remaining = 0;  ///< due, and left for the next run
  std::vector<CategoryAge> ages;    ///< empty where the run did not come to plan
  std::string plan_digest;
  std::string policy_digest;
  std::int64_t policy_version = 0;
  std::string policy_source;
  std::vector<PolicyChange> policy_changes;
  std::string approved_plan;
  std::string approved_by;
  std::vector<LimitExcess> over_limit;
  std::vector<std::string> warnings;
  std::vector<std::string> conflicts;
  std::vector<std::int64_t> closed_dead_runs;
  std::map<std::string, std::int64_t> differences;  ///< reconciliation: all zero, or the run failed
  std::optional<RunArchive> archive;                ///< none where there is none
  std::int64_t slices = 0;
  std::int64_t vanished = 0;
  /// Rows of children that went with deleted ones; every child that the mapping declares is there.
  std::map<std::string, std::int64_t> children_deleted;
  std::chrono::microseconds longest_lock{0};
  PartitionTotals partitions;
  std::chrono::microseconds planning{0};
  std::chrono::microseconds counting{0};     ///< of the planning: rows that need no look
  std::chrono::microseconds reconciling{0};  ///< how long the rows were counted at the end
  std::chrono::microseconds duration{0};
  std::string started_by;
  std::string host;
  std::string database_id;
  std::string database_path;
  std::optional<Instant> ended_at;
  std::optional<RunClock> last_clock;  ///< of the run before
  std::optional<LogState> log_after;   ///< what the next run compares with
  std::optional<BetweenRuns> between_runs;
  nlohmann::json groups = nlohmann::json::object();  ///< parts of the record by their name
  std::string holds;     ///< the list of the holds in its canonical form; empty: it was not made
  std::string run_hash;  ///< empty before it is sealed
  std::string sealed;    ///< the record as it was chained, in its canonical form
  bool wal_emptied = false;
  std::optional<SpaceReport> space_before;  ///< none where the run came to nothing before that
  std::int64_t file_bytes = 0;
  std::int64_t free_bytes = 0;
  std::string vacuum;                 ///< Database::vacuum_statement()
  bool incremental_vacuum = false;    ///< the file is one that can give pages back
  std::int64_t given_back_bytes = 0;  ///< by which incremental vacuum made the file smaller
  std::chrono::microseconds longest_vacuum_lock{0};
};

/// The run as one JSON object, before it is sealed into the chain.
[[nodiscard]] nlohmann::json report_json(const RunReport& report);

/// The same, sealed into the chain: see seal_record().
[[nodiscard]] SealedRecord seal_report(const RunReport& report, const std::string& previous_hash);

/// The metadata of the audit event: at most 64 KB, whatever the log holds.
[[nodiscard]] std::string event_metadata(const RunReport& report);

}  // namespace holdfast
