// SPDX-License-Identifier: Apache-2.0
#include "policy/decision_tests.h"

#include <algorithm>
#include <array>

#include "policy/instant_shift.h"

namespace holdfast {
namespace {

constexpr std::chrono::minutes kFutureTolerance{5};  // clocks of writers may be a little ahead

// The tests, each true where it keeps the row, in the order of the reasons.

bool keeps_bad_time(const Reading& reading) {
  return reading.bad_time && !(reading.time < reading.rule.window_cutoff());
}

bool keeps_unknown_code(const Reading& reading) {
  return !reading.rule.code_known;
}

bool keeps_no_policy(const Reading& reading) {
  return !reading.rule.has_window;
}

bool keeps_window(const Reading& reading) {
  return !(reading.time < reading.rule.window_cutoff());
}

bool keeps_hold(const Reading& reading) {
  return any_hold(reading, [](const LegalHold& hold) { return hold.active(); });
}

bool keeps_hold_grace(const Reading& reading) {
  const HoldIndex* holds = reading.frame.holds;
  return holds != nullptr && holds->any_released() &&
         any_hold(reading, [&](const LegalHold& hold) { return in_grace(hold, reading.frame); });
}

bool keeps_row_stamp(const Reading& reading) {
  if (std::holds_alternative<std::monostate>(reading.row.retain_until)) {
    return false;
  }
  const auto stamp = readable_stamp(reading);
  return !stamp || !(*stamp < reading.frame.clock.guard_now());
}

bool keeps_floor(const Reading& reading) {
  return !(reading.time < reading.rule.floor_cutoff());
}

bool keeps_code_floor(const Reading& reading) {
  return !(reading.time < reading.rule.code_floor_cutoff());
}

bool older_policy_keeps(const Reading& reading, const RuleBook& older) {
  // Where the newest version wants the archive too, not_archived says what is in none.
  if (older.snapshot().archive_wanted && !reading.frame.policy->snapshot().archive_wanted) {
    return true;
  }
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

bool keeps_not_archived(const Reading& reading) {
  return reading.frame.archive_missing;
}

bool keeps_newest_id(const Reading& reading) {
  return reading.row.newest_reusable;
}

bool keeps_limit(const Reading& reading) {
  if (reading.row.plan != PlanCover::no_plan) {
    return reading.row.plan == PlanCover::outside;
  }
  const TallyPlaceSet* limited = reading.frame.limited;
  return limited != nullptr && limited->contains(TallyPlaceView{.tenant = reading.row.tenant,
                                                                .category = reading.rule.category});
}

constexpr std::array kTests = {
    DecisionTest{Reason::bad_time, keeps_bad_time},
    DecisionTest{Reason::unknown_code, keeps_unknown_code},
    DecisionTest{Reason::no_policy, keeps_no_policy},
    DecisionTest{Reason::window, keeps_window},
    DecisionTest{Reason::hold, keeps_hold},
    DecisionTest{Reason::hold_grace, keeps_hold_grace},
    DecisionTest{Reason::row_stamp, keeps_row_stamp},
    DecisionTest{Reason::floor, keeps_floor},
    DecisionTest{Reason::code_floor, keeps_code_floor},
    DecisionTest{Reason::policy_delay, keeps_policy_delay},
    DecisionTest{Reason::not_consumed, keeps_not_consumed},
    DecisionTest{Reason::not_archived, keeps_not_archived},
    DecisionTest{Reason::newest_id, keeps_newest_id},
    DecisionTest{Reason::limit, keeps_limit},
};

}  // namespace

bool is_sane(const std::optional<Instant>& time, const DecisionFrame& frame) {
  return time && *time >= frame.earliest_plausible &&
         *time <= frame.clock.latest() + kFutureTolerance;
}

Reading read_row_facts(const RowFacts& row, const DecisionFrame& frame) {
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
          .own_category = reading.rule.own_category,
          .category = reading.rule.category,
          .own_category_name = reading.rule.own_category_name,
          .category_name = reading.rule.category_name,
          .known_code = reading.rule.known_code};
}

bool in_grace(const LegalHold& hold, const DecisionFrame& frame) {
  return !hold.active() && !hold.over(frame.hold_release_grace, frame.clock.guard_now());
}

/// A stamp before the earliest plausible time means nothing that anybody can have meant:
/// unreadable.
std::optional<Instant> readable_stamp(const Reading& reading) {
  const auto stamp = parse_event_time(reading.row.retain_until, reading.frame.time_format);
  return stamp && *stamp >= reading.frame.earliest_plausible ? stamp : std::nullopt;
}

std::span<const DecisionTest> decision_tests() {
  return kTests;
}

}  // namespace holdfast
