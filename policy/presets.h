// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "policy/retention_window.h"

namespace holdfast {

/// What a regulation or standard asks of the categories that a configuration binds it to.
struct Preset {
  std::string_view name;
  std::optional<RetentionWindow> min =
      {};  ///< the floor it sets; none where it has none of its own
  std::optional<RetentionWindow> max = {};  ///< the cap it sets
  bool needs_value = false;                 ///< the text leaves the floor to the organisation
  std::string_view names_logs = {};         ///< whether the text itself speaks of audit logs
  std::string_view citation;
  std::string_view note = {};
};

/// All presets, in the order of the table in policy/README.md. Not legal advice.
[[nodiscard]] std::span<const Preset> presets();

/// The preset of this name, none where there is none.
[[nodiscard]] const Preset* find_preset(std::string_view name);

}  // namespace holdfast
