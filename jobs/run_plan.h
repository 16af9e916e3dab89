// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "jobs/decision_context.h"
#include "jobs/plan_figures.h"
#include "jobs/plan_half.h"
#include "jobs/run_observer.h"
#include "storage/database.h"

namespace holdfast {

/// What a run is to do: the figures, and the keys of the rows that would go.
struct RunPlan {
  PlanFigures figures;
  std::unique_ptr<KeySet> keys;
  std::optional<std::int64_t> highest_key;  ///< rows above it came later and are not looked at
  bool stopped = false;  ///< PlanOptions::stop was raised: the figures and keys are not all
};

using RowReport = std::function<void(const RowKey&, Reason)>;

/// What to plan with.
struct PlanOptions {
  std::optional<std::int64_t> highest_key;  ///< none: as it is now
  bool nothing_there = false;               ///< the log was empty when the run began
  std::chrono::milliseconds longest_read{50};
  RowReport each_row;  ///< empty: not wanted; set: every single row is read and reported
  RunObserver* observer = nullptr;
  const StopFlag* stop = nullptr;         ///< raised: the plan ends within some thousand rows
  OpenReader open_reader;                 ///< opens the same database; none: one thread does it all
  std::int64_t worth_a_thread = 100'000;  ///< rows to decide that two threads are taken for
};

/// Decides about every row of the log and collects the ones that go. Reads only; rows whose time is
/// inside the shortest window of their code are counted from the index and never read, where the
/// table has one and readers block nobody. Errors: StorageError.
[[nodiscard]] RunPlan make_plan(Database& database,
                                DecisionContext& context,
                                const PlanOptions& options);

/// SHA-256 over the keys of a plan, its cut-offs, the policy, the hold set and the database: what
/// an approval is bound to. The same plan made twice on one day has the same digest.
[[nodiscard]] std::string plan_digest(Database& database,
                                      const PolicyState& policy,
                                      const DecisionContext& context,
                                      KeySet& keys);

/// The tenant categories that are over the limit, as the decision wants them.
[[nodiscard]] TallyPlaceSet places_over_limit(const PlanFigures& figures);

/// True where more rows have a bad time than a right time_format can explain.
[[nodiscard]] bool too_many_bad_times(const PlanFigures& figures, const SafetyPolicy& safety);

}  // namespace holdfast
