// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/personal_log.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "storage/sqlite/log_triggers.h"
#include "storage/sqlite/subject_list.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kNoColumn = "NULL";  // as LogLayout has it
// Only metadata is ever left without a value, and a column of it that may not be NULL holds JSON.
constexpr std::string_view kNoMetadata = "{}";
constexpr int kPerson = 1;
constexpr int kTenant = kPerson + ValueForms::kParameters;
constexpr int kAbove = kTenant + ValueForms::kParameters;
constexpr std::size_t kFactColumns = 7;  // of RowReader::columns() after the key
constexpr std::size_t kPersons = 2;      // fields that name a person: actor and subject

TableFacts require_facts(Connection& connection, const LogLayout& layout) {
  auto facts = read_table_facts(connection.db(), layout.shape.mapping.at("table"));
  if (!facts) {
    throw StorageError(StorageTrouble::mapping,
                       connection.path() + ": table " + layout.table + " is gone");
  }
  return *std::move(facts);
}

std::optional<std::size_t> position_of(const TableFacts& facts, const std::string& quoted_column) {
  for (std::size_t i = 0; i < facts.columns.size(); ++i) {
    if (quoted(facts.columns[i].name) == quoted_column) {
      return i;
    }
  }
  return std::nullopt;
}

/// Keys of one log have one width, so that integers meet no other integers than these.
bool key_before(const RowKey& left, const RowKey& right) {
  return left.is_integer() && right.is_integer() ? left.as_integer() < right.as_integer()
                                                 : left.bytes() < right.bytes();
}

std::string key_match(const LogLayout& layout) {
  std::string match;
  for (const std::string& column : layout.key_columns) {
    match += (match.empty() ? "" : " AND ") + column + " = ?";
  }
  return match;
}

std::vector<std::string> columns_without_meaning(const LogLayout& layout) {
  std::set<std::string> mapped(layout.key_columns.begin(), layout.key_columns.end());
  mapped.insert({layout.time,
                 layout.raw_code,
                 layout.tenant,
                 layout.actor,
                 layout.subject,
                 layout.category,
                 layout.retain_until,
                 layout.severity,
                 layout.metadata});
  std::vector<std::string> names;
  for (const std::string& name : layout.shape.columns) {
    if (!mapped.contains(quoted(name))) {
      names.push_back(name);
    }
  }
  return names;
}

}  // namespace

PersonalLog::PersonalLog(Connection& connection, LogLayout layout)
    : connection_(connection),
      layout_(std::move(layout)),
      facts_(require_facts(connection, layout_)),
      writable_(writable_columns(connection.db(), facts_)),
      fields_{field("actor", layout_.actor),
              field("subject", layout_.subject),
              field("metadata", layout_.metadata)},
      tenant_(position_of(facts_, layout_.tenant)),
      unmapped_(columns_without_meaning(layout_)),
      key_match_(key_match(layout_)),
      reader_(layout_, connection.path() + ": table " + layout_.table) {
  for (std::size_t i = 0; i < kPersons; ++i) {
    const Field& person = fields_.at(i);
    if (person.position && !leads_index(person)) {
      by_index_ = by_index_ && leads_index_with_tenant(person);
      tenant_index_ = TenantIndex::leads;
    }
  }
  if (!by_index_) {
    tenant_index_ = TenantIndex::unused;
  }
}

PersonalLog::Field PersonalLog::field(const char* setting, const std::string& column) const {
  return {.setting = setting, .column = column, .position = position_of(facts_, column)};
}

bool PersonalLog::leads_index(const Field& field) const {
  return has_index_on(facts_, {*field.position});
}

bool PersonalLog::leads_index_with_tenant(const Field& field) const {
  return tenant_ && has_index_on(facts_, {*tenant_, *field.position});
}

/// One condition per query: by the index of each column, or both in one pass over the table.
std::vector<std::string> PersonalLog::conditions() const {
  std::vector<std::string> each;
  std::string both;
  for (std::size_t i = 0; i < kPersons; ++i) {
    if (fields_.at(i).position) {
      std::string one = "(";
      one += value_match(fields_.at(i).column, kPerson);
      each.push_back(one += ")");
      both += both.empty() ? "(" : " OR ";
      both += each.back();
    }
  }
  if (by_index_ || each.empty()) {
    return each;
  }
  both += ")";
  return {both};
}

std::vector<RowKey> PersonalLog::rows_of(const Subject& subject,
                                         std::optional<std::int64_t> above) {
  const ValueForms person{subject.person};
  const ValueForms tenant{subject.tenant.value_or("")};
  std::string rest;
  if (tenant_) {
    rest += " AND " + tenant_match(layout_.tenant, tenant, kTenant, tenant_index_);
  }
  const bool bounded = above && layout_.rowid_alias;
  if (bounded) {
    rest += " AND " + layout_.key_columns.front() + " > ?" + std::to_string(kAbove);
  }
  std::vector<RowKey> keys;
  for (const std::string& condition : conditions()) {
    // Sorted below: a row may come from both columns.
    std::string sql = "SELECT " + RowReader::key_columns(layout_) + " FROM " + layout_.table;
    sql += " WHERE " + condition;
    sql += rest;
    Statement rows{connection_.db(), sql};
    person.bind(rows, kPerson);
    if (tenant_ && !tenant.empty()) {
      tenant.bind(rows, kTenant);
    }
    if (bounded) {
      rows.bind(kAbove, *above);
    }
    while (rows.step()) {
      keys.push_back(reader_.read_key(rows));
    }
  }
  std::sort(keys.begin(), keys.end(), key_before);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

bool PersonalLog::read_row(const RowKey& key, const PersonalVisit& visit) {
  if (!read_row_) {
    std::string sql =
        "SELECT " + RowReader::columns(layout_) + ", " + layout_.metadata + ", " + layout_.severity;
    for (const std::string& name : unmapped_) {
      sql += ", " + quoted(name);
    }
    sql += " FROM " + layout_.table + " WHERE " + key_match_ + " ORDER BY " + layout_.pass_order;
    read_row_.emplace(connection_.db(), sql);
  }
  const StatementUse use{*read_row_};
  bind_key(*read_row_, key, 1);
  if (!read_row_->step()) {
    return false;
  }
  const RowFacts& facts = reader_.read(*read_row_);
  // A column without letter case finds "a" for "A", but that is another row's key.
  if (*facts.key != key) {
    return false;
  }
  const auto metadata = static_cast<int>(layout_.key_columns.size() + kFactColumns);
  unmapped_values_.clear();
  for (std::size_t i = 0; i < unmapped_.size(); ++i) {
    unmapped_values_.push_back(read_row_->column(metadata + 2 + static_cast<int>(i)));
  }
  visit({.facts = facts,
         .metadata = read_row_->column(metadata),
         .severity = read_row_->column(metadata + 1),
         .unmapped = unmapped_values_});
  return true;
}

void PersonalLog::bind_key(Statement& statement, const RowKey& key, int first) const {
  const std::string bytes = key.bytes();
  for (const StoredView& value : key_values(bytes, layout_.key_columns.size())) {
    statement.bind(first++, value);
  }
}

void PersonalLog::require_row(const RowKey& key) {
  if (!find_key_) {
    find_key_.emplace(connection_.db(),
                      "SELECT " + RowReader::key_columns(layout_) + " FROM " + layout_.table +
                          " WHERE " + key_match_ + " ORDER BY " + layout_.pass_order);
  }
  const StatementUse use{*find_key_};
  bind_key(*find_key_, key, 1);
  if (!find_key_->step() || reader_.read_key(*find_key_) != key) {
    refuse("has no row " + key.display() + " to pseudonymise: the step is taken back");
  }
}

StoredView PersonalLog::writable_value(const Field& field,
                                       const std::optional<std::string>& value) const {
  const WritableColumn& column = writable_.at(*field.position);
  if (value && column.text) {
    return std::string_view{*value};
  }
  if (!value && !column.nothing && column.text) {
    return kNoMetadata;
  }
  if (!column.nothing) {
    refuse("cannot take NULL in column " + field.column + " ([events]." + field.setting +
           "): the step is taken back");
  }
  return std::monostate{};
}

Statement& PersonalLog::rewriting(unsigned which) {
  std::optional<Statement>& statement = rewrites_.at(which);
  if (statement) {
    return *statement;
  }
  refuse_unwatched_triggers(connection_, layout_, TriggerEvent::row_changed);
  std::string sets;
  for (std::size_t i = 0; i < kFields; ++i) {
    if ((which >> i) % 2U == 1U) {
      sets += (sets.empty() ? "" : ", ") + fields_.at(i).column + " = ?";
    }
  }
  return statement.emplace(connection_.db(),
                           "UPDATE " + layout_.table + " SET " + sets + " WHERE " + key_match_);
}

void PersonalLog::rewrite(const RowKey& key, const PersonalFields& fields) {
  using Wanted = std::optional<std::optional<std::string>>;
  const std::array<Wanted, kFields> wanted{fields.actor ? Wanted{fields.actor} : Wanted{},
                                           fields.subject ? Wanted{fields.subject} : Wanted{},
                                           fields.metadata};
  require_row(key);
  unsigned which = 0;
  std::vector<StoredView> values;
  for (std::size_t i = 0; i < kFields; ++i) {
    if (wanted.at(i) && fields_.at(i).position) {
      which |= 1U << i;
      values.push_back(writable_value(fields_.at(i), *wanted.at(i)));
    }
  }
  if (which == 0) {
    return;
  }
  try {
    Statement& update = rewriting(which);
    const StatementUse use{update};
    int index = 1;
    for (const StoredView& value : values) {
      update.bind(index++, value);
    }
    bind_key(update, key, index);
    (void)update.step();
  } catch (const SQLite::Exception& error) {
    throw refused_write(connection_, facts_.name, error);
  }
  const int changed = connection_.db().getChanges();
  if (changed != 1) {
    refuse("changed " + std::to_string(changed) + " rows instead of 1 for row " + key.display() +
           ", so it is taken back: look for a trigger of the table");
  }
}

void PersonalLog::require_rewritable() {
  refuse_unwatched_triggers(connection_, layout_, TriggerEvent::row_changed);
  for (const Field& field : fields_) {
    if (!field.position) {
      continue;
    }
    const WritableColumn& column = writable_.at(*field.position);
    const bool in_key =
        std::find(layout_.key_columns.begin(), layout_.key_columns.end(), field.column) !=
        layout_.key_columns.end();
    if (in_key || (!column.text && !column.nothing)) {
      throw StorageError(StorageTrouble::mapping,
                         connection_.path() + ": table " + layout_.table + " column " +
                             field.column + " ([events]." + field.setting +
                             ") can take neither the token nor NULL, so no person can be erased "
                             "from it: let it be NULL, or map another column");
    }
  }
}

void PersonalLog::for_each_subject(const SubjectVisit& visit) {
  std::vector<PersonSource> sources;
  for (std::size_t i = 0; i < kPersons; ++i) {
    if (fields_.at(i).position) {
      sources.push_back({.table = layout_.table,
                         .person = fields_.at(i).column,
                         .tenant = tenant_ ? layout_.tenant : kNoColumn});
    }
  }
  visit_subjects(connection_, sources, visit);
}

void PersonalLog::refuse(const std::string& what) const {
  throw StorageError(StorageTrouble::other,
                     connection_.path() + ": table " + layout_.table + " " + what);
}

LogLayout own_events_layout() {
  LogLayout layout{.table = quoted("holdfast_event"),
                   .key_columns = {quoted("id")},
                   .rowid_alias = true,
                   .autoincrement = true,
                   .time = quoted("occurred_at"),
                   .raw_code = quoted("code"),
                   .code = quoted("code"),
                   .tenant = quoted("tenant"),
                   .actor = quoted("actor"),
                   .subject = quoted("subject"),
                   .retain_until = quoted("retain_until"),
                   .severity = quoted("severity"),
                   .metadata = quoted("metadata"),
                   .pass_order = quoted("id")};
  layout.shape.ordered_keys = true;
  layout.shape.mapping = {{"table", "holdfast_event"}};
  return layout;
}

}  // namespace holdfast
