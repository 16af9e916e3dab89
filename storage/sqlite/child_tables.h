// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/audit_log.h"
#include "storage/log_mapping.h"
#include "storage/sqlite/mapped_table.h"

namespace holdfast {

/// One table whose rows go with the row of the log that they name, as SQL.
struct ChildLayout {
  std::string name;                  ///< as the schema spells it
  std::string table;                 ///< quoted
  std::vector<std::string> columns;  ///< quoted, in the order of the log's key
};

/// What probing the children of a log found.
struct ChildTables {
  std::vector<ChildLayout> layouts;
  std::vector<ChildShape> shapes;
  std::vector<std::string> doubts;  ///< whole sentences for `check`
};

/// Probes the children that the mapping declares, and every foreign key that refers to the log.
/// Errors: StorageError(mapping) in one sentence: a foreign key that no child declares; a child
/// that is the log, the table of the codes, there twice or referred to by others; one whose rows
/// several rows of the log could share; one with a trigger that fires when its rows go.
[[nodiscard]] ChildTables probe_children(const MappedTable& log,
                                         const DeclaredKey& key,
                                         const LogMapping& mapping);

}  // namespace holdfast
