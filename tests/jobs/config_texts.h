// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "jobs/cli/config_file.h"
#include "policy/retention_window.h"

namespace holdfast::testing {

/// A configuration that is complete but for `rest`, which starts at line 3.
inline std::string with_database(std::string_view rest) {
  return "[database]\npath = \"audit.db\"\n" + std::string{rest};
}

/// What a configuration is refused with; "" where it is not.
inline std::string refusal_of(const std::string& text) {
  try {
    static_cast<void>(parse_config(text, "holdfast.toml"));
  } catch (const ConfigError& refusal) {
    return refusal.what();
  }
  return "";
}

/// The window that this text means; a slip of the pen in a test throws.
inline RetentionWindow window(std::string_view text) {
  return parse_window(text).value();
}

}  // namespace holdfast::testing
