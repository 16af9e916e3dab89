// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "policy/instant.h"
#include "policy/retention_policy.h"

namespace holdfast {

/// One version of the policy, as the register keeps it.
struct PolicyVersion {
  std::int64_t number = 0;
  Instant in_force_from;
  PolicySnapshot snapshot;
};

/// The versions that a row has to satisfy at `at`, newest first: the last one, and every older one
/// still in its delay. When a version is replaced it stays in force for the longest delay among all
/// versions in force at that moment, the new one included, so that shortening the delay waits too.
/// Shapes: `versions` ascending by number, not empty. Source: policy/README.md.
[[nodiscard]] std::vector<const PolicyVersion*> versions_in_force(
    std::span<const PolicyVersion> versions, Instant at);

/// The strictest value of each safety setting among the versions.
[[nodiscard]] SafetyPolicy strictest_safety(std::span<const PolicyVersion* const> versions);

/// Who is an administrator in every one of the versions: a longer list waits like any loosening.
[[nodiscard]] std::set<std::string> common_administrators(
    std::span<const PolicyVersion* const> versions);

/// The longest cool-off of the versions: a shorter one waits. Shapes: `versions` not empty.
[[nodiscard]] std::chrono::milliseconds strictest_cool_off(
    std::span<const PolicyVersion* const> versions);

/// The services that every one of the versions trusts. Shapes: `versions` not empty.
[[nodiscard]] std::set<std::string> common_services(std::span<const PolicyVersion* const> versions);

/// The modules whose answer about holds does not count yet, because an older version would have
/// asked somebody else, or a module that is gone: until the delay is over each counts as one that
/// did not answer. Shapes: `versions` newest first, as versions_in_force() gives them, not empty.
[[nodiscard]] std::set<std::string> waiting_hold_sources(
    std::span<const PolicyVersion* const> versions);

/// One difference between two policies, in words: "retention.category.account.window".
struct PolicyChange {
  std::string where;
  std::string from;  ///< "" where it is new
  std::string to;    ///< "" where it is gone
};

/// What changed, sorted by place.
[[nodiscard]] std::vector<PolicyChange> changes(const PolicySnapshot& from,
                                                const PolicySnapshot& to);

/// What `to` does to entries that are locked in `from` and that it may not do: shorten or remove
/// them. Each is a sentence. Empty where every lock is respected.
[[nodiscard]] std::vector<PolicyProblem> lock_violations(const PolicySnapshot& from,
                                                         const PolicySnapshot& to);

}  // namespace holdfast
