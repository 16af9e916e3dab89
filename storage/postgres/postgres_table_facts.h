// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/postgres_connection.h"

namespace holdfast {

/// What a column holds, domains taken off: decides how its values are read and compared.
enum class PostgresKind {
  integer,  ///< int2, int4, int8
  real,     ///< float4, float8
  numeric,
  text,    ///< text, varchar and name
  padded,  ///< char(n): read without the blanks that fill it up
  bytes,
  uuid,
  timestamp,
  timestamptz,
  plain,  ///< boolean, date and enumerations: equal values read alike
  other   ///< everything else, as the server writes it
};

/// One column as it was declared.
struct PostgresColumn {
  std::string name;
  int number = 0;
  PostgresKind kind = PostgresKind::other;
  std::string type;      ///< quoted with its schema, without a length: for casts
  std::string declared;  ///< as people write it: "character varying(36)"
  bool exact = false;    ///< equal values read alike, byte for byte
  bool limited = false;  ///< a length or a scale is declared
  int most_letters = 0;  ///< of text with such a length; 0: none is declared
  bool json = false;     ///< takes text, where it is JSON
  bool not_null = false;
  bool has_default = false;  ///< or is an identity
  bool generated = false;
  bool from_sequence = false;  ///< numbers that are handed out upwards and never twice
  bool refers = false;         ///< part of a foreign key of this table
};

/// One index. An expression among its columns is none.
struct PostgresIndex {
  std::string name;
  bool unique = false;  ///< at once, and not only at the end of a transaction
  bool primary = false;
  bool whole = false;  ///< valid, over all rows, with the ordinary comparison of each type
  std::vector<std::optional<std::size_t>> columns;
};

/// A trigger that fires for rows of the table or of one of its partitions.
struct PostgresTrigger {
  std::string name;
  std::string table;
  bool on_insert = false;
  bool on_update = false;
  bool on_delete = false;
  bool deferrable = false;
};

/// One column of a foreign key that refers to the table or to one of its partitions.
struct PostgresReference {
  std::string table;
  std::string column;
  std::string parent_column;
  char on_update = 'a';  ///< as pg_constraint has it: a, r, c, n, d
  char on_delete = 'a';
};

/// A table as the catalogue has it.
struct PostgresTableFacts {
  PostgresTable table;
  char kind = 'r';  ///< as pg_class has it: r, p, v, m, f
  bool temporary = false;
  bool unlogged = false;
  bool inherited = false;      ///< other tables inherit from it without being partitions
  bool foreign_parts = false;  ///< a partition is on another server
  bool hides_rows = false;     ///< row security applies to this role
  bool may_delete = false;     ///< this role may delete, and lock what it deletes
  std::vector<std::string> rules;
  std::vector<PostgresColumn> columns;
  std::vector<PostgresIndex> indexes;
  std::vector<PostgresTrigger> triggers;
  std::vector<PostgresReference> references;

  [[nodiscard]] std::optional<std::size_t> find_column(const std::string& name) const;
};

/// Reads the declaration of a table; none where [events] means none of that name.
[[nodiscard]] std::optional<PostgresTableFacts> read_postgres_table(PostgresConnection& connection,
                                                                    const std::string& name);

/// The tables that can be seen and are not Holdfast's or the server's, in order.
[[nodiscard]] std::vector<std::string> postgres_table_names(PostgresConnection& connection);

/// A text that changes when the columns, keys, triggers, rules, row security or foreign keys of a
/// table change; a partition that is added or dropped with nothing of its own changes nothing.
[[nodiscard]] std::string postgres_table_mark(PostgresConnection& connection,
                                              const PostgresTable& table);

}  // namespace holdfast
