// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace holdfast {

/// What a url says, keyword by keyword, with what the environment and services add.
using PostgresUrlParts = std::map<std::string, std::string, std::less<>>;

/// None where it cannot be read.
[[nodiscard]] std::optional<PostgresUrlParts> parts_of_url(const std::string& url);

/// The server and the database for messages: no user, no password. Call it only with what
/// postgres_url_problem() had nothing to say of.
[[nodiscard]] std::string shown_path(const PostgresUrlParts& said);

}  // namespace holdfast
