// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/log_triggers.h"

#include <string>
#include <vector>

#include "storage/sqlite/guard_objects.h"
#include "storage/sqlite/schema.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kTriggersOnOwnTables = R"sql(
  SELECT name, sql, tbl_name FROM sqlite_schema
  WHERE type = 'trigger' AND tbl_name LIKE 'holdfast\_%' ESCAPE '\'
  ORDER BY name
)sql";

constexpr const char* kUnwatched =
    ": SQLite tells nobody which rows a trigger deletes from a table WITHOUT ROWID, and those may "
    "have to stay; drop that trigger, or make the table one with rowids";

std::string named(const std::string& trigger) {
  return "trigger \"" + trigger + '"';
}

/// The triggers among these that are no guards: only what has the name of one and every letter of
/// it is taken for one.
std::vector<TriggerFacts> others_among(Connection& connection,
                                       const LogLayout& layout,
                                       std::vector<TriggerFacts> triggers) {
  const auto guards = found_guards(connection).empty() ? std::vector<GuardObject>{}
                                                       : guard_objects(connection, layout);
  std::erase_if(triggers, [&](const TriggerFacts& trigger) {
    return is_guard(guards, trigger.name, trigger.sql);
  });
  return triggers;
}

/// Holdfast writes its own tables in the transactions in which it deletes.
void refuse_triggers_on_own_tables(const MappedTable& table, const LogLayout& layout) {
  SQLite::Statement query{table.connection().db(), kTriggersOnOwnTables};
  while (query.executeStep()) {
    const TriggerFacts trigger{.name = query.getColumn(0).getString(),
                               .sql = query.getColumn(1).getString()};
    const bool other = !is_own_trigger(trigger.name, trigger.sql) &&
                       !others_among(table.connection(), layout, {trigger}).empty();
    if (other) {
      table.refuse("is WITHOUT ROWID, and " + named(trigger.name) + " fires when Holdfast writes " +
                   query.getColumn(2).getString() + kUnwatched);
    }
  }
}

void refuse_delete_trigger(const MappedTable& table,
                           const LogLayout& layout,
                           const TriggerFacts& trigger) {
  if (!layout.rowid_table) {
    table.refuse("is WITHOUT ROWID, and " + named(trigger.name) +
                 " fires when a row of it is deleted" + kUnwatched);
  }
  if (!layout.children.empty()) {
    table.refuse(
        "has " + named(trigger.name) +
        ", which fires when a row is deleted, and [events].children names tables: it could "
        "delete rows there whose row of the log has to stay, and nobody counts them; drop "
        "that trigger, or take children out of [events]");
  }
}

}  // namespace

void judge_triggers(const MappedTable& table, LogLayout& layout) {
  Connection& connection = table.connection();
  SQLite::Database& db = connection.db();
  const std::string& name = table.facts().name;
  std::vector<std::string>& doubts = layout.shape.doubts;
  for (const TriggerFacts& trigger : others_among(connection, layout, delete_triggers(db, name))) {
    refuse_delete_trigger(table, layout, trigger);
    doubts.push_back(named(trigger.name) +
                     " fires when a row is deleted: Holdfast does not count what it changes");
    layout.shape.deletes_fire_triggers = true;
    layout.shape.change_triggers.push_back(trigger.name);
  }
  if (!layout.rowid_table) {
    refuse_triggers_on_own_tables(table, layout);
  }
  const std::string outcome =
      layout.rowid_table
          ? "should it delete rows of the log while Holdfast writes, Holdfast takes that back and "
            "fails"
          : "the table is WITHOUT ROWID, where nobody would see rows of the log that it deletes, so "
            "Holdfast refuses to fire it";
  const auto doubt = [&](const std::vector<TriggerFacts>& triggers, const char* what) {
    for (const TriggerFacts& trigger : others_among(connection, layout, triggers)) {
      doubts.push_back(named(trigger.name) + " fires when a row is " + what + ": " + outcome);
    }
  };
  doubt(insert_triggers(db, name), "added");
  const std::vector<TriggerFacts> on_update = update_triggers(db, name);
  doubt(on_update, "changed");
  for (const TriggerFacts& trigger : others_among(connection, layout, on_update)) {
    layout.shape.change_triggers.push_back(trigger.name);
  }
}

void refuse_unwatched_triggers(Connection& connection,
                               const LogLayout& layout,
                               TriggerEvent event) {
  if (layout.rowid_table) {
    return;
  }
  SQLite::Database& db = connection.db();
  const std::string& name = layout.shape.mapping.at("table");
  const bool added = event == TriggerEvent::row_added;
  const auto others = others_among(
      connection, layout, added ? insert_triggers(db, name) : update_triggers(db, name));
  if (!others.empty()) {
    throw StorageError(StorageTrouble::mapping,
                       connection.path() + ": table " + layout.table + " is WITHOUT ROWID, and " +
                           named(others.front().name) + " fires when Holdfast " +
                           (added ? "puts a row back" : "erases a person from it") + kUnwatched);
  }
}

}  // namespace holdfast
