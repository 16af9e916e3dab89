// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/event_time.h"
#include "policy/legal_hold.h"
#include "policy/reason.h"
#include "policy/row_facts.h"
#include "policy/rule_book.h"
#include "policy/run_clock.h"
#include "policy/tally.h"

namespace holdfast {

/// Everything beside the row that the decision depends on, frozen for one run. It points at values
/// that the caller keeps alive.
struct DecisionFrame {
  RunClock clock;
  TimeFormat time_format = TimeFormat::unix_ms;
  Instant earliest_plausible;
  const RuleBook* policy = nullptr;
  std::vector<const RuleBook*> older_policies;  ///< versions still in their delay
  bool older_mapping_differs = false;  ///< one of them read the table in another way: it keeps all
  const HoldIndex* holds = nullptr;
  std::chrono::milliseconds hold_release_grace{0};
  std::optional<std::int64_t> lowest_bookmark;
  bool ordered_keys = false;
  bool archive_missing = false;            ///< an archive is wanted and the row is in none
  const TallyPlaceSet* limited = nullptr;  ///< tenant categories over the safety limit
};

/// What was decided about one row.
struct Decision {
  Reason reason = Reason::bad_time;
  std::string_view category;      ///< the catalogue's slug; empty where the code is unknown
  bool category_differs = false;  ///< the row's own category is another one
  bool bad_time = false;          ///< its time cannot be trusted, whatever the reason is
  std::optional<Instant> time;    ///< as stored; none where it cannot be trusted
  Instant window_cutoff;          ///< of the windows that the row goes by, kBeginningOfTime: none
  Reason inside_window = Reason::window;  ///< see reason_inside_window()

  [[nodiscard]] bool deletes() const { return reason == Reason::expired; }
};

/// The one decision: plan, run, report and verify all ask here. Deletion is a conjunction, so the
/// order of the tests decides only which reason is given. Never throws.
/// Source: the table of reasons in policy/README.md.
[[nodiscard]] Decision decide(const RowFacts& row, const DecisionFrame& frame);

/// The reason of a row that has a sane time and is inside its window, whatever else is so: what an
/// index tells of rows that nobody has to read.
[[nodiscard]] Reason reason_inside_window(const Rule& rule);

/// True where the row's stored time cannot be trusted: NULL, unreadable, before what is plausible,
/// or more than 5 minutes in the future. The caller then looks its first-seen record up for
/// decide().
[[nodiscard]] bool has_bad_time(const RowFacts& row, const DecisionFrame& frame);

/// The row as holds look at it.
[[nodiscard]] HoldCandidate as_hold_candidate(const RowFacts& row, const DecisionFrame& frame);

/// One test of the decision as applied to one row, for people.
struct TestTrace {
  Reason reason = Reason::bad_time;  ///< the reason that the row would have if this test kept it
  bool keeps = false;
  std::string figures;              ///< what was compared with what
  std::optional<Instant> earliest;  ///< when the test would let the row go, where that is known
};

/// All tests applied to one row.
struct DecisionTrace {
  Decision decision;
  std::vector<TestTrace> tests;
  std::vector<const LegalHold*> holds;  ///< every hold that matches, released ones too
  std::optional<Instant> earliest;      ///< when the row can go; none where nobody can say yet
};

/// The same decision with its reasons spelled out: `explain(r, f).decision == decide(r, f)` always.
[[nodiscard]] DecisionTrace explain(const RowFacts& row, const DecisionFrame& frame);

}  // namespace holdfast
