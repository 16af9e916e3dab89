// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/instant.h"

namespace holdfast {

/// One version of the policy as it is stored; jobs turn the document into values.
struct StoredPolicy {
  std::int64_t version = 0;
  Instant in_force_from;
  std::string digest;    ///< SHA-256 of the document
  std::string document;  ///< the snapshot as JSON
  std::string changed_by;
  std::string reason;
  std::string source;  ///< file, its owner, time and SHA-256
};

/// The versions of the retention policy, never changed once written.
class PolicyRegister {
 public:
  PolicyRegister() = default;
  PolicyRegister(const PolicyRegister&) = delete;
  PolicyRegister& operator=(const PolicyRegister&) = delete;
  PolicyRegister(PolicyRegister&&) = delete;
  PolicyRegister& operator=(PolicyRegister&&) = delete;
  virtual ~PolicyRegister() = default;

  /// All versions from the baseline on, ascending.
  [[nodiscard]] virtual std::vector<StoredPolicy> versions() = 0;
  /// Adds a version and returns its number.
  virtual std::int64_t add(const StoredPolicy& policy) = 0;
  /// The version under which the first approved run went; older ones do not count. None before it.
  [[nodiscard]] virtual std::optional<std::int64_t> baseline() = 0;
  virtual void set_baseline(std::int64_t version) = 0;
};

}  // namespace holdfast
