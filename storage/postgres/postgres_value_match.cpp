// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_value_match.h"

#include <charconv>
#include <string_view>
#include <system_error>

#include "policy/stored_value.h"
#include "storage/postgres/postgres_log_layout.h"

namespace holdfast {
namespace {

// "erased:" and 16 digits.
constexpr int kTokenLetters = 23;

std::string in_log(const PostgresColumn& column) {
  return std::string{kPostgresLog} + "." + postgres_quoted(column.name);
}

/// What the server writes for a value of any type.
std::string written(const PostgresColumn& column) {
  return "pg_catalog.format('%s', " + in_log(column) + ")";
}

/// The number that is written as exactly this text; none for "007", "1.0" and other spellings.
template <typename Number>
std::optional<Number> number_of(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == end;
  return whole && to_display(number) == text ? std::optional{number} : std::nullopt;
}

bool is_lower_hex(const std::string& text) {
  return text.size() % 2 == 0 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void add_number_match(PostgresQuery& query, const PostgresColumn& column, const std::string& text) {
  const auto number = number_of<std::int64_t>(text);
  if (number) {
    query.add(in_log(column) + " = ", *number, "::pg_catalog.int8");
  } else {
    query.add("false");
  }
}

void add_real_match(PostgresQuery& query, const PostgresColumn& column, const std::string& text) {
  const auto number = number_of<double>(text);
  if (!number) {
    query.add("false");
    return;
  }
  query.add(in_log(column) + " = ", *number, "::pg_catalog.float8");
  if (*number == 0.0) {  // which equals its negative, and yet is written otherwise
    query.add(" AND " + written(column) + " = ", std::string_view{text}, "");
  }
}

}  // namespace

void add_value_match(PostgresQuery& query, const PostgresColumn& column, const std::string& text) {
  const StoredView value = std::string_view{text};
  query.add("(");
  if (text.find('\0') != std::string::npos) {
    query.add("false)");  // no column holds such a text
    return;
  }
  switch (column.kind) {
    case PostgresKind::integer:
      add_number_match(query, column, text);
      break;
    case PostgresKind::real:
      add_real_match(query, column, text);
      break;
    case PostgresKind::text:
      query.add(in_log(column) + " = ", value, "::pg_catalog.text");
      if (!column.exact) {
        query.add(" AND " + in_log(column) + " COLLATE \"C\" = ", value, "::pg_catalog.text");
      }
      break;
    case PostgresKind::padded:
      query.add(in_log(column) + " = ", value, "::pg_catalog.bpchar");
      query.add(" AND " + in_log(column) + "::pg_catalog.text COLLATE \"C\" = ",
                value,
                "::pg_catalog.text");
      break;
    case PostgresKind::bytes:
      if (is_lower_hex(text)) {
        const std::string hex = "\\x" + text;
        query.add(in_log(column) + " = ", std::string_view{hex}, "::pg_catalog.bytea");
      } else {
        query.add("false");
      }
      break;
    case PostgresKind::uuid:
      if (is_postgres_uuid(text)) {
        query.add(in_log(column) + " = ", value, "::pg_catalog.uuid");
      } else {
        query.add("false");
      }
      break;
    case PostgresKind::numeric:
    case PostgresKind::timestamp:
    case PostgresKind::timestamptz:
    case PostgresKind::plain:
    case PostgresKind::other:
      query.add(in_log(column) + " IS NOT NULL AND " + written(column) + " COLLATE \"C\" = ",
                value,
                "::pg_catalog.text");
      break;
  }
  query.add(")");
}

void add_tenant_match(PostgresQuery& query,
                      const std::optional<PostgresColumn>& column,
                      const std::optional<std::string>& tenant) {
  if (!column) {
    return;
  }
  query.add(" AND ");
  if (tenant && !tenant->empty()) {
    add_value_match(query, *column, *tenant);
    return;
  }
  query.add("(" + in_log(*column) + " IS NULL");
  if (column->kind == PostgresKind::text || column->kind == PostgresKind::padded ||
      column->kind == PostgresKind::bytes || column->kind == PostgresKind::other) {
    query.add(" OR " + postgres_text_form(*column) + " = ''");
  }
  query.add(")");
}

std::string postgres_text_form(const PostgresColumn& column) {
  switch (column.kind) {
    case PostgresKind::text:
    case PostgresKind::padded:
      return "(" + in_log(column) + "::pg_catalog.text COLLATE \"C\")";
    case PostgresKind::bytes:
      return "(pg_catalog.encode(" + in_log(column) + ", 'hex') COLLATE \"C\")";
    case PostgresKind::integer:
    case PostgresKind::real:
    case PostgresKind::numeric:
    case PostgresKind::uuid:
    case PostgresKind::timestamp:
    case PostgresKind::timestamptz:
    case PostgresKind::plain:
    case PostgresKind::other:
      break;
  }
  return "(CASE WHEN " + in_log(column) + " IS NOT NULL THEN " + written(column) +
         " COLLATE \"C\" END)";
}

bool is_postgres_uuid(const std::string& text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kShape.size()) {
    return false;
  }
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (kShape[i] == '-' ? text[i] != '-' : !digit) {
      return false;
    }
  }
  return true;
}

PostgresWritable postgres_writable(const PostgresColumn& column) {
  const bool text = column.kind == PostgresKind::text || column.kind == PostgresKind::padded;
  const bool long_enough = column.most_letters == 0 || column.most_letters >= kTokenLetters;
  return {.text = text && long_enough && !column.generated && !column.refers,
          .nothing = !column.generated && !column.not_null};
}

}  // namespace holdfast
