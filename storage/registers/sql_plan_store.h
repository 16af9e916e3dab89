// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/plan_store.h"
#include "storage/registers/register_query.h"

namespace holdfast {

/// Plans in holdfast_plan, their keys beside them as one bitmap or in holdfast_plan_key, approvals
/// in holdfast_approval.
class SqlPlanStore final : public PlanStore {
 public:
  explicit SqlPlanStore(const RegisterHome& home) : home_(home) {}

  std::int64_t save(const SavedPlan& plan, KeySet& keys) override;
  [[nodiscard]] std::vector<SavedPlan> find(const std::string& prefix) override;
  /// Errors: StorageError where there is no such plan, or its keys cannot be read.
  [[nodiscard]] std::unique_ptr<KeySet> keys(std::int64_t plan) override;

  std::int64_t approve(std::int64_t plan, const std::string& who, Instant at) override;
  [[nodiscard]] std::vector<Approval> approvals() override;
  [[nodiscard]] std::optional<Approval> open_approval() override;
  void use(std::int64_t approval, Instant at) override;
  /// Errors: StorageError where there is no such approval or it is spent.
  void spend(std::int64_t approval, Instant at) override;

 private:
  void save_key_lines(std::int64_t plan, KeySet& keys);

  RegisterHome home_;
};

}  // namespace holdfast
