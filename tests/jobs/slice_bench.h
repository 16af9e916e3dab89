// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "jobs/run_plan.h"
#include "jobs/slice_runner.h"
#include "tests/jobs/failing_database.h"
#include "tests/jobs/job_world.h"

namespace holdfast::testing {

/// What the slices of a test have beside their budget.
struct SliceExtras {
  std::string salt;
  OpenReader open_reader;
  bool more_to_do = false;
};

/// A world whose plan is made, with a run open in its ledger: all that slices need.
class SliceBench {
 public:
  explicit SliceBench(JobWorld& world, FaultPlan faults = {}, const SliceExtras& extras = {})
      : faults_(std::move(faults)),
        real_(world.open()),
        database_(*real_, faults_),
        policy_(read_policy_state(*real_, world.settings(), kTonight)),
        context_(database_, world.settings(), policy_, {.system_now = kTonight, .as_of = kTonight}),
        plan_(make_plan(database_, context_, {})) {
    in_write(*real_,
             [this] { run_ = real_->ledger().open({.opened_at = kTonight, .as_of = kTonight}); });
    slices_.emplace(database_,
                    context_,
                    SliceRunner::Job{.run = run_,
                                     .budget = world.settings().run,
                                     .observer = &world.observer(),
                                     .stop = &world.stop(),
                                     .salt = extras.salt,
                                     .open_reader = extras.open_reader,
                                     .more_to_do = extras.more_to_do});
  }

  const SliceTotals& go() {
    slices_->run(*plan_.keys);
    return totals();
  }
  [[nodiscard]] const SliceTotals& totals() const { return slices_->totals(); }
  [[nodiscard]] RunPlan& plan() { return plan_; }
  [[nodiscard]] DecisionContext& context() { return context_; }
  [[nodiscard]] std::int64_t run() const { return run_; }

 private:
  FaultPlan faults_;
  std::unique_ptr<Database> real_;
  FailingDatabase database_;
  PolicyState policy_;
  DecisionContext context_;
  RunPlan plan_;
  std::int64_t run_ = 0;
  std::optional<SliceRunner> slices_;
};

/// How many rows the committed slices say they deleted.
inline std::int64_t attested(const JobWorld& world) {
  return world.number("SELECT coalesce(sum(deleted), 0) FROM holdfast_run_slice");
}

}  // namespace holdfast::testing
