// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/policy_register.h"
#include "storage/registers/register_query.h"

namespace holdfast {

/// The versions of the policy in holdfast_policy; the baseline stands in holdfast_meta.
class SqlPolicyRegister final : public PolicyRegister {
 public:
  explicit SqlPolicyRegister(const RegisterHome& home) : home_(home) {}

  [[nodiscard]] std::vector<StoredPolicy> versions() override;
  std::int64_t add(const StoredPolicy& policy) override;
  [[nodiscard]] std::optional<std::int64_t> baseline() override;
  /// Errors: StorageError where there is no such version.
  void set_baseline(std::int64_t version) override;

 private:
  RegisterHome home_;
};

}  // namespace holdfast
