// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_module_table.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "storage/postgres/postgres_log_layout.h"
#include "storage/postgres/postgres_statement.h"
#include "storage/postgres/postgres_value_match.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kTablePlace = "[[erasure.module]].table";

// Whether table $1 is a partition of $2, or $2 is one of $1.
constexpr const char* kIsPartOfLog = R"sql(
SELECT 1 FROM pg_catalog.pg_partition_tree($2::pg_catalog.oid) t WHERE t.relid = $1::pg_catalog.oid
UNION ALL
SELECT 1 FROM pg_catalog.pg_partition_ancestors($2::pg_catalog.oid) a WHERE a.relid = $1::pg_catalog.oid
)sql";

std::string in_quotes(const std::string& name) {
  return '"' + name + '"';
}

/// Actions that change or delete the rows that refer, as pg_constraint has them.
bool takes_along(char action) {
  return action == 'c' || action == 'n' || action == 'd';
}

/// The log, a partition of it, or what it is a partition of: all have rows of the log.
bool is_part_of_log(PostgresConnection& connection,
                    const PostgresTable& table,
                    const PostgresTable& log) {
  if (table.oid == log.oid) {
    return true;
  }
  PostgresStatement line{connection, kIsPartOfLog};
  line.bind(1, static_cast<std::int64_t>(table.oid));
  line.bind(2, static_cast<std::int64_t>(log.oid));
  return line.step();
}

}  // namespace

PostgresModuleRows::PostgresModuleRows(PostgresConnection& connection,
                                       const ModuleTable& table,
                                       const PostgresTable& log)
    : connection_(connection),
      table_(connection, {.name = table.table, .place = kTablePlace}),
      action_(table.action),
      subject_(
          table_.require_column({.name = table.subject, .place = "[[erasure.module]].subject"})) {
  const PostgresTableFacts& facts = table_.facts();
  if (is_part_of_log(connection, facts.table, log)) {
    table_.refuse(std::string{"is the audit log or a part of it ("} + kTablePlace +
                  "): every erasure treats it by its own rules; name other tables only");
  }
  if (facts.columns[subject_].kind == PostgresKind::real) {
    table_.refuse("names persons in column " + in_quotes(table.subject) +
                  ", whose numbers have no sure spelling: name another column");
  }
  if (table.tenant) {
    tenant_ = facts.columns[table_.require_column(
        {.name = *table.tenant, .place = "[[erasure.module]].tenant"})];
  }
  if (action_ == ModuleAction::redact) {
    resolve_changes(table);
  }
  refuse_effects();
}

void PostgresModuleRows::refuse_effects() const {
  const bool removes = action_ == ModuleAction::remove;
  for (const PostgresReference& key : table_.facts().references) {
    const bool along = removes ? takes_along(key.on_delete)
                               : takes_along(key.on_update) && is_changed(key.parent_column);
    if (along) {
      table_.refuse("is referred to by table " + in_quotes(key.table) + " column " +
                    in_quotes(key.column) + " with an action ON " +
                    (removes ? "DELETE" : "UPDATE") +
                    ", which changes rows that nobody counts: name that table in a module of its "
                    "own and drop the action");
    }
  }
  for (const PostgresTrigger& trigger : table_.facts().triggers) {
    if (removes ? trigger.on_delete : trigger.on_update) {
      table_.refuse(std::string{"has a trigger that fires when a row is "} +
                    (removes ? "deleted" : "changed") + " (" + in_quotes(trigger.name) +
                    "): what it writes or keeps of the person, no erasure counts; drop it");
    }
  }
}

bool PostgresModuleRows::is_changed(const std::string& column) const {
  return std::any_of(changes_.begin(), changes_.end(), [&](const Change& change) {
    return table_.facts().columns[change.column].name == column;
  });
}

bool PostgresModuleRows::is_in_primary_key(std::size_t column) const {
  const auto& indexes = table_.facts().indexes;
  return std::any_of(indexes.begin(), indexes.end(), [&](const PostgresIndex& index) {
    return index.primary &&
           std::find(index.columns.begin(), index.columns.end(), std::optional{column}) !=
               index.columns.end();
  });
}

void PostgresModuleRows::resolve_changes(const ModuleTable& table) {
  bool subject_named = false;
  for (const TreatedColumn& treated : table.columns) {
    const std::size_t column =
        table_.require_column({.name = treated.column, .place = "[[erasure.module]].columns"});
    subject_named = subject_named || column == subject_;
    add_change(column, treated.treatment);
  }
  if (!subject_named) {
    const bool text = postgres_writable(table_.facts().columns[subject_]).text;
    add_change(subject_, text ? Treatment::token : Treatment::null);
  }
}

void PostgresModuleRows::add_change(std::size_t column, Treatment treatment) {
  const PostgresColumn& facts = table_.facts().columns[column];
  const std::string name = in_quotes(facts.name);
  if (is_changed(facts.name)) {
    table_.refuse("has column " + name + " twice in [[erasure.module]].columns: name it once");
  }
  const PostgresWritable writable = postgres_writable(facts);
  if (treatment == Treatment::token && !writable.text) {
    table_.refuse("cannot take the token in column " + name + " (" + facts.declared +
                  "), which holds no text or too little of it, is computed or refers to another "
                  "table: set it to null, or delete the rows");
  }
  if (treatment == Treatment::null && (!writable.nothing || is_in_primary_key(column))) {
    table_.refuse("cannot take NULL in column " + name +
                  ", which is NOT NULL, part of the primary key or computed: use the token where "
                  "it holds text, or delete the rows");
  }
  changes_.push_back({.column = column, .treatment = treatment});
}

std::string PostgresModuleRows::from() const {
  return table_.quoted() + " AS " + kPostgresLog;
}

void PostgresModuleRows::add_where(PostgresQuery& query, const Subject& subject) const {
  query.add(" WHERE ");
  add_value_match(query, table_.facts().columns[subject_], subject.person);
  add_tenant_match(query, tenant_, subject.tenant);
}

std::int64_t PostgresModuleRows::count(const Subject& subject) const {
  PostgresQuery query{"SELECT count(*) FROM " + from()};
  add_where(query, subject);
  PostgresStatement row = query.prepare(connection_);
  query.bind_to(row);
  if (!row.step()) {
    return 0;
  }
  const StoredView rows = row.column(0);
  return std::get<std::int64_t>(rows);
}

std::vector<std::string> PostgresModuleRows::columns() const {
  std::vector<std::string> names;
  for (const PostgresColumn& column : table_.facts().columns) {
    names.push_back(column.name);
  }
  return names;
}

std::string PostgresModuleRows::key_order() const {
  const PostgresTableFacts& facts = table_.facts();
  std::string order;
  for (std::size_t i = 0; i < facts.columns.size(); ++i) {
    if (is_in_primary_key(i)) {
      order += (order.empty() ? "" : ", ") + postgres_reading(facts.columns[i]);
    }
  }
  return order.empty() ? postgres_reading(facts.columns[subject_]) : order;
}

void PostgresModuleRows::for_each_row(const Subject& subject, const CellVisit& visit) const {
  std::string list;
  for (const PostgresColumn& column : table_.facts().columns) {
    list += (list.empty() ? "" : ", ") + postgres_reading(column);
  }
  PostgresQuery query{"SELECT " + list + " FROM " + from()};
  add_where(query, subject);
  query.add(" ORDER BY " + key_order());
  PostgresStatement rows = query.prepare(connection_, PostgresRows::by_cursor);
  query.bind_to(rows);
  std::vector<StoredView> cells(table_.facts().columns.size());
  while (rows.step()) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i] = rows.column(static_cast<int>(i));
    }
    visit(cells);
  }
}

std::int64_t PostgresModuleRows::change(const Subject& subject, const std::string& token) const {
  PostgresQuery query{action_ == ModuleAction::remove ? "DELETE FROM " + from()
                                                      : "UPDATE " + from() + " SET "};
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const std::string set = (i == 0 ? "" : ", ") +
                            postgres_quoted(table_.facts().columns[changes_[i].column].name) +
                            " = ";
    if (changes_[i].treatment == Treatment::token) {
      query.add(set, std::string_view{token}, "");
    } else {
      query.add(set + "NULL");
    }
  }
  add_where(query, subject);
  try {
    PostgresStatement write = query.prepare(connection_);
    query.bind_to(write);
    return write.run();
  } catch (const PostgresError& error) {
    throw postgres_refused_write(connection_, table_.facts().table.name, error);
  }
}

TableErasure PostgresModuleRows::erase(const Subject& subject, const std::string& token) const {
  TableErasure erasure{.before = count(subject)};
  erasure.changed = change(subject, token);
  erasure.after = count(subject);
  if (erasure.after != 0 || erasure.changed != erasure.before) {
    throw StorageError(StorageTrouble::other,
                       connection_.path() + ": table " + in_quotes(table_.facts().table.name) +
                           " had " + std::to_string(erasure.before) + " rows of the person, " +
                           std::to_string(erasure.changed) + " were changed and " +
                           std::to_string(erasure.after) +
                           " are left: it is taken back; look for what keeps or makes them");
  }
  return erasure;
}

void PostgresModuleRows::for_each_subject(const SubjectVisit& visit) const {
  visit_postgres_subjects(
      connection_,
      {{.table = table_.quoted(),
        .person = postgres_text_form(table_.facts().columns[subject_]),
        .tenant = tenant_ ? postgres_text_form(*tenant_) : std::string{kPostgresNothing}}},
      visit);
}

void visit_postgres_subjects(PostgresConnection& connection,
                             const std::vector<PostgresPersons>& sources,
                             const SubjectVisit& visit) {
  if (sources.empty()) {
    return;
  }
  std::string selects;
  for (const PostgresPersons& source : sources) {
    selects += (selects.empty() ? "SELECT " : " UNION SELECT ") + source.person +
               " AS person, coalesce(" + source.tenant + ", '') COLLATE \"C\" AS tenant FROM " +
               source.table + " AS " + kPostgresLog + " WHERE " + source.person + " IS NOT NULL";
  }
  PostgresStatement rows{
      connection,
      "SELECT DISTINCT person, tenant FROM (" + selects + ") AS persons ORDER BY person, tenant",
      PostgresRows::by_cursor};
  while (rows.step()) {
    const std::string tenant = text_at(rows, 1);
    visit({.tenant = tenant.empty() ? std::nullopt : std::optional{tenant},
           .person = text_at(rows, 0)});
  }
}

StorageError postgres_refused_write(const PostgresConnection& connection,
                                    const std::string& table,
                                    const PostgresError& error) {
  // Class 23: a constraint; 22001: too long for the column; P0001: a trigger's own words.
  const std::string& state = error.state();
  if (state.rfind("23", 0) != 0 && state != "22001" && state != "P0001") {
    return error;
  }
  return {StorageTrouble::other,
          connection.path() + ": table \"" + table + "\" refused the erasure (" + error.what() +
              "): it is taken back; erase first what refers to those rows"};
}

}  // namespace holdfast
