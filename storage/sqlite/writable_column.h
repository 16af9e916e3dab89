// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/table_facts.h"

namespace holdfast {

/// What an erasure may put into a column in the place of a person.
struct WritableColumn {
  bool text = false;     ///< a token: no number column, no foreign key, not computed
  bool nothing = false;  ///< NULL: not declared NOT NULL, no part of the primary key, not computed
};

/// What each column of a table takes, in their order.
[[nodiscard]] std::vector<WritableColumn> writable_columns(SQLite::Database& db,
                                                           const TableFacts& table);

/// One column of a foreign key that refers to a table.
struct ForeignKeyPart {
  std::string table;
  int number = 0;  ///< of the foreign key among those of its table
  std::string column;
  std::string parent_column;  ///< empty: the parent's primary key
  std::string on_update;      ///< "NO ACTION", "CASCADE", …
  std::string on_delete;
};

/// All foreign keys that refer to the table, those of itself too, by table and number.
[[nodiscard]] std::vector<ForeignKeyPart> foreign_keys_to(SQLite::Database& db,
                                                          const std::string& table);

/// True where a whole index begins with these columns and compares as they do.
[[nodiscard]] bool has_index_on(const TableFacts& table, const std::vector<std::size_t>& columns);

/// The error of a write that a constraint or trigger of the table stopped, as one sentence; any
/// other error as storage_error.h has it.
[[nodiscard]] StorageError refused_write(Connection& connection,
                                         const std::string& table,
                                         const SQLite::Exception& error);

}  // namespace holdfast
