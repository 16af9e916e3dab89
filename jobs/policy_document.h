// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "jobs/settings.h"
#include "policy/policy_versions.h"
#include "storage/audit_log.h"
#include "storage/policy_register.h"

namespace holdfast {

/// The policy that the settings amount to on this table: what has versions and what a plan is bound
/// to.
[[nodiscard]] PolicySnapshot make_snapshot(const Settings& settings, const LogShape& shape);

/// A snapshot as canonical JSON: keys sorted, no white space, no floats.
[[nodiscard]] std::string to_document(const PolicySnapshot& snapshot);

/// The reverse. Errors: JobError (failed) where a stored version cannot be read: what it would have
/// kept is unknown then, so nothing may be deleted. So is one that does not have its digest any
/// more, or numbers that no configuration can say.
[[nodiscard]] PolicyVersion from_document(const StoredPolicy& stored);

}  // namespace holdfast
