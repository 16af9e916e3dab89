// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "jobs/desk.h"
#include "jobs/erasure_workflow.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// Opens a request in a tenant, or answers the id of the one that is open. Errors:
/// JobError(refused) where the caller may not.
[[nodiscard]] nlohmann::json request_erasure(const Desk& desk, const Subject& subject);

/// Approve, reject, cancel, extend or complete. The answer has `outcome` (done, blocked,
/// unchanged), `why` and the request; a completion that a guard stopped is an answer and no error.
/// Errors: JobError(refused) with the rule where the caller may not, or the state does not allow
/// it.
[[nodiscard]] nlohmann::json act_on_erasure(const Desk& desk,
                                            std::int64_t id,
                                            const ErasureWish& wish);

/// Requests by ascending id: open ones, or all.
[[nodiscard]] nlohmann::json list_erasures(const Desk& desk, bool ended_too);

/// One request with its attempts and receipt; to somebody who could complete it also the holds as
/// they are now, with the digest that an override needs.
[[nodiscard]] nlohmann::json show_erasure(const Desk& desk, std::int64_t id);

/// Erases once more what a restored backup brought back: every person in modules and log whose
/// token stands on a completed request. Persons whom a hold covers now, and those with a later
/// request, whatever became of it, are left and listed; so is whoever could not be erased again.
/// Administrators only.
[[nodiscard]] nlohmann::json reapply_erasures(const Desk& desk);

/// Destroys a tenant's key: no token of the tenant can be joined to a name from then on.
/// Administrators only. Errors: JobError(refused) where a hold or an open request needs the key.
[[nodiscard]] nlohmann::json forget_key(const Desk& desk,
                                        const std::string& tenant,
                                        const std::string& reason);

}  // namespace holdfast
