// SPDX-License-Identifier: Apache-2.0
// The tests of the decision, spelled out for people.

#include <algorithm>
#include <utility>

#include "policy/decision.h"
#include "policy/decision_tests.h"
#include "policy/disposition_cutoff.h"
#include "policy/instant_shift.h"

namespace holdfast {
namespace {

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
    if (floors == nullptr) {
      continue;
    }
    for (const DatedWindow& floor : floors->floors) {
      windows.push_back(&floor);
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
  trace.figures = stored + (reading.stored_time ? ", which is " + to_rfc3339(*reading.stored_time) +
                                                      ": outside what is plausible"
                                                : std::string(", which cannot be read as a time"));
  trace.figures += reading.row.first_seen ? "; first seen " + to_rfc3339(*reading.row.first_seen)
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
  const auto stamp = readable_stamp(reading);
  if (!stamp) {
    trace.figures =
        "stamp \"" + to_display(reading.row.retain_until) + "\" cannot be read as a time";
    return;
  }
  trace.figures = "stamped until " + to_rfc3339(*stamp);
  trace.earliest = *stamp + std::chrono::milliseconds{1};
}

void describe_holds(const Reading& reading, bool active, TestTrace& trace) {
  std::string ids;
  std::optional<Instant> end;
  (void)any_hold(reading, [&](const LegalHold& hold) {
    if (active != hold.active() || (!active && !in_grace(hold, reading.frame))) {
      return false;
    }
    ids += (ids.empty() ? "hold " : ", hold ") + std::to_string(hold.id) + " (" + hold.matter + ")";
    if (!active) {
      const Instant over = later_by(
          *hold.released_at, reading.frame.hold_release_grace + std::chrono::milliseconds{1});
      end = end ? std::max(*end, over) : over;
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
                      : reading.frame.policy->snapshot().archive_wanted
                          ? "it goes into the archive first"
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

DecisionTrace explain(const RowFacts& row, const DecisionFrame& frame) {
  const Reading reading = read_row_facts(row, frame);
  DecisionTrace result{.decision = decide(row, frame)};
  for (const DecisionTest& test : decision_tests()) {
    TestTrace trace{.reason = test.reason, .keeps = test.keeps(reading)};
    describe(reading, trace);
    result.tests.push_back(std::move(trace));
  }
  (void)any_hold(reading, [&](const LegalHold& hold) {
    if (std::find(result.holds.begin(), result.holds.end(), &hold) == result.holds.end()) {
      result.holds.push_back(&hold);
    }
    return false;
  });
  result.earliest = earliest_of(result.tests);
  return result;
}

}  // namespace holdfast
