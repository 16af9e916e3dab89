// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/module_table.h"

#include <algorithm>
#include <utility>

#include "storage/sqlite/subject_list.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kTablePlace = "[[erasure.module]].table";
constexpr int kPerson = 1;
constexpr int kTenant = kPerson + ValueForms::kParameters;
constexpr int kToken = kTenant + ValueForms::kParameters;

std::string in_quotes(const std::string& name) {
  return '"' + name + '"';
}

/// Actions that change or delete the rows that refer.
bool takes_along(const std::string& action) {
  return action == "CASCADE" || action == "SET NULL" || action == "SET DEFAULT";
}

std::string key_sentence(const ForeignKeyPart& key, const char* event, const std::string& action) {
  return "is referred to by table " + in_quotes(key.table) + " column " + in_quotes(key.column) +
         " with ON " + event + " " + action +
         ", which changes rows that nobody counts: name that table in a module of its own and drop "
         "the action";
}

}  // namespace

ModuleRows::ModuleRows(Connection& connection,
                       const ModuleTable& table,
                       const std::string& log_table)
    : connection_(connection),
      table_(connection, {.name = table.table, .place = kTablePlace}),
      action_(table.action),
      subject_(
          table_.require_column({.name = table.subject, .place = "[[erasure.module]].subject"})),
      writable_(writable_columns(connection.db(), table_.facts())) {
  const TableFacts& facts = table_.facts();
  if (same_name(facts.name, log_table)) {
    table_.refuse(std::string{"is the audit log ("} + kTablePlace +
                  "): every erasure treats it by its own rules; name other tables only");
  }
  if (table.tenant) {
    tenant_ = table_.require_column({.name = *table.tenant, .place = "[[erasure.module]].tenant"});
    const bool leads =
        !has_index_on(facts, {subject_}) && has_index_on(facts, {*tenant_, subject_});
    tenant_index_ = leads ? TenantIndex::leads : TenantIndex::unused;
  }
  switch (action_) {
    case ModuleAction::remove:
      refuse_effects_of_removal();
      break;
    case ModuleAction::redact:
      resolve_changes(table);
      refuse_effects_of_redaction();
      break;
  }
}

namespace {

std::vector<std::string> names_of(const std::vector<TriggerFacts>& triggers) {
  std::vector<std::string> names(triggers.size());
  std::transform(triggers.begin(), triggers.end(), names.begin(), [](const TriggerFacts& trigger) {
    return trigger.name;
  });
  return names;
}

}  // namespace

void ModuleRows::refuse_effects_of_removal() const {
  const std::string& name = table_.facts().name;
  for (const ForeignKeyPart& key : foreign_keys_to(connection_.db(), name)) {
    if (takes_along(key.on_delete)) {
      table_.refuse(key_sentence(key, "DELETE", key.on_delete));
    }
  }
  const auto triggers = delete_triggers(connection_.db(), name);
  if (!triggers.empty()) {
    table_.refuse("has triggers that fire when a row is deleted (" + name_list(names_of(triggers)) +
                  "): what they write or keep of the person, no erasure counts; drop them");
  }
}

void ModuleRows::refuse_effects_of_redaction() const {
  const std::string& name = table_.facts().name;
  for (const ForeignKeyPart& key : foreign_keys_to(connection_.db(), name)) {
    if (takes_along(key.on_update) && is_changed(key.parent_column)) {
      table_.refuse(key_sentence(key, "UPDATE", key.on_update));
    }
  }
  const auto triggers = update_triggers(connection_.db(), name);
  if (!triggers.empty()) {
    table_.refuse("has triggers that fire when a row is changed (" + name_list(names_of(triggers)) +
                  "): what they write or keep of the person, no erasure counts; drop them");
  }
}

/// `column` is that of a foreign key, where "" stands for the primary key.
bool ModuleRows::is_changed(const std::string& column) const {
  return std::any_of(changes_.begin(), changes_.end(), [&](const Change& change) {
    const ColumnFacts& facts = table_.facts().columns[change.column];
    return column.empty() ? facts.in_primary_key : same_name(facts.name, column);
  });
}

void ModuleRows::resolve_changes(const ModuleTable& table) {
  bool subject_named = false;
  for (const TreatedColumn& treated : table.columns) {
    const std::size_t column =
        table_.require_column({.name = treated.column, .place = "[[erasure.module]].columns"});
    subject_named = subject_named || column == subject_;
    add_change(column, treated.treatment);
  }
  if (!subject_named) {
    add_change(subject_, writable_[subject_].text ? Treatment::token : Treatment::null);
  }
}

void ModuleRows::add_change(std::size_t column, Treatment treatment) {
  const std::string name = in_quotes(table_.facts().columns[column].name);
  if (std::any_of(changes_.begin(), changes_.end(), [&](const Change& change) {
        return change.column == column;
      })) {
    table_.refuse("has column " + name + " twice in [[erasure.module]].columns: name it once");
  }
  const WritableColumn& writable = writable_[column];
  switch (treatment) {
    case Treatment::token:
      if (!writable.text) {
        table_.refuse("cannot take the token in column " + name +
                      ", which holds numbers or bytes, is computed or refers to another table: set "
                      "it to null, or delete the rows");
      }
      break;
    case Treatment::null:
      if (!writable.nothing) {
        table_.refuse("cannot take NULL in column " + name +
                      ", which is NOT NULL, part of the primary key or computed: use the token "
                      "where it holds text, or delete the rows");
      }
      break;
  }
  changes_.push_back({.column = column, .treatment = treatment});
}

std::string ModuleRows::where(const Subject& subject) const {
  std::string sql = " WHERE " + value_match(table_.quoted_column(subject_), kPerson);
  if (tenant_) {
    sql += " AND " + tenant_match(table_.quoted_column(*tenant_),
                                  ValueForms{subject.tenant.value_or("")},
                                  kTenant,
                                  tenant_index_);
  }
  return sql;
}

void ModuleRows::bind(Statement& statement, const Subject& subject) const {
  ValueForms{subject.person}.bind(statement, kPerson);
  const ValueForms tenant{subject.tenant.value_or("")};
  if (tenant_ && !tenant.empty()) {
    tenant.bind(statement, kTenant);
  }
}

Statement ModuleRows::counting(const Subject& subject) const {
  return {connection_.db(), "SELECT count(*) FROM " + quoted(table_.facts().name) + where(subject)};
}

void ModuleRows::require_countable() {
  try {
    (void)counting({});
  } catch (const SQLite::Exception& error) {
    table_.refuse(std::string{"cannot be searched ("} + error.what() +
                  "): name a table that plain SQLite can read");
  }
}

std::int64_t ModuleRows::count(const Subject& subject) {
  Statement query = counting(subject);
  bind(query, subject);
  if (!query.step()) {
    return 0;
  }
  const StoredView rows = query.column(0);
  return std::get<std::int64_t>(rows);
}

std::vector<std::string> ModuleRows::columns() const {
  std::vector<std::string> names;
  for (const ColumnFacts& column : table_.facts().columns) {
    names.push_back(column.name);
  }
  return names;
}

std::string ModuleRows::key_order() const {
  const TableFacts& facts = table_.facts();
  const std::string rowid = facts.without_rowid ? std::string{} : rowid_name(facts);
  if (!rowid.empty()) {
    return rowid;
  }
  std::string order;
  for (std::size_t i = 0; i < facts.columns.size(); ++i) {
    if (facts.columns[i].in_primary_key) {
      order += (order.empty() ? "" : ", ") + table_.quoted_column(i);
    }
  }
  return order.empty() ? table_.quoted_column(subject_) : order;
}

void ModuleRows::for_each_row(const Subject& subject, const CellVisit& visit) const {
  std::string sql;
  for (std::size_t i = 0; i < table_.facts().columns.size(); ++i) {
    sql += (sql.empty() ? "SELECT " : ", ") + table_.quoted_column(i);
  }
  sql += " FROM " + quoted(table_.facts().name) + where(subject);
  sql += " ORDER BY " + key_order();
  Statement rows{connection_.db(), sql};
  bind(rows, subject);
  std::vector<StoredView> cells(table_.facts().columns.size());
  while (rows.step()) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i] = rows.column(static_cast<int>(i));
    }
    visit(cells);
  }
}

std::string ModuleRows::change_sql() const {
  const std::string name = quoted(table_.facts().name);
  if (action_ == ModuleAction::remove) {
    return "DELETE FROM " + name;
  }
  std::string token = "?";
  token += std::to_string(kToken);
  std::string sets;
  for (const Change& change : changes_) {
    sets += (sets.empty() ? "" : ", ") + table_.quoted_column(change.column) + " = ";
    sets += change.treatment == Treatment::token ? token : "NULL";
  }
  return "UPDATE " + name + " SET " + sets;
}

std::int64_t ModuleRows::change(const Subject& subject, const std::string& token) {
  const bool has_token = std::any_of(changes_.begin(), changes_.end(), [](const Change& change) {
    return change.treatment == Treatment::token;
  });
  try {
    Statement write{connection_.db(), change_sql() + where(subject)};
    bind(write, subject);
    if (has_token) {
      write.bind(kToken, std::string_view{token});
    }
    (void)write.step();
  } catch (const SQLite::Exception& error) {
    throw refused_write(connection_, table_.facts().name, error);
  }
  return connection_.db().getChanges();
}

TableErasure ModuleRows::erase(const Subject& subject, const std::string& token) {
  TableErasure erasure{.before = count(subject)};
  erasure.changed = change(subject, token);
  erasure.after = count(subject);
  if (erasure.after != 0 || erasure.changed != erasure.before) {
    throw StorageError(StorageTrouble::other,
                       connection_.path() + ": table " + in_quotes(table_.facts().name) + " had " +
                           std::to_string(erasure.before) + " rows of the person, " +
                           std::to_string(erasure.changed) + " were changed and " +
                           std::to_string(erasure.after) +
                           " are left: it is taken back; look for what keeps or makes them");
  }
  return erasure;
}

void ModuleRows::for_each_subject(const SubjectVisit& visit) {
  visit_subjects(connection_,
                 {{.table = quoted(table_.facts().name),
                   .person = table_.quoted_column(subject_),
                   .tenant = tenant_ ? table_.quoted_column(*tenant_) : "NULL"}},
                 visit);
}

}  // namespace holdfast
