// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "storage/postgres/postgres_query.h"
#include "storage/postgres/postgres_table_facts.h"

namespace holdfast {

/// Adds SQL that is true where the column of holdfast_log holds a value whose text form is exactly
/// this text: text as it is, whole numbers in decimal, bytes as lower-case hex, everything else as
/// the server writes it. Collations take nobody else's rows; an index finds most of them.
void add_value_match(PostgresQuery& query, const PostgresColumn& column, const std::string& text);

/// The same for a tenant, with " AND " in front; nothing where there is no such column. No tenant,
/// NULL and the empty text are one.
void add_tenant_match(PostgresQuery& query,
                      const std::optional<PostgresColumn>& column,
                      const std::optional<std::string>& tenant);

/// The text form of a column of holdfast_log as an expression, in the C collation.
[[nodiscard]] std::string postgres_text_form(const PostgresColumn& column);

/// True for the one way in which the server writes a uuid.
[[nodiscard]] bool is_postgres_uuid(const std::string& text);

/// What an erasure may put into a column in the place of a person.
struct PostgresWritable {
  bool text = false;     ///< a token: text that is long enough, no foreign key, not computed
  bool nothing = false;  ///< NULL
};
[[nodiscard]] PostgresWritable postgres_writable(const PostgresColumn& column);

}  // namespace holdfast
