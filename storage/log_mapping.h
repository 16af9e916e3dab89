// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/event_time.h"

namespace holdfast {

/// A column of the audit log that may be missing. One that the configuration names has to exist;
/// one that it does not name is used where the table has a column of the default name.
struct OptionalColumn {
  std::string name;
  bool named_in_config = false;
};

/// A table that turns the integers of the code column into text.
struct CodeLookup {
  std::string table;
  std::string key;
  std::string text;
};

/// A table whose rows go with the row of the log that they name, and right before it.
struct ChildTable {
  std::string table;
  std::vector<std::string> columns;  ///< that name the row of the log, in the order of its key
};

/// Where the audit log lives and what its columns mean: the [events] section.
/// Shapes: the defaults are those of the table that `init` makes.
struct LogMapping {
  std::string table = "audit_events";
  std::vector<std::string> id = {"id"};  ///< the columns of the declared key, in its order
  std::string time = "occurred_at";
  TimeFormat time_format = TimeFormat::unix_ms;  ///< also of retain_until
  std::string code = "code";
  OptionalColumn tenant = {.name = "tenant"};
  OptionalColumn actor = {.name = "actor"};
  OptionalColumn subject = {.name = "subject"};
  OptionalColumn severity = {.name = "severity"};
  OptionalColumn metadata = {.name = "metadata"};
  OptionalColumn category = {.name = "category"};
  OptionalColumn retain_until = {.name = "retain_until"};
  std::optional<CodeLookup> code_lookup;
  std::vector<ChildTable> children;
};

}  // namespace holdfast
