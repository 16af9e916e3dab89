// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <string>

#include "jobs/settings.h"
#include "policy/row_facts.h"

namespace holdfast {

/// True for the rows of a right-to-erasure request, ACCOUNT_DELETION_*.
[[nodiscard]] bool about_an_erasure(const RowFacts& row);
/// True for the rows of a copy, ACCOUNT_DATA_EXPORT_*.
[[nodiscard]] bool about_an_export(const RowFacts& row);

/// The metadata keys that stay for the code of a row when a person is erased from it, and that a
/// person's own copy shows: those of [erasure.keep_metadata], and in rows of erasures and copies
/// what Holdfast writes there itself.
[[nodiscard]] std::set<std::string, std::less<>> kept_metadata_keys(const Settings& settings,
                                                                    const RowFacts& row);

}  // namespace holdfast
