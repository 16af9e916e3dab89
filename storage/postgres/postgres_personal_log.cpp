// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_personal_log.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "storage/postgres/postgres_module_table.h"
#include "storage/postgres/postgres_query.h"
#include "storage/postgres/postgres_value_match.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

// Only metadata is ever left without a value, and a column of it that may not be NULL holds JSON.
constexpr std::string_view kNoMetadata = "{}";

/// Keys of one log have one width, so that integers meet no other integers than these.
bool key_before(const RowKey& left, const RowKey& right) {
  return left.is_integer() && right.is_integer() ? left.as_integer() < right.as_integer()
                                                 : left.bytes() < right.bytes();
}

/// Metadata is JSON, so that columns of that type take it too.
bool takes_text(const char* setting, const PostgresColumn& column) {
  const bool metadata = std::string_view{setting} == "metadata";
  return postgres_writable(column).text || (metadata && column.json && !column.generated);
}

bool is_in_key(const PostgresLogLayout& layout, const PostgresColumn& column) {
  return std::any_of(layout.key.begin(), layout.key.end(), [&](const PostgresKeyColumn& key) {
    return key.name == postgres_quoted(column.name);
  });
}

/// True where [events] gives the column a meaning, or it is of the key.
bool has_meaning(const PostgresLogLayout& layout, const std::string& name) {
  constexpr std::array<const char*, 9> settings = {"time",
                                                   "code",
                                                   "tenant",
                                                   "actor",
                                                   "subject",
                                                   "category",
                                                   "retain_until",
                                                   "severity",
                                                   "metadata"};
  return std::any_of(settings.begin(),
                     settings.end(),
                     [&](const char* setting) {
                       const auto mapped = layout.shape.mapping.find(setting);
                       return mapped != layout.shape.mapping.end() && mapped->second == name;
                     }) ||
         std::any_of(layout.key.begin(), layout.key.end(), [&](const PostgresKeyColumn& key) {
           return key.name == postgres_quoted(name);
         });
}

}  // namespace

PostgresPersonalLog::PostgresPersonalLog(PostgresConnection& connection, PostgresLogLayout layout)
    : connection_(connection),
      layout_(std::move(layout)),
      fields_{Field{"actor", layout_.actor_column},
              Field{"subject", layout_.subject_column},
              Field{"metadata", layout_.metadata_column}},
      reader_(layout_, connection.path() + ": table " + layout_.table),
      watch_(connection, layout_) {
  for (std::size_t i = 0; i < layout_.shape.columns.size(); ++i) {
    if (!has_meaning(layout_, layout_.shape.columns[i])) {
      unmapped_.push_back(layout_.shape.columns[i]);
      unmapped_values_ += ", " + layout_.columns.at(i);
    }
  }
}

std::string PostgresPersonalLog::lock() const {
  return connection_.in_write() && !layout_.without_log
             ? std::string{" FOR UPDATE OF "} + kPostgresLog
             : std::string{};
}

std::vector<RowKey> PostgresPersonalLog::rows_of(const Subject& subject,
                                                 std::optional<std::int64_t> above) {
  PostgresQuery query{"SELECT " + PostgresRowReader::key_columns(layout_) + " FROM " +
                      layout_.table + " AS " + kPostgresLog + " WHERE (false"};
  for (std::size_t i = 0; i < kPersons; ++i) {
    if (fields_.at(i).column) {
      query.add(" OR ");
      add_value_match(query, *fields_.at(i).column, subject.person);
    }
  }
  query.add(")");
  add_tenant_match(query, layout_.tenant_column, subject.tenant);
  if (above && layout_.shape.ordered_keys) {
    query.add(std::string{" AND "} + kPostgresLog + "." + layout_.key.front().name + " > ",
              *above,
              "::pg_catalog.int8");
  }
  std::vector<RowKey> keys;
  PostgresStatement rows = query.prepare(connection_, PostgresRows::by_cursor);
  query.bind_to(rows);
  while (rows.step()) {
    keys.push_back(reader_.read_key(rows));
  }
  std::sort(keys.begin(), keys.end(), key_before);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

bool PostgresPersonalLog::read_row(const RowKey& key, const PersonalVisit& visit) {
  PostgresStatement row{connection_,
                        "SELECT " + PostgresRowReader::columns(layout_) + ", " + layout_.metadata +
                            ", " + layout_.severity + unmapped_values_ + " FROM " + layout_.table +
                            " AS " + kPostgresLog + " WHERE " + postgres_key_match(layout_) +
                            lock()};
  bind_postgres_key(row, layout_, key);
  if (!row.step()) {
    return false;
  }
  const RowFacts& facts = reader_.read(row);
  if (*facts.key != key) {
    return false;
  }
  const auto metadata = static_cast<int>(layout_.key.size() + FactsReader::kFacts);
  std::vector<StoredView> unmapped;
  for (std::size_t i = 0; i < unmapped_.size(); ++i) {
    unmapped.push_back(row.column(metadata + 2 + static_cast<int>(i)));
  }
  visit({.facts = facts,
         .metadata = row.column(metadata),
         .severity = row.column(metadata + 1),
         .unmapped = unmapped});
  return true;
}

void PostgresPersonalLog::require_row(const RowKey& key) {
  if (!read_row(key, [](const PersonalRow&) {})) {
    refuse("has no row " + key.display() + " to pseudonymise: the step is taken back");
  }
}

StoredView PostgresPersonalLog::writable_value(const Field& field,
                                               const std::optional<std::string>& value) const {
  const bool text = takes_text(field.setting, *field.column);
  const bool nothing = postgres_writable(*field.column).nothing;
  if (value && text) {
    return std::string_view{*value};
  }
  if (!value && !nothing && text) {
    return kNoMetadata;
  }
  if (!nothing) {
    refuse("cannot take NULL in column \"" + field.column->name + "\" ([events]." + field.setting +
           "): the step is taken back");
  }
  return std::monostate{};
}

void PostgresPersonalLog::rewrite(const RowKey& key, const PersonalFields& fields) {
  using Wanted = std::optional<std::optional<std::string>>;
  const std::array<Wanted, kFields> wanted{fields.actor ? Wanted{fields.actor} : Wanted{},
                                           fields.subject ? Wanted{fields.subject} : Wanted{},
                                           fields.metadata};
  require_row(key);
  std::string sets;
  std::vector<StoredView> values;
  for (std::size_t i = 0; i < kFields; ++i) {
    if (wanted.at(i) && fields_.at(i).column) {
      values.push_back(writable_value(fields_.at(i), *wanted.at(i)));
      sets += (sets.empty() ? "" : ", ") + postgres_quoted(fields_.at(i).column->name) + " = $" +
              std::to_string(values.size());
    }
  }
  if (values.empty()) {
    return;
  }
  watch_.restart();
  std::int64_t changed = 0;
  try {
    const int first = static_cast<int>(values.size()) + 1;
    PostgresStatement update{connection_,
                             "UPDATE " + layout_.table + " AS " + kPostgresLog + " SET " + sets +
                                 " WHERE " + postgres_key_match(layout_, first)};
    int index = 1;
    for (const StoredView& value : values) {
      update.bind(index++, value);
    }
    bind_postgres_key(update, layout_, key, first);
    changed = update.run();
  } catch (const PostgresError& error) {
    throw postgres_refused_write(connection_, layout_.where.name, error);
  }
  if (changed != 1) {
    refuse("changed " + std::to_string(changed) + " rows instead of 1 for row " + key.display() +
           ", so it is taken back: look for a trigger of the table");
  }
  watch_.require_at_most(0, "pseudonymising row " + key.display());
}

void PostgresPersonalLog::require_rewritable() const {
  for (const Field& field : fields_) {
    if (!field.column) {
      continue;
    }
    const bool person = std::string_view{field.setting} != "metadata";
    const bool spelt = !person || field.column->kind != PostgresKind::real;
    const bool writable =
        takes_text(field.setting, *field.column) || postgres_writable(*field.column).nothing;
    if (is_in_key(layout_, *field.column) || !writable || !spelt) {
      throw StorageError(StorageTrouble::mapping,
                         connection_.path() + ": table " + layout_.table + " column \"" +
                             field.column->name + "\" ([events]." + field.setting +
                             ") can take neither the token nor NULL, so no person can be erased "
                             "from it: let it be NULL, or map another column");
    }
  }
}

void PostgresPersonalLog::for_each_subject(const SubjectVisit& visit) {
  std::vector<PostgresPersons> sources;
  for (std::size_t i = 0; i < kPersons; ++i) {
    if (fields_.at(i).column) {
      sources.push_back({.table = layout_.table,
                         .person = postgres_text_form(*fields_.at(i).column),
                         .tenant = layout_.tenant_column
                                       ? postgres_text_form(*layout_.tenant_column)
                                       : std::string{kPostgresNothing}});
    }
  }
  visit_postgres_subjects(connection_, sources, visit);
}

void PostgresPersonalLog::refuse(const std::string& what) const {
  throw StorageError(StorageTrouble::other,
                     connection_.path() + ": table " + layout_.table + " " + what);
}

}  // namespace holdfast
