// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/registers/register_query.h"

namespace holdfast {

/// Lowers those of Holdfast's own instants that are later than `now` to it: of first-seen records,
/// released holds, policy versions, approvals and plans. Returns one sentence for each kind that
/// had any; holds by their ids. Call inside a write.
[[nodiscard]] std::vector<std::string> lower_own_instants(const RegisterHome& home, Instant now);

}  // namespace holdfast
