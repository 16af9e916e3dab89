// SPDX-License-Identifier: Apache-2.0
#include "policy/decision.h"

#include <algorithm>
#include <array>

#include "policy/disposition_cutoff.h"

namespace holdfast {
namespace {

using std::chrono::minutes;

constexpr minutes kFutureTolerance{5};  // clocks of writers may be a little ahead

/// One row with everything that the tests share worked out once.
struct Reading {
  const RowFacts& row;
  const DecisionFrame& frame;
  Rule rule;
  std::optional<Instant> stored_time;  ///< as parsed, sane or not
  bool bad_time = false;
  Instant time = kEndOfTime;  ///< what windows count from; kEndOfTime where nobody knows yet
};

bool is_sane(const std::optional<Instant>& time, const DecisionFrame& frame) {
  return time && *time >= frame.earliest_plausible &&
         *time <= frame.clock.latest() + kFutureTolerance;
}

Reading read(const RowFacts& row, const DecisionFrame& frame) {
  Reading reading{.row = row,
                  .frame = frame,
                  .rule = frame.policy->rule_for(row.tenant, row.code, row.stored_category),
                  .stored_time = parse_event_time(row.time, frame.time_format)};
  reading.bad_time = !is_sane(reading.stored_time, frame);
  if (!reading.bad_time) {
    reading.time = *reading.stored_time;
  } else if (row.first_seen) {
    reading.time = *row.first_seen;
  }
  return reading;
}

HoldCandidate hold_candidate(const Reading& reading) {
  return {.row = &reading.row,
          .time = reading.bad_time ? std::nullopt : std::optional{reading.time},
          .category = reading.rule.category,
          .known_code = reading.rule.known_code};
}

bool in_grace(const LegalHold& hold, const DecisionFrame& frame) {
  return hold.released_at &&
         !(*hold.released_at + frame.hold_release_grace < frame.clock.guard_now());
}

// The tests, each true where it keeps the row, in the order of the reasons.

bool keeps_bad_time(const Reading& reading) {
  return reading.bad_time && !(reading.time < reading.rule.window_cutoff());
}

bool keeps_unknown_code(const Reading& reading) { return !reading.rule.code_known; }

bool keeps_no_policy(const Reading& reading) { return !reading.rule.has_window; }

bool keeps_window(const Reading& reading) { return !(reading.time < reading.rule.window_cutoff()); }

template <typename Predicate>
bool any_hold(const Reading& reading, Predicate predicate) {
  if (reading.frame.holds == nullptr || reading.frame.holds->empty()) {
    return false;
  }
  bool found = false;
  reading.frame.holds->for_each_match(hold_candidate(reading), [&](const LegalHold& hold) {
    found = predicate(hold);
    return !found;
  });
  return found;
}

bool keeps_hold(const Reading& reading) {
  return any_hold(reading, [](const LegalHold& hold) { return hold.active(); });
}

bool keeps_hold_grace(const Reading& reading) {
  return any_hold(reading,
                  [&](const LegalHold& hold) { return in_grace(hold, reading.frame); });
}

/// A stamp before the earliest plausible time means nothing that anybody can have meant: unreadable.
bool keeps_row_stamp(const Reading& reading) {
  if (std::holds_alternative<std::monostate>(reading.row.retain_until)) {
    return false;
  }
  const auto stamp = parse_event_time(reading.row.retain_until, reading.frame.time_format);
  if (!stamp || *stamp < reading.frame.earliest_plausible) {
    return true;
  }
  return !(*stamp < reading.frame.clock.guard_now());
}

bool keeps_floor(const Reading& reading) { return !(reading.time < reading.rule.floor_cutoff()); }

bool keeps_code_floor(const Reading& reading) {
  return !(reading.time < reading.rule.code_floor_cutoff());
}

bool older_policy_keeps(const Reading& reading, const RuleBook& older) {
  const Rule rule =
      older.rule_for(reading.row.tenant, reading.row.code, reading.row.stored_category);
  const Instant cutoff =
      std::min({rule.window_cutoff(), rule.floor_cutoff(), rule.code_floor_cutoff()});
  return !(reading.time < cutoff);
}

bool keeps_policy_delay(const Reading& reading) {
  const auto& older = reading.frame.older_policies;
  return reading.frame.older_mapping_differs ||
         std::any_of(older.begin(), older.end(), [&](const RuleBook* book) {
           return older_policy_keeps(reading, *book);
         });
}

bool keeps_not_consumed(const Reading& reading) {
  const auto& bookmark = reading.frame.lowest_bookmark;
  return reading.frame.ordered_keys && bookmark && reading.row.key != nullptr &&
         reading.row.key->as_integer() > *bookmark;
}

bool keeps_not_archived(const Reading& reading) { return reading.frame.archive_missing; }

bool keeps_newest_id(const Reading& reading) { return reading.row.newest_reusable; }

bool keeps_limit(const Reading& reading) {
  if (reading.row.plan != PlanCover::no_plan) {
    return reading.row.plan == PlanCover::outside;
  }
  const TallyPlaceSet* limited = reading.frame.limited;
  return limited != nullptr && limited->contains(TallyPlaceView{
                                   .tenant = reading.row.tenant,
                                   .category = reading.rule.category});
}

struct Test {
  Reason reason;
  bool (*keeps)(const Reading&);
};

constexpr std::array kTests = {
    Test{Reason::bad_time, keeps_bad_time},
    Test{Reason::unknown_code, keeps_unknown_code},
    Test{Reason::no_policy, keeps_no_policy},
    Test{Reason::window, keeps_window},
    Test{Reason::hold, keeps_hold},
    Test{Reason::hold_grace, keeps_hold_grace},
    Test{Reason::row_stamp, keeps_row_stamp},
    Test{Reason::floor, keeps_floor},
    Test{Reason::code_floor, keeps_code_floor},
    Test{Reason::policy_delay, keeps_policy_delay},
    Test{Reason::not_consumed, keeps_not_consumed},
    Test{Reason::not_archived, keeps_not_archived},
    Test{Reason::newest_id, keeps_newest_id},
    Test{Reason::limit, keeps_limit},
};

Decision decide_reading(const Reading& reading) {
  Decision decision{.reason = Reason::expired,
                    .category = reading.rule.category,
                    .category_differs = reading.rule.category_differs,
                    .bad_time = reading.bad_time};
  const auto* kept = std::find_if(kTests.begin(), kTests.end(),
                                  [&](const Test& test) { return test.keeps(reading); });
  if (kept != kTests.end()) {
    decision.reason = kept->reason;
  }
  return decision;
}

// From here on: the same tests, spelled out for people.

std::string window_figures(const DatedWindow& window) {
  return to_string(window.window) + " (" + window.source + "), disposition cut-off " +
         to_rfc3339(window.cutoff);
}

std::optional<Instant> latest_end(const Reading& reading,
                                  const std::vector<const DatedWindow*>& windows) {
  if (reading.time == kEndOfTime) {
    return std::nullopt;
  }
  Instant latest = kBeginningOfTime;
  for (const DatedWindow* window : windows) {
    latest = std::max(latest, deletable_from(reading.time, window->window));
  }
  return latest;
}

void describe_windows(const Reading& reading,
                      const std::vector<const DatedWindow*>& windows,
                      TestTrace& trace) {
  for (const DatedWindow* window : windows) {
    trace.figures += trace.figures.empty() ? "" : "; ";
    trace.figures += window_figures(*window);
  }
  if (windows.empty()) {
    trace.figures = "none is set";
  } else {
    trace.earliest = latest_end(reading, windows);
  }
}

std::vector<const DatedWindow*> windows_of(const Rule& rule) {
  std::vector<const DatedWindow*> windows;
  for (const DatedWindow* window : {rule.window, rule.own_window}) {
    if (window != nullptr) {
      windows.push_back(window);
    }
  }
  return windows;
}

std::vector<const DatedWindow*> floors_of(const Rule& rule) {
  std::vector<const DatedWindow*> windows;
  for (const CategoryFloors* floors : {rule.floors, rule.own_floors}) {
    if (floors != nullptr) {
      for (const DatedWindow& floor : floors->floors) {
        windows.push_back(&floor);
      }
    }
  }
  return windows;
}

void describe_time(const Reading& reading, TestTrace& trace) {
  const std::string stored = "stored as \"" + to_display(reading.row.time) + "\"";
  if (!reading.bad_time) {
    trace.figures = stored + ", which is " + to_rfc3339(reading.time);
    return;
  }
  trace.figures = stored + (reading.stored_time
                                ? ", which is " + to_rfc3339(*reading.stored_time) +
                                      ": outside what is plausible"
                                : std::string(", which cannot be read as a time"));
  trace.figures += reading.row.first_seen
                       ? "; first seen " + to_rfc3339(*reading.row.first_seen)
                       : std::string("; no run has recorded it yet");
  const auto windows = windows_of(reading.rule);
  if (trace.keeps && reading.rule.has_window) {
    trace.earliest = latest_end(reading, windows);
  }
}

void describe_stamp(const Reading& reading, TestTrace& trace) {
  if (std::holds_alternative<std::monostate>(reading.row.retain_until)) {
    trace.figures = "the row has no stamp";
    return;
  }
  const auto stamp = parse_event_time(reading.row.retain_until, reading.frame.time_format);
  if (!stamp || *stamp < reading.frame.earliest_plausible) {
    trace.figures = "stamp \"" + to_display(reading.row.retain_until) + "\" cannot be read as a time";
    return;
  }
  trace.figures = "stamped until " + to_rfc3339(*stamp);
  trace.earliest = *stamp + std::chrono::milliseconds{1};
}

void describe_holds(const Reading& reading, bool active, TestTrace& trace) {
  std::string ids;
  std::optional<Instant> end;
  any_hold(reading, [&](const LegalHold& hold) {
    if (active ? hold.active() : in_grace(hold, reading.frame)) {
      ids += (ids.empty() ? "hold " : ", hold ") + std::to_string(hold.id) + " (" + hold.matter + ")";
      if (hold.released_at) {
        const Instant over =
            *hold.released_at + reading.frame.hold_release_grace + std::chrono::milliseconds{1};
        end = end ? std::max(*end, over) : over;
      }
    }
    return false;
  });
  trace.figures = ids.empty() ? "none covers it" : ids;
  trace.earliest = end;
}

std::string older_figures(const Reading& reading) {
  if (reading.frame.older_mapping_differs) {
    return "an older version in its delay reads the table in another way: it keeps every row";
  }
  return std::to_string(reading.frame.older_policies.size()) + " older version(s) in their delay";
}

std::string limit_figures(const Reading& reading) {
  switch (reading.row.plan) {
    case PlanCover::covered:
      return "in the approved plan";
    case PlanCover::outside:
      return "not in the approved plan that the run is bound to";
    case PlanCover::no_plan:
      break;
  }
  return "the share of " + std::string(reading.rule.category) + " that one run may take";
}

void describe(const Reading& reading, TestTrace& trace) {
  switch (trace.reason) {
    case Reason::bad_time:
      describe_time(reading, trace);
      break;
    case Reason::unknown_code:
      trace.figures = reading.row.code ? "code " + std::string(*reading.row.code)
                                       : std::string("the row has no readable code");
      if (reading.rule.code_known) {
        trace.figures += ", category " + std::string(reading.rule.category);
      }
      break;
    case Reason::no_policy:
    case Reason::window:
      describe_windows(reading, windows_of(reading.rule), trace);
      break;
    case Reason::hold:
      describe_holds(reading, /*active=*/true, trace);
      break;
    case Reason::hold_grace:
      describe_holds(reading, /*active=*/false, trace);
      break;
    case Reason::row_stamp:
      describe_stamp(reading, trace);
      break;
    case Reason::floor:
      describe_windows(reading, floors_of(reading.rule), trace);
      break;
    case Reason::code_floor:
      describe_windows(reading,
                       reading.rule.code_floor == nullptr
                           ? std::vector<const DatedWindow*>{}
                           : std::vector<const DatedWindow*>{reading.rule.code_floor},
                       trace);
      break;
    case Reason::policy_delay:
      trace.figures = older_figures(reading);
      break;
    case Reason::not_consumed:
      trace.figures = reading.frame.lowest_bookmark
                          ? "lowest bookmark " + std::to_string(*reading.frame.lowest_bookmark)
                          : std::string("no bookmark is set");
      break;
    case Reason::not_archived:
      trace.figures = reading.frame.archive_missing ? "an archive is wanted, and it is in none"
                                                    : "no archive is wanted";
      break;
    case Reason::newest_id:
      trace.figures = reading.row.newest_reusable ? "it has the highest id" : "does not apply";
      break;
    case Reason::limit:
      trace.figures = limit_figures(reading);
      break;
    case Reason::not_reached:
    case Reason::expired:
      break;
  }
}

/// When every test lets the row go; none where one of them keeps it without an end.
std::optional<Instant> earliest_of(const std::vector<TestTrace>& tests) {
  Instant earliest = kBeginningOfTime;
  for (const TestTrace& test : tests) {
    if (test.earliest) {
      earliest = std::max(earliest, *test.earliest);
    } else if (test.keeps) {
      return std::nullopt;
    }
  }
  return earliest == kEndOfTime ? std::nullopt : std::optional{earliest};
}

}  // namespace

Decision decide(const RowFacts& row, const DecisionFrame& frame) {
  return decide_reading(read(row, frame));
}

bool has_bad_time(const RowFacts& row, const DecisionFrame& frame) {
  return !is_sane(parse_event_time(row.time, frame.time_format), frame);
}

HoldCandidate as_hold_candidate(const RowFacts& row, const DecisionFrame& frame) {
  return hold_candidate(read(row, frame));
}

DecisionTrace explain(const RowFacts& row, const DecisionFrame& frame) {
  const Reading reading = read(row, frame);
  DecisionTrace result{.decision = decide_reading(reading)};
  for (const Test& test : kTests) {
    TestTrace trace{.reason = test.reason, .keeps = test.keeps(reading)};
    describe(reading, trace);
    result.tests.push_back(std::move(trace));
  }
  any_hold(reading, [&](const LegalHold& hold) {
    if (std::find(result.holds.begin(), result.holds.end(), &hold) == result.holds.end()) {
      result.holds.push_back(&hold);
    }
    return false;
  });
  result.earliest = earliest_of(result.tests);
  return result;
}

}  // namespace holdfast
