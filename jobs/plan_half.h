// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>

#include "jobs/code_rows.h"
#include "jobs/decision_context.h"
#include "jobs/plan_counter.h"
#include "jobs/second_connection.h"
#include "storage/database.h"

namespace holdfast {

class StopFlag;

/// What became of a plan's candidates.
struct DecidedCandidates {
  PlanCounter counter;
  std::unique_ptr<KeySet> going;      ///< rows that would go
  std::unique_ptr<KeySet> bad_times;  ///< rows whose time cannot be trusted
};

/// Rows that were counted and not read.
struct CountedGroups {
  PlanCounter counter;
  CodeRowsByName codes;
  std::unique_ptr<KeySet> candidates;     ///< keys of the rows of these codes that have to be read
  std::chrono::microseconds counting{0};  ///< how long it took to count them
};

/// Counts these rows, each as inside its window.
void count_group(const LogGroup& group, PlanCounter& counter, CodeRowsByName& codes);

/// The rows of a code that have to be read: all others are sane and not yet due under any tenant's
/// window, so that their reason follows from code and policy alone.
[[nodiscard]] CandidateRange candidate_range(const CodeRows& code, const DecisionContext& context);

/// Adds the keys of such rows, from the index alone. `look` is called now and then, and may throw.
void collect_candidates(AuditLog& log,
                        const CodeRowsByName& codes,
                        const DecisionContext& context,
                        std::optional<std::int64_t> up_to,
                        KeySet& candidates,
                        const std::function<void()>& look);

/// The other half of a plan's work: rows are counted and candidates found, then these are read and
/// decided, in a thread and on a connection of its own, while the plan is at the first half. It
/// sees what the plan sees, or nothing is made of it.
class PlanHalf {
 public:
  /// Opens the connection. Call before the plan's snapshot begins, outside of any other. Null where
  /// it cannot be had, or where two threads may not decide at once.
  [[nodiscard]] static std::unique_ptr<PlanHalf> open(Database& database,
                                                      const DecisionContext& context,
                                                      const OpenReader& open_reader);
  PlanHalf(const PlanHalf&) = delete;
  PlanHalf& operator=(const PlanHalf&) = delete;
  PlanHalf(PlanHalf&&) = delete;
  PlanHalf& operator=(PlanHalf&&) = delete;
  ~PlanHalf();

  /// Begins its snapshot, once that of the plan has begun. Returns false where somebody may have
  /// committed between the two: then it is of no use.
  [[nodiscard]] bool begin();
  /// Begins to count and to find candidates, where the system has a thread to give.
  void start_counting(CodesPart part, std::optional<std::int64_t> up_to, const StopFlag* stop);
  /// Waits for the counts. None where it did not get there, as with take().
  [[nodiscard]] std::optional<CountedGroups> take_counted();
  /// Begins with these keys, where the system has a thread to give.
  void start(std::unique_ptr<KeySet> candidates, const StopFlag* stop);
  /// Waits for the end. None where it did not get there: the same trouble comes up when the plan
  /// reads these rows by itself.
  [[nodiscard]] std::optional<DecidedCandidates> take();
  /// The keys that start() was given, after take().
  [[nodiscard]] KeySet& candidates() { return *candidates_; }

 private:
  PlanHalf(std::unique_ptr<Database> reader, const DecisionContext& context)
      : reader_(std::move(reader)), context_(context), commits_(reader_->foreign_commits()) {}
  [[nodiscard]] CountedGroups count(const CodesPart& part,
                                    std::optional<std::int64_t> up_to,
                                    const StopFlag* stop);
  [[nodiscard]] std::optional<DecidedCandidates> decide(const StopFlag* stop);
  [[nodiscard]] bool must_end(const StopFlag* stop) const;
  void take(const RowFacts& row, DecidedCandidates& decided);

  std::unique_ptr<Database> reader_;
  const DecisionContext& context_;
  std::int64_t commits_;  // of others, before the plan's snapshot began
  std::unique_ptr<ReadScope> snapshot_;
  std::unique_ptr<KeySet> candidates_;
  std::future<CountedGroups> counting_;
  std::future<std::optional<DecidedCandidates>> deciding_;
  std::atomic<bool> unwanted_{false};
};

}  // namespace holdfast
