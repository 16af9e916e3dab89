// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/decision_context.h"
#include "jobs/plan_figures.h"
#include "policy/tally.h"
#include "policy/text_hash.h"
#include "storage/audit_log.h"

namespace holdfast {

/// Counts the rows of a plan: each once, under the reason that the decision gives. Where rows are
/// counted from an index, all of them count as inside their window first, and those that are read
/// are counted anew, so that nothing has to be remembered of which were read.
class PlanCounter {
 public:
  /// `context` outlives the counter.
  explicit PlanCounter(const DecisionContext& context) : context_(&context) {}

  /// Counts rows of one code, tenant and own category of which none was read. Returns the category
  /// of the policy, which lives as long as the policy does.
  std::string_view add_unread(const LogGroup& group);
  /// The first and last times of a code's rows that will not be read, none where there are none;
  /// `category` where all of them have one.
  void note_unread_times(const std::optional<std::string>& code,
                         const std::optional<std::string_view>& category,
                         const std::optional<Instant>& first,
                         const std::optional<Instant>& last);
  /// Counts a row that was read. `unread_before`: add_unread() has counted it already.
  void add(const RowFacts& row, const Decision& decision, bool unread_before);
  /// Adds what another one has counted, which is not used any more.
  void add(PlanCounter&& other);
  /// Makes a place appear, with nothing in it.
  void mention(const TallyPlaceView& place) { (void)place_at(place); }

  /// What was counted; the counter is not used any more. Errors: JobError where rows were read that
  /// add_unread() had not counted: then the index and the table do not agree.
  [[nodiscard]] PlanFigures finish();

 private:
  struct CodeFigures {
    Instant latest_cutoff = kBeginningOfTime;  ///< the beginning where the code is not known
    bool tells_of_runs = false;
    ReasonCounts counts;  ///< of reasons that are counted by code
  };
  /// Of one tenant's category. All in one place: with many tenants most rows have one of their own.
  struct PlaceFigures {
    ReasonCounts counts;
    std::optional<Instant> oldest_kept;
    std::optional<Instant> newest_deleted;
    std::optional<std::chrono::milliseconds> longest_overdue;
    CategoryTimes* times = nullptr;  ///< of the category; null before the first sane one
  };

  [[nodiscard]] CodeFigures& code_at(const std::optional<std::string_view>& code);
  [[nodiscard]] PlaceFigures& place_at(const TallyPlaceView& place);
  void add_time(const Decision& decision, Instant time, const CodeFigures& code, PlaceFigures& at);
  void note_newest_time(Instant time, const CodeFigures& code);
  void note_unknown(std::string_view code, Instant time);
  void count_holds(const RowFacts& row);

  const DecisionContext* context_;
  PlanFigures figures_;
  TextMap<CodeFigures> codes_;
  PlaceMap<PlaceFigures> places_;
  std::vector<std::int64_t> ids_;  // of the holds of one row
};

}  // namespace holdfast
