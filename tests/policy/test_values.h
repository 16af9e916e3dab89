// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "policy/instant.h"
#include "policy/retention_window.h"

namespace holdfast::testing {

/// The instant that this text means; a slip of the pen in a test throws.
inline Instant at(std::string_view text) {
  return parse_rfc3339(text).value();
}

/// The window that this text means; a slip of the pen in a test throws.
inline RetentionWindow window(std::string_view text) {
  return parse_window(text).value();
}

}  // namespace holdfast::testing
