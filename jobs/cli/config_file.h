// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "jobs/settings.h"

namespace holdfast {

/// A configuration that cannot be used: exit status 2. The message names file, line, key and value.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads a TOML configuration. Unknown keys, wrong types and impossible values are refused with
/// file, line, value and the nearest key that exists; nothing falls back to a default that deletes.
/// Errors: ConfigError; nothing is changed anywhere.
[[nodiscard]] Settings load_config(const std::filesystem::path& path);

/// The same from text; `path` stands in messages and is what relative paths start from.
[[nodiscard]] Settings parse_config(const std::string& text, const std::filesystem::path& path);

/// The configuration that `init` writes where there is none: every key with a comment, suggested
/// windows for the reviewer to decide, `administrator` as the one person in [admins].
[[nodiscard]] std::string suggested_config(const std::string& database,
                                           const std::string& administrator);

}  // namespace holdfast
