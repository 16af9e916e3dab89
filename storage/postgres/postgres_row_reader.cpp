// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_row_reader.h"

#include <charconv>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include "storage/storage_error.h"

namespace holdfast {
namespace {

std::string in_log(const PostgresKeyColumn& column) {
  return std::string{kPostgresLog} + "." + column.name;
}

/// Whole numbers of any width are compared as the widest, which no key is outside of.
std::string type_of(const PostgresKeyColumn& column) {
  return column.kind == PostgresKind::integer ? "pg_catalog.int8" : column.type;
}

std::string parameter(std::size_t index) {
  return "$" + std::to_string(index);
}

template <typename Number>
bool read_whole(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end;
}

StoredView number_of(std::string_view text) {
  const std::size_t point = text.find('.');
  const bool whole =
      point == std::string_view::npos || text.find_first_not_of('0', point + 1) == text.npos;
  std::int64_t integer = 0;
  if (whole && read_whole(text.substr(0, point), integer)) {
    return integer;
  }
  double real = 0.0;
  // What is neither stays text, and so a time that cannot be read.
  return read_whole(text, real) ? StoredView{real} : StoredView{text};
}

std::vector<std::string> key_expressions(const PostgresLogLayout& layout) {
  std::vector<std::string> expressions;
  for (const PostgresKeyColumn& column : layout.key) {
    const bool padded = column.kind == PostgresKind::padded;
    expressions.push_back(in_log(column) + (padded ? "::pg_catalog.text" : ""));
  }
  return expressions;
}

/// The key, and what the decision reads.
std::vector<std::string> fact_expressions(const PostgresLogLayout& layout) {
  std::vector<std::string> expressions = key_expressions(layout);
  expressions.insert(expressions.end(),
                     {layout.time,
                      layout.code,
                      layout.tenant,
                      layout.actor,
                      layout.subject,
                      layout.category,
                      layout.retain_until});
  return expressions;
}

/// Quotes around every element: then nothing in it means anything to the server but \ and ".
void append_element(std::string& array, const StoredView& value) {
  const std::string text = postgres_text_of(value).value_or("");
  array += array.size() == 1 ? "\"" : ",\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      array += '\\';
    }
    array += letter;
  }
  array += '"';
}

}  // namespace

std::string PostgresRowReader::key_columns(const PostgresLogLayout& layout) {
  return listed(key_expressions(layout));
}

std::string PostgresRowReader::columns(const PostgresLogLayout& layout) {
  return listed(fact_expressions(layout));
}

WholeColumns PostgresRowReader::whole_columns(const PostgresLogLayout& layout) {
  return {fact_expressions(layout), layout.columns};
}

RowFacts& PostgresRowReader::read(const PostgresStatement& row) {
  RowFacts& facts = facts_.read(row);
  facts.time = postgres_time(facts.time, times_);
  facts.retain_until = postgres_time(facts.retain_until, stamps_);
  return facts;
}

StoredView postgres_time(const StoredView& value, PostgresTimes times) {
  const auto* const text = std::get_if<std::string_view>(&value);
  return times == PostgresTimes::decimals && text != nullptr ? number_of(*text) : value;
}

std::string postgres_key_match(const PostgresLogLayout& layout, int first) {
  std::string match;
  std::size_t index = static_cast<std::size_t>(first);
  for (const PostgresKeyColumn& column : layout.key) {
    match += (match.empty() ? "" : " AND ") + in_log(column) + " = " + parameter(index++) +
             "::" + type_of(column);
  }
  return match;
}

void bind_postgres_key(PostgresStatement& statement,
                       const PostgresLogLayout& layout,
                       const RowKey& key,
                       int first) {
  const std::string bytes = key.bytes();
  for (const StoredView& value : key_values(bytes, layout.key.size())) {
    statement.bind(first++, value);
  }
}

std::string postgres_key_table(const PostgresLogLayout& layout) {
  std::string arrays;
  std::string names;
  for (std::size_t i = 0; i < layout.key.size(); ++i) {
    arrays += (i == 0 ? "" : ", ") + ("pg_catalog.unnest(" + parameter(i + 1)) +
              "::" + type_of(layout.key[i]) + "[])";
    names += "k" + std::to_string(i + 1) + ", ";
  }
  // Not unnest() of several arrays, which is only had under the bare name: anybody's, then.
  return "ROWS FROM (" + arrays + ") WITH ORDINALITY AS wanted(" + names + "place)";
}

std::string postgres_key_join(const PostgresLogLayout& layout) {
  std::string join;
  for (std::size_t i = 0; i < layout.key.size(); ++i) {
    join += (i == 0 ? "" : " AND ") + in_log(layout.key[i]) + " = wanted.k" + std::to_string(i + 1);
  }
  return join;
}

void bind_postgres_keys(PostgresStatement& statement,
                        const PostgresLogLayout& layout,
                        std::span<const RowKey> keys) {
  std::vector<std::string> arrays(layout.key.size(), "{");
  for (const RowKey& key : keys) {
    const std::string bytes = key.bytes();
    const std::vector<StoredView> values = key_values(bytes, layout.key.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      append_element(arrays[i], values[i]);
    }
  }
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    statement.bind_text(static_cast<int>(i + 1), arrays[i] + "}");
  }
}

}  // namespace holdfast
