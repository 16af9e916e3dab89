// SPDX-License-Identifier: Apache-2.0
// The record of a run: its groups are collected, and it is sealed into the chain of runs.

#include "jobs/digest.h"
#include "jobs/prune_run.h"
#include "jobs/record_groups.h"
#include "jobs/run_record.h"

namespace holdfast {

/// Rows that went or came back while no run was looking are said, and nothing more: who did it and
/// why, Holdfast cannot know.
void PruneRun::compare_with_the_run_before() {
  try {
    report_.between_runs = compare_with_last_run(with_.database, 0);
  } catch (const StorageError& error) {
    if (error.trouble() != StorageTrouble::corrupt) {
      throw;
    }
    warn(std::string("rows_not_compared: what earlier runs left cannot be read: ") + error.what());
  }
  if (!report_.between_runs) {
    return;
  }
  const BetweenRuns& between = *report_.between_runs;
  const std::string since = " since run " + std::to_string(between.run) + ", which left " +
                            std::to_string(between.expected) + " of the rows with their keys; " +
                            std::to_string(between.found) + " are there now";
  if (between.vanished() > 0) {
    warn("rows_vanished_between_runs: " + std::to_string(between.vanished()) +
         " rows were deleted by somebody else than Holdfast" + since);
  } else if (between.committed_late() > 0) {
    with_.observer.note("rows_committed_late=" + std::to_string(between.committed_late()) +
                        " since_run=" + std::to_string(between.run));
  } else if (between.came_back() > 0) {
    warn("rows_came_back_between_runs: " + std::to_string(between.came_back()) +
         " rows came back or were added with old keys" + since +
         "; \"holdfast verify\" says which deleted rows are back");
  }
}

/// What was really deleted counts, not what was planned.
void PruneRun::add_times_of_places() {
  add_place_times(report_.figures, plan_.figures);
  if (planned_) {
    report_.ages =
        category_ages(report_.figures, plan_.figures, context_ ? &context_->rules() : nullptr);
  }
  for (CategoryLine& line : report_.figures.categories) {
    line.newest_deleted.reset();
    if (slices_) {
      const auto deleted = slices_->totals().newest_deleted.find(line.place);
      if (deleted != slices_->totals().newest_deleted.end()) {
        line.newest_deleted = deleted->second;
      }
    }
  }
}

/// When the newest run began whose record says what holds and erasures had done: one that was found
/// dead has said nothing of them.
std::optional<Instant> PruneRun::since_last_record() {
  for (std::int64_t run = report_.run_id - 1; run > 0; --run) {
    const auto line = with_.database.ledger().find(run);
    if (line && line->closing && line->closing->record.find("\"holds\":") != std::string::npos) {
      return line->opening.opened_at;
    }
  }
  return std::nullopt;
}

/// Everything that the record says beside the figures. A damaged database must not keep a run from
/// being closed: what cannot be read is missing from the record, and the record says so.
void PruneRun::collect_groups() {
  report_.database_path = with_.database.path();
  report_.ended_at = with_.clock.now();
  try {
    report_.database_id = with_.database.identity();
    add_times_of_places();
    const auto since = since_last_record();
    nlohmann::json& groups = report_.groups;
    if (!policy_.versions.empty()) {
      groups["authority"] = authority_group(policy_, settings_);
    }
    if (context_) {
      groups["clock"]["cutoffs"] = cutoffs_group(context_->rules());
    }
    if (planned_) {
      groups["population"] = population_group(with_.database, plan_.figures, highest_before_);
    }
    const HoldPeriod period{.since = since,
                            .now = report_.clock.system_now,
                            .release_grace = context_ ? context_->safety().hold_release_grace
                                                      : settings_.safety.hold_release_grace,
                            .guard_now = report_.clock.guard_now()};
    RecordList holds;
    groups.update(holds_group(with_.database, report_.figures.kept_by_hold, period, holds));
    report_.holds = std::move(holds).finish();
    groups["erasures"] = erasure_period(with_.database, since);
    groups["exceptions"]["modules_failed"] = failed_modules(with_.database, since);
    groups["method"] = method_group(with_.database, report_);
    groups["integrity"] = integrity_group(with_.database, report_);
  } catch (const std::exception& error) {
    if (report_.outcome != Outcome::failed) {
      throw;
    }
    report_.warnings.push_back(std::string("the record is not complete: ") + error.what());
  }
}

/// Puts the record behind that of the run before. Call inside the write that closes the run.
SealedRecord PruneRun::seal() {
  report_.run_hash.clear();
  SealedRecord sealed = seal_report(report_, with_.database.ledger().last_hash());
  report_.run_hash = sealed.hash;
  return sealed;
}

}  // namespace holdfast
