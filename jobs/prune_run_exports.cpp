// SPDX-License-Identifier: Apache-2.0
// Copies of persons' data: after the slices the run makes those that are asked for, destroys those
// past their keep and removes what crashes left. None of it changes how the run ends.

#include "jobs/export_upkeep.h"
#include "jobs/export_workflow.h"
#include "jobs/prune_run.h"
#include "jobs/run_errors.h"

namespace holdfast {

void PruneRun::tend_exports() {
  if (with_.stop.raised()) {
    return;
  }
  phase_ = "tending exports";
  std::int64_t made = 0;
  std::int64_t destroyed = 0;
  std::int64_t open = 0;
  try {
    expire_exports(destroyed);
    if (with_.exports != nullptr) {
      for (const std::string& doubt : tidy_exports(with_.database, *with_.exports)) {
        warn("export_not_removed: " + doubt);
      }
      make_exports(made);
    }
    for (const std::string& fault : export_faults(with_.database.exports(), with_.exports)) {
      warn("export_not_there: " + fault);
    }
    for (const ExportRequest& request : with_.database.exports().kept()) {
      open += is_open(request, report_.clock.guard_now()) ? 1 : 0;
    }
  } catch (const std::exception& error) {
    warn("exports_not_tended: " + run_error(error, with_.database.path()).message);
  }
  report_.groups["exports"] = {{"made", made}, {"destroyed", destroyed}, {"open", open}};
}

/// The line first, then the file: a crash in between leaves a file that nobody is handed any more,
/// and that the next run removes.
void PruneRun::expire_exports(std::int64_t& destroyed) {
  ExportWorkflow workflow(
      {.database = with_.database, .settings = settings_, .store = with_.exports},
      policy_,
      {.clock = report_.clock, .run = report_.run_id});
  for (const ExportRequest& request : with_.database.exports().kept()) {
    if (!is_expired(request, report_.clock.guard_now())) {
      continue;
    }
    const ExportResult result = workflow.end(request.id, ExportDeed::expire);
    destroyed += result.step.kind == ExportStep::Kind::done ? 1 : 0;
    if (!result.left.empty()) {
      warn("export_not_removed: " + result.left);
    }
  }
}

/// Each for itself: one that fails does not keep the others from being made.
void PruneRun::make_exports(std::int64_t& made) {
  ExportWorkflow workflow(
      {.database = with_.database, .settings = settings_, .store = with_.exports},
      policy_,
      {.clock = report_.clock, .run = report_.run_id});
  for (const ExportRequest& request : with_.database.exports().kept()) {
    if (request.state != ExportState::requested || with_.stop.raised()) {
      continue;
    }
    try {
      const ExportResult result = workflow.make(request.id);
      made += result.step.kind == ExportStep::Kind::done ? 1 : 0;
    } catch (const std::exception& error) {
      warn("export_not_made: export " + std::to_string(request.id) + ": " +
           run_error(error, with_.database.path()).message);
    }
  }
}

}  // namespace holdfast
