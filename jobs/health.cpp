// SPDX-License-Identifier: Apache-2.0
#include "jobs/health.h"

#include <algorithm>

#include "jobs/witness_check.h"

#include <nlohmann/json.hpp>

namespace holdfast {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;

constexpr hours kDay{24};
constexpr hours kTwoDays{48};

std::string in_words(seconds age) {
  const auto whole = std::chrono::duration_cast<hours>(age);
  return whole < kTwoDays ? std::to_string(whole.count()) + " h"
                          : std::to_string(whole / kDay) + " days";
}

/// Findings as they come together, by weight.
class HealthVerdict {
 public:
  void add(HealthState state, std::string sentence) {
    (state == HealthState::critical ? critical_ : warnings_).push_back(std::move(sentence));
  }
  void warn_from_one_on(std::int64_t count, const std::string& what) {
    if (count > 0) {
      add(HealthState::warning, std::to_string(count) + what);
    }
  }
  [[nodiscard]] HealthState state() const {
    return !critical_.empty()   ? HealthState::critical
           : !warnings_.empty() ? HealthState::warning
                                : HealthState::ok;
  }
  [[nodiscard]] std::vector<std::string> findings() const {
    std::vector<std::string> all = critical_;
    all.insert(all.end(), warnings_.begin(), warnings_.end());
    return all;
  }

 private:
  std::vector<std::string> critical_;
  std::vector<std::string> warnings_;
};

std::optional<seconds> age_of_success(const HealthFigures& figures) {
  if (!figures.streak.last_success) {
    return std::nullopt;
  }
  return std::chrono::duration_cast<seconds>(figures.now - *figures.streak.last_success);
}

std::optional<Outcome> outcome_of(const HealthFigures& figures) {
  return figures.last && figures.last->closing ? parse_outcome(figures.last->closing->outcome)
                                               : std::nullopt;
}

void judge_success(const HealthFigures& figures,
                   const HealthLimits& limits,
                   HealthVerdict& verdict) {
  const auto age = age_of_success(figures);
  if (!age) {
    verdict.add(HealthState::warning, "no run has succeeded yet");
  } else if (*age >= limits.very_old_success) {
    verdict.add(HealthState::critical, "no success for " + in_words(*age));
  } else if (*age >= limits.old_success) {
    verdict.add(HealthState::warning, "no success for " + in_words(*age));
  } else if (*age < -hours{1}) {
    verdict.add(HealthState::warning, "the system clock is behind the last success");
  }
}

void judge_last_run(const HealthFigures& figures,
                    const HealthLimits& limits,
                    HealthVerdict& verdict) {
  if (!figures.last || !figures.last->closing) {
    return;  // none yet, or one that goes on: judge_lost_runs() knows whether it died
  }
  const auto outcome = outcome_of(figures);
  if (!outcome) {
    verdict.add(HealthState::critical,
                "run " + std::to_string(figures.last->id) + " ended as \"" +
                    figures.last->closing->outcome + "\", which this version does not know");
    return;
  }
  switch (*outcome) {
    case Outcome::completed:
    case Outcome::interrupted:
      break;
    case Outcome::partial:
      if (figures.streak.partial >= limits.partial_nights) {
        verdict.add(
            HealthState::warning,
            std::to_string(figures.streak.partial) + " runs in a row stopped early at a budget");
      }
      break;
    case Outcome::limited:
      verdict.add(HealthState::warning,
                  "the safety limit left categories whole: holdfast plan --save, holdfast approve");
      break;
    case Outcome::refused:
    case Outcome::failed:
    case Outcome::invalid:
      verdict.add(HealthState::critical,
                  "run " + std::to_string(figures.last->id) + " " + figures.last->closing->outcome +
                      " (" + figures.last->closing->error_reason + "): holdfast report");
      break;
  }
}

/// After a long outage, and where the system's clock is years ahead, runs go by a clock of their
/// own that follows in steps.
void judge_clock(const std::optional<RunClock>& clock, HealthVerdict& verdict) {
  if (clock && clock->system_now - clock->as_of >= kTwoDays) {
    verdict.add(
        HealthState::warning,
        "the run clock is " +
            in_words(std::chrono::duration_cast<seconds>(clock->system_now - clock->as_of)) +
            " behind the system's, so rows become due later: it follows night by night; where the "
            "system's is wrong, set it right and type holdfast approve --clock");
  }
}

void judge_lost_runs(const LostRuns& lost, HealthVerdict& verdict) {
  if (lost.died) {
    verdict.add(HealthState::critical,
                "run " + std::to_string(lost.died->id) + " died: the next run closes its line");
  }
  if (!lost.missed.empty()) {
    const std::int64_t count = lost.missed_count();
    verdict.add(HealthState::critical,
                (count == 1 ? std::string("a run") : std::to_string(count) + " runs") +
                    " could not be recorded (" + lost.missed.back().error.reason +
                    "): holdfast status");
  }
}

std::string summary_of(const HealthFigures& figures) {
  const auto age = age_of_success(figures);
  std::string text = age ? "last success " + in_words(std::max(*age, seconds{0})) + " ago"
                         : std::string("no success yet");
  if (figures.last) {
    text += ", run " + std::to_string(figures.last->id) + " " +
            (figures.last->closing ? figures.last->closing->outcome
             : figures.lost.died   ? "died"
                                   : "has not ended");
  }
  return text;
}

std::vector<HealthFigure> figures_of(const HealthFigures& figures, const HealthLimits& limits) {
  std::vector<HealthFigure> list;
  if (const auto age = age_of_success(figures)) {
    list.push_back({.label = "last_success_age",
                    .value = age->count(),
                    .unit = "s",
                    .warning = std::to_string(seconds{limits.old_success}.count()),
                    .critical = std::to_string(seconds{limits.very_old_success}.count())});
  }
  if (figures.rows_waiting) {
    list.push_back({.label = "rows_waiting", .value = *figures.rows_waiting});
  }
  list.push_back({.label = "partial_in_a_row",
                  .value = figures.streak.partial,
                  .warning = std::to_string(limits.partial_nights - 1)});
  list.push_back({.label = "failed_in_a_row", .value = figures.streak.failed, .critical = "0"});
  list.push_back({.label = "holds_active", .value = figures.holds.active});
  list.push_back(
      {.label = "holds_past_review", .value = figures.holds.past_review, .warning = "0"});
  list.push_back({.label = "erasures_open", .value = figures.erasures.open});
  list.push_back(
      {.label = "erasures_due_soon", .value = figures.erasures.due_soon, .warning = "0"});
  list.push_back({.label = "erasures_overdue", .value = figures.erasures.overdue, .critical = "0"});
  return list;
}

/// Due rows that the last run left: at its end, or by the safety limit.
std::optional<std::int64_t> waiting_rows(RunLedger& ledger, const std::optional<RunLine>& last) {
  const auto full = last ? ledger.find(last->id) : std::nullopt;
  if (!full || !full->closing) {
    return std::nullopt;
  }
  const json record = json::parse(full->closing->record, nullptr, /*allow_exceptions=*/false);
  // Without the digest of a plan nobody came to know what is due.
  if (!record.is_object() || !record.contains("digest") || !record.at("digest").is_string() ||
      !record.contains("kept_by_reason") || !record.at("kept_by_reason").is_object()) {
    return std::nullopt;
  }
  const json& kept = record.at("kept_by_reason");
  std::int64_t rows = 0;
  for (const char* reason : {"not_reached", "limit"}) {
    if (kept.contains(reason) && kept.at(reason).is_number_integer()) {
      rows += kept.at(reason).get<std::int64_t>();
    }
  }
  return rows;
}

}  // namespace

HealthFigures read_health(const Desk& desk) {
  RunLedger& ledger = desk.database.ledger();
  HealthFigures figures{.last = ledger.last(), .now = desk.now};
  const auto rethrow = [](const std::string& why) {
    throw StorageError(StorageTrouble::corrupt, why);
  };
  const MonitorFigures read = read_monitor_figures(desk.database, std::nullopt, desk.now, rethrow);
  figures.lost = read_lost_runs(desk.database);
  figures.streak = continued(read.streak.value_or(RunStreak{}), figures.lost);
  figures.holds = read.holds.value_or(HoldCounts{});
  figures.erasures = read.erasures.value_or(ErasureCounts{});
  figures.rows_waiting = waiting_rows(ledger, figures.last);
  const json witness = witness_status(desk);
  figures.clock = desk.database.ledger().last_clock();
  figures.witness_agrees = witness.at("message").is_null() ||
                           witness.at("state") == std::string(to_token(WitnessState::repaired));
  return figures;
}

Health judge_health(const HealthFigures& figures, const HealthLimits& limits) {
  HealthVerdict verdict;
  judge_lost_runs(figures.lost, verdict);
  judge_last_run(figures, limits, verdict);
  judge_success(figures, limits, verdict);
  judge_clock(figures.clock, verdict);
  if (!figures.witness_agrees) {
    verdict.add(HealthState::critical,
                "the witness file and the database do not agree, so a run would be refused: "
                "holdfast status --json");
  }
  if (figures.erasures.overdue > 0) {
    verdict.add(HealthState::critical,
                std::to_string(figures.erasures.overdue) + " erasure requests overdue");
  }
  verdict.warn_from_one_on(figures.holds.past_review, " holds past their review date");
  verdict.warn_from_one_on(figures.erasures.due_soon, " erasure requests due within a week");
  return {.state = verdict.state(),
          .findings = verdict.findings(),
          .summary = summary_of(figures),
          .figures = figures_of(figures, limits)};
}

}  // namespace holdfast
