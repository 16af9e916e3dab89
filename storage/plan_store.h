// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/instant.h"
#include "storage/key_set.h"

namespace holdfast {

/// A plan that was saved for approval. Its keys are kept apart.
struct SavedPlan {
  std::int64_t id = 0;
  std::string digest;
  Instant saved_at;
  Instant as_of;
  std::string policy_digest;
  std::string hold_digest;
  std::int64_t rows = 0;
  std::string figures;  ///< the plan's JSON
};

/// An administrator's word that a saved plan may go past the safety limits.
struct Approval {
  std::int64_t id = 0;
  SavedPlan plan;
  std::string approved_by;
  Instant approved_at;
  Instant last_used_at;
  bool spent = false;
};

/// Saved plans and approvals.
class PlanStore {
 public:
  PlanStore() = default;
  PlanStore(const PlanStore&) = delete;
  PlanStore& operator=(const PlanStore&) = delete;
  PlanStore(PlanStore&&) = delete;
  PlanStore& operator=(PlanStore&&) = delete;
  virtual ~PlanStore() = default;

  /// Stores a plan with its keys; the same plan saved again is the same line.
  virtual std::int64_t save(const SavedPlan& plan, KeySet& keys) = 0;
  /// The plans whose digest starts with `prefix`, newest first.
  [[nodiscard]] virtual std::vector<SavedPlan> find(const std::string& prefix) = 0;
  [[nodiscard]] virtual std::unique_ptr<KeySet> keys(std::int64_t plan) = 0;

  virtual std::int64_t approve(std::int64_t plan, const std::string& who, Instant at) = 0;
  /// All approvals ever given, ascending; of their plans digest, time and rows, without figures.
  [[nodiscard]] virtual std::vector<Approval> approvals() = 0;
  /// The newest approval, where it is not spent: it takes the place of all before it. The caller
  /// asks whether it has lapsed.
  [[nodiscard]] virtual std::optional<Approval> open_approval() = 0;
  virtual void use(std::int64_t approval, Instant at) = 0;
  virtual void spend(std::int64_t approval, Instant at) = 0;
};

}  // namespace holdfast
