// SPDX-License-Identifier: Apache-2.0
#include "jobs/monitor_figures.h"

#include <vector>

#include "jobs/due_erasures.h"

namespace holdfast {
namespace {

constexpr std::int64_t kMostRuns = 1000;

/// What one line of the ledger says. A line that nobody closed is a run that died.
LatestRun as_run(const RunLine& line) {
  LatestRun run{.id = line.id, .outcome = Outcome::failed, .began = line.opening.opened_at};
  if (line.closing) {
    run.outcome = parse_outcome(line.closing->outcome).value_or(Outcome::failed);
  }
  return run;
}

HoldCounts count_holds(HoldRegister& holds, Instant now) {
  HoldCounts counts;
  holds.for_each([&](const LegalHold& hold) {
    if (hold.active()) {
      ++counts.active;
      counts.past_review += hold.review_by && *hold.review_by < now ? 1 : 0;
    }
  });
  return counts;
}

ErasureCounts count_erasures(ErasureRegister& erasures, Instant now) {
  DueErasures due;
  list_due(erasures, now, due);
  return {.open = due.open,
          .due_soon = static_cast<std::int64_t>(due.due_soon.size()),
          .overdue = static_cast<std::int64_t>(due.overdue.size())};
}

}  // namespace

RunStreak continued(const RunStreak& before, const LatestRun& run) {
  RunStreak streak{.last_success = before.last_success};
  switch (run.outcome) {
    case Outcome::completed:
    case Outcome::limited:
      streak.last_success = run.began;
      break;
    case Outcome::partial:
      streak.last_success = run.began;
      streak.partial = before.partial + 1;
      break;
    case Outcome::refused:
    case Outcome::failed:
    case Outcome::invalid:
      streak.failed = before.failed + 1;
      break;
    case Outcome::interrupted:
      break;
  }
  return streak;
}

RunStreak read_streak(RunLedger& ledger, const std::optional<LatestRun>& latest) {
  const std::vector<RunLine> lines = ledger.newest(kMostRuns);
  RunStreak streak;
  bool known = false;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const bool is_latest = latest && latest->id == line->id;
    if (!is_latest && !line->closing && line + 1 == lines.rend()) {
      break;  // the newest of all may still be going on: the run after it will say
    }
    known = known || is_latest;
    streak = continued(streak, is_latest ? *latest : as_run(*line));
  }
  if (latest && !known) {
    streak = continued(streak, *latest);
  }
  if (!streak.last_success) {
    if (const auto success = ledger.last_success()) {
      streak.last_success = success->opening.opened_at;
    }
  }
  return streak;
}

MonitorFigures read_monitor_figures(Database& database,
                                    const std::optional<LatestRun>& latest,
                                    Instant now,
                                    const std::function<void(const std::string&)>& warn) {
  MonitorFigures figures;
  // Each on its own: a damaged register takes its own figures away and no others.
  const auto try_to = [&warn](const char* what, const std::function<void()>& read) {
    try {
      read();
    } catch (const std::exception& error) {
      warn(std::string(what) + " could not be read: " + error.what());
    }
  };
  try_to("the ledger", [&] { figures.streak = read_streak(database.ledger(), latest); });
  try_to("the holds", [&] { figures.holds = count_holds(database.holds(), now); });
  try_to("the erasures", [&] { figures.erasures = count_erasures(database.erasures(), now); });
  return figures;
}

}  // namespace holdfast
