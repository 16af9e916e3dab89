// SPDX-License-Identifier: Apache-2.0
#include "jobs/plan_counter.h"

#include <algorithm>

#include "jobs/job_error.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr std::string_view kOwnRunCodes = "AUDIT_PRUNE_RUN_";

/// Of these reasons it is also told which codes they are about.
bool is_told_by_code(Reason reason) {
  return reason == Reason::expired || reason == Reason::unknown_code;
}

void note_time(CategoryTimes& times, Instant time, Reason reason) {
  times.oldest = std::min(times.oldest, time);
  if (reason != Reason::expired) {
    times.oldest_staying = std::min(times.oldest_staying.value_or(time), time);
  }
  if (reason == Reason::expired || reason == Reason::limit) {
    times.oldest_due = std::min(times.oldest_due.value_or(time), time);
  }
}

/// The lower of two values that may be absent.
template <typename Value>
std::optional<Value> lowest(const std::optional<Value>& one, const std::optional<Value>& other) {
  return one && other ? std::min(one, other) : one ? one : other;
}

/// The higher one: an absent value is below all others.
template <typename Value>
std::optional<Value> highest(const std::optional<Value>& one, const std::optional<Value>& other) {
  return std::max(one, other);
}

void add_code(std::string_view code, const ReasonCounts& counts, Tally& tally) {
  for (const Reason reason : {Reason::expired, Reason::unknown_code}) {
    if (counts[reason] != 0) {
      tally.add_code(code, reason, counts[reason]);
    }
  }
}

/// Rows that were read and had not been counted: the limits would go by wrong numbers.
void require_counted(const TallyPlace& place, const ReasonCounts& counts) {
  if (std::any_of(kAllReasons.begin(), kAllReasons.end(), [&](Reason reason) {
        return counts[reason] < 0;
      })) {
    throw JobError(ExitStatus::failed,
                   "the log has other rows of tenant \"" + one_line(place.tenant.value_or("")) +
                       "\" in category \"" + place.category +
                       "\" than its index on code and time, so no limit could be relied on and "
                       "nothing is planned: make that index anew (REINDEX), then run again");
  }
}

}  // namespace

PlanCounter::CodeFigures& PlanCounter::code_at(const std::optional<std::string_view>& code) {
  const std::string_view name = code.value_or(std::string_view{});
  const auto found = codes_.find(name);
  if (found != codes_.end()) {
    return found->second;
  }
  CodeFigures& fresh = codes_[std::string{name}];
  fresh.latest_cutoff = context_->rules().latest_cutoff(name);
  // Every run leaves a row of its own: a log with nothing else in it is idle.
  fresh.tells_of_runs = name.substr(0, kOwnRunCodes.size()) == kOwnRunCodes;
  return fresh;
}

PlanCounter::PlaceFigures& PlanCounter::place_at(const TallyPlaceView& place) {
  const auto found = places_.find(place);
  return found != places_.end() ? found->second
                                : places_.try_emplace(owned_place(place)).first->second;
}

std::string_view PlanCounter::add_unread(const LogGroup& group) {
  const Rule rule = context_->rules().rule_for(group.tenant, group.code, group.stored_category);
  const Reason reason = reason_inside_window(rule);
  place_at({.tenant = group.tenant, .category = rule.category}).counts[reason] += group.rows;
  if (is_told_by_code(reason)) {
    code_at(group.code).counts[reason] += group.rows;
  }
  figures_.category_mismatches += rule.category_differs ? group.rows : 0;
  return rule.category;
}

void PlanCounter::note_unread_times(const std::optional<std::string>& code,
                                    const std::optional<std::string_view>& category,
                                    const std::optional<Instant>& first,
                                    const std::optional<Instant>& last) {
  for (const auto& time : {first, last}) {
    if (time) {
      note_newest_time(*time, code_at(code));
    }
  }
  if (first && category) {
    note_time(figures_.oldest_time[std::string(*category)], *first, Reason::window);
  }
  if (first && !context_->rules().rule_for({}, code, {}).code_known) {
    note_unknown(code.value_or(std::string{}), *first);
  }
}

void PlanCounter::add(const RowFacts& row, const Decision& decision, bool unread_before) {
  PlaceFigures& place = place_at({.tenant = row.tenant, .category = decision.category});
  CodeFigures& code = code_at(row.code);
  const auto count = [&](Reason reason, std::int64_t rows) {
    place.counts[reason] += rows;
    if (is_told_by_code(reason)) {
      code.counts[reason] += rows;
    }
  };
  if (unread_before) {
    count(decision.inside_window, -1);
  } else {
    figures_.category_mismatches += decision.category_differs ? 1 : 0;
  }
  count(decision.reason, 1);
  if (decision.time) {
    add_time(decision, *decision.time, code, place);
    if (decision.reason == Reason::unknown_code) {
      note_unknown(row.code.value_or(std::string_view{}), *decision.time);
    }
  } else {
    ++figures_.bad_times;
  }
  if (decision.reason == Reason::hold) {
    count_holds(row);
  }
}

void PlanCounter::add_time(const Decision& decision,
                           Instant time,
                           const CodeFigures& code,
                           PlaceFigures& at) {
  note_newest_time(time, code);
  if (at.times == nullptr) {
    at.times = &figures_.oldest_time[std::string(decision.category)];
  }
  note_time(*at.times, time, decision.reason);
  if (decision.reason == Reason::expired || decision.reason == Reason::limit) {
    const auto overdue = decision.window_cutoff - time;
    at.longest_overdue = std::max(at.longest_overdue.value_or(overdue), overdue);
  }
  // Rows inside their window are not looked at: with an index they are not even read.
  if (time < code.latest_cutoff) {
    if (decision.deletes()) {
      at.newest_deleted = std::max(at.newest_deleted.value_or(time), time);
    } else {
      at.oldest_kept = std::min(at.oldest_kept.value_or(time), time);
    }
  }
}

void PlanCounter::note_newest_time(Instant time, const CodeFigures& code) {
  if (!code.tells_of_runs) {
    figures_.newest_time = std::max(figures_.newest_time.value_or(time), time);
  }
}

void PlanCounter::note_unknown(std::string_view code, Instant time) {
  Instant& oldest = figures_.oldest_unknown.try_emplace(std::string(code), time).first->second;
  oldest = std::min(oldest, time);
}

void PlanCounter::count_holds(const RowFacts& row) {
  ids_.clear();
  context_->holds().for_each_match(
      as_hold_candidate(row, context_->frame()), [this](const LegalHold& hold) {
        // One hold may be visited twice.
        if (hold.active() && std::find(ids_.begin(), ids_.end(), hold.id) == ids_.end()) {
          ids_.push_back(hold.id);
        }
        return true;
      });
  for (const std::int64_t id : ids_) {
    ++figures_.kept_by_hold[id];
  }
}

void PlanCounter::add(PlanCounter&& other) {
  for (auto& [place, theirs] : other.places_) {
    theirs.times = nullptr;  // those of the other counter
  }
  places_.merge(other.places_);
  for (const auto& [place, theirs] : other.places_) {
    PlaceFigures& ours = places_[place];
    ours.counts += theirs.counts;
    ours.oldest_kept = lowest(ours.oldest_kept, theirs.oldest_kept);
    ours.newest_deleted = highest(ours.newest_deleted, theirs.newest_deleted);
    ours.longest_overdue = highest(ours.longest_overdue, theirs.longest_overdue);
  }
  for (const auto& [code, theirs] : other.codes_) {
    code_at(code).counts += theirs.counts;
  }
  PlanFigures& theirs = other.figures_;
  figures_.bad_times += theirs.bad_times;
  figures_.category_mismatches += theirs.category_mismatches;
  figures_.newest_time = highest(figures_.newest_time, theirs.newest_time);
  for (const auto& [hold, rows] : theirs.kept_by_hold) {
    figures_.kept_by_hold[hold] += rows;
  }
  for (const auto& [category, times] : theirs.oldest_time) {
    CategoryTimes& ours = figures_.oldest_time[category];
    ours.oldest = std::min(ours.oldest, times.oldest);
    ours.oldest_staying = lowest(ours.oldest_staying, times.oldest_staying);
    ours.oldest_due = lowest(ours.oldest_due, times.oldest_due);
  }
  for (const auto& [code, time] : theirs.oldest_unknown) {
    note_unknown(code, time);
  }
}

PlanFigures PlanCounter::finish() {
  Tally::Places& places = figures_.tally.places();
  places.reserve(places_.size());
  for (const auto& [place, of_place] : places_) {
    require_counted(place, of_place.counts);
    places.emplace(place, of_place.counts);
    if (of_place.oldest_kept) {
      figures_.oldest_kept.emplace(place, *of_place.oldest_kept);
    }
    if (of_place.newest_deleted) {
      figures_.newest_deleted.emplace(place, *of_place.newest_deleted);
    }
    if (of_place.longest_overdue) {
      figures_.longest_overdue.emplace(place, *of_place.longest_overdue);
    }
  }
  places_.clear();
  for (const auto& [code, of_code] : codes_) {
    add_code(code, of_code.counts, figures_.tally);
  }
  figures_.rows_before = figures_.tally.totals().total();
  return std::move(figures_);
}

}  // namespace holdfast
