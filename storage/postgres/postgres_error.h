// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "storage/postgres/postgres_connection.h"

namespace holdfast {

/// What a SQLSTATE means and what to do about it, as one sentence with `path` in front. `said` is
/// the server's own primary message; an empty `state` means that the connection was lost.
[[nodiscard]] PostgresError postgres_error(const std::string& path,
                                           const std::string& state,
                                           const std::string& said);

}  // namespace holdfast
