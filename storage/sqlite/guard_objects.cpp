// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/guard_objects.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "storage/sqlite/guard_question.h"
#include "storage/sqlite/schema.h"
#include "storage/sqlite/table_facts.h"

namespace holdfast {
namespace {

constexpr const char* kSelectGuards = R"sql(
SELECT type, name, sql FROM sqlite_schema
WHERE name LIKE 'holdfast\_guard\_%' ESCAPE '\' AND type IN ('table', 'view', 'trigger')
ORDER BY name
)sql";

constexpr const char* kPassTable =
    "CREATE TABLE holdfast_guard_pass (\n"
    "  one INTEGER PRIMARY KEY CHECK (one = 1),\n"
    "  open INTEGER NOT NULL CHECK (open IN (0, 1))\n"
    ") STRICT";

// Times and stamps in the unit of the log.
constexpr const char* kTermsTable =
    "CREATE TABLE holdfast_guard_terms (\n"
    "  one INTEGER PRIMARY KEY CHECK (one = 1),\n"
    "  earliest ANY NOT NULL,\n"
    "  stamps_before ANY NOT NULL,\n"
    "  releases_before_ms INTEGER NOT NULL,\n"
    "  sealed_hold INTEGER NOT NULL\n"
    ") STRICT";

constexpr const char* kCutoffTable =
    "CREATE TABLE holdfast_guard_cutoff (\n"
    "  code TEXT NOT NULL PRIMARY KEY,\n"
    "  known_code TEXT NOT NULL,\n"
    "  category TEXT NOT NULL,\n"
    "  category_name TEXT NOT NULL,\n"
    "  before ANY NOT NULL\n"
    ") STRICT, WITHOUT ROWID";

// NULL where the pass is gone: then nobody has it.
constexpr const char* kNoPass = "(SELECT open FROM holdfast_guard_pass) IS NOT 1";

std::string trigger(const std::string& name, const std::string& event, const std::string& rest) {
  return "CREATE TRIGGER " + name + " " + event + "\nWHEN " + kNoPass + rest + "\nEND";
}

std::string refusal(const std::string& sentence, const std::string& where) {
  return "\n  SELECT RAISE(ABORT, 'holdfast guard: " + sentence + "')" +
         (where.empty() ? "" : "\n  WHERE " + where) + ";";
}

/// Hands what stands in the row to the question that decides; `what` is in its message.
std::string ask(const LogLayout& layout, const char* what) {
  const auto old = [](const std::string& column) {
    return column == "NULL" ? column : "OLD." + column;
  };
  const std::string newest = "(SELECT max(" + layout.key_columns.front() + ") FROM " +
                             layout.table + ") IS " + old(layout.key_columns.front());
  return std::string("\n  INSERT INTO ") + kGuardQuestion + " VALUES ('" + what + "',\n    " +
         guard_key_text(layout) + ",\n    " + old(layout.key_columns.front()) + ", " +
         (layout.shape.reuses_newest_key ? newest : "0") + ",\n    " + old(layout.time) + ", " +
         old(layout.raw_code) + ", " + old(layout.tenant) + ", " + old(layout.actor) + ", " +
         old(layout.subject) + ", " + old(layout.category) + ", " + old(layout.retain_until) + ");";
}

std::string both(const std::string& left, const char* word, const std::string& right) {
  if (left.empty() || right.empty()) {
    return left + right;
  }
  return left + word + right;
}

/// One over a part of the rows, or over an expression, is more than the guards can compare.
bool can_be_compared(const IndexFacts& index) {
  return !index.partial &&
         std::all_of(index.parts.begin(), index.parts.end(), [](const IndexPart& part) {
           return part.column.has_value();
         });
}

/// The columns of one unique index, as the row in the way and the new one have them.
std::string clash_of(const TableFacts& facts, const IndexFacts& index) {
  std::string clash;
  for (const IndexPart& part : index.parts) {
    const std::string column = quoted(facts.columns[*part.column].name);
    clash = both(clash,
                 " AND ",
                 "row_there." + column + " = NEW." + column + " COLLATE " + quoted(part.collation));
  }
  return "(" + clash + ")";
}

/// What makes a new row take the place of another one. Where the key is handed out by SQLite its
/// new value reads as -1 before it is.
std::string clashes(const LogLayout& layout, const TableFacts& facts) {
  std::string all;
  const std::string rowid = layout.rowid_alias    ? layout.key_columns.front()
                            : facts.without_rowid ? std::string{}
                                                  : rowid_name(facts);
  if (!rowid.empty()) {
    all = "(row_there." + rowid + " = NEW." + rowid + " AND NEW." + rowid + " <> -1)";
  }
  for (const IndexFacts& index : facts.indexes) {
    if (index.unique && can_be_compared(index)) {
      all = both(all, "\n      OR ", clash_of(facts, index));
    }
  }
  return all;
}

std::string other_content(const LogLayout& layout) {
  std::string other;
  for (const std::string& column : layout.columns) {
    std::string differs = "row_there." + column;
    differs += " IS NOT NEW." + column + " COLLATE BINARY OR typeof(row_there." + column;
    differs += ") <> typeof(NEW." + column + ")";
    other = both(other, "\n      OR ", differs);
  }
  return other;
}

/// The columns by which a row is found or kept from being there twice.
std::string other_identity(const LogLayout& layout, const TableFacts& facts) {
  std::string other;
  const auto add = [&other](const std::string& column) {
    other = both(other, " OR ", "OLD." + column + " IS NOT NEW." + column + " COLLATE BINARY");
  };
  const std::string rowid = facts.without_rowid ? std::string{} : rowid_name(facts);
  if (!rowid.empty()) {
    add(rowid);
  }
  for (const std::string& column : layout.key_columns) {
    add(column);
  }
  for (const IndexFacts& index : facts.indexes) {
    for (const IndexPart& part : index.parts) {
      if (index.unique && can_be_compared(index)) {
        add(quoted(facts.columns[*part.column].name));
      }
    }
  }
  return other;
}

void add_log_guards(const LogLayout& layout,
                    const TableFacts& facts,
                    std::vector<GuardObject>& guards) {
  const std::string on = " ON " + layout.table;
  const auto add = [&](const std::string& name, const std::string& event, const std::string& rest) {
    guards.push_back({"trigger", name, trigger(name, event + on, rest)});
  };
  add("holdfast_guard_log_delete", "BEFORE DELETE", "\nBEGIN" + ask(layout, "deleted"));
  add("holdfast_guard_log_update",
      "BEFORE UPDATE",
      "\nBEGIN" + ask(layout, "changed") +
          refusal("the key of a row of the audit log is never changed",
                  other_identity(layout, facts)));
  add("holdfast_guard_log_insert",
      "BEFORE INSERT",
      "\n  AND EXISTS (\n    SELECT 1 FROM " + layout.table + " AS row_there\n    WHERE (" +
          clashes(layout, facts) + ")\n      AND (" + other_content(layout) + "))\nBEGIN" +
          refusal("a row of the audit log with this key is there already and would be replaced",
                  ""));
}

/// A register that nobody else writes; those that others may add to have their own insert guard.
void add_register_guard(const std::string& table,
                        const char* event,
                        const std::string& when,
                        std::vector<GuardObject>& guards) {
  std::string verb = event;
  std::transform(verb.begin(), verb.end(), verb.begin(), [](char letter) {
    return static_cast<char>(letter - 'A' + 'a');
  });
  const std::string part = table.substr(table.find('_') + 1);
  const std::string name = "holdfast_guard_" + part + "_" + verb;
  guards.push_back({"trigger",
                    name,
                    trigger(name,
                            std::string("BEFORE ") + event + " ON " + table,
                            when + "\nBEGIN" +
                                refusal("the lines of " + table +
                                            " are written by Holdfast alone (\"holdfast --help\")",
                                        ""))});
}

// Programs place holds by inserting a hold and then its terms. A term of a kind that a hold does
// not have yet narrows it, so none is added to a hold that a run has met.
constexpr const char* kHoldIsThere =
    "\n  AND EXISTS (SELECT 1 FROM holdfast_hold WHERE id = NEW.id AND NEW.id <> -1)";
// One more term of a kind that the hold has makes it wider: that stays possible.
constexpr const char* kHoldIsSealed =
    "\n  AND NEW.hold_id <= (SELECT sealed_hold FROM holdfast_guard_terms)"
    "\n  AND NOT EXISTS (SELECT 1 FROM holdfast_hold_term"
    "\n    WHERE hold_id = NEW.hold_id AND kind = NEW.kind)"
    "\n  AND (EXISTS (SELECT 1 FROM holdfast_hold_term WHERE hold_id = NEW.hold_id)"
    "\n    OR EXISTS (SELECT 1 FROM holdfast_hold WHERE id = NEW.hold_id"
    "\n      AND (everything OR from_ms IS NOT NULL OR until_ms IS NOT NULL)))";
// What the triggers of the hold register do, for whoever places a hold.
constexpr const char* kNotTheNextHoldVersion =
    "\n  AND NOT (OLD.key = 'hold_version' AND NEW.key = OLD.key AND NEW.value IS OLD.value + 1)";

void add_register_guards(std::vector<GuardObject>& guards) {
  for (const std::string& table : register_names()) {
    const bool meta = table == "holdfast_meta";
    const char* insert = table == "holdfast_hold"        ? kHoldIsThere
                         : table == "holdfast_hold_term" ? kHoldIsSealed
                                                         : "";
    add_register_guard(table, "DELETE", "", guards);
    add_register_guard(table, "UPDATE", meta ? kNotTheNextHoldVersion : "", guards);
    add_register_guard(table, "INSERT", insert, guards);
  }
  for (const char* table : {"holdfast_guard_terms", "holdfast_guard_cutoff"}) {
    for (const char* event : {"DELETE", "UPDATE", "INSERT"}) {
      add_register_guard(table, event, "", guards);
    }
  }
  // Whoever takes the pass changes its one line.
  add_register_guard("holdfast_guard_pass", "DELETE", "", guards);
  add_register_guard("holdfast_guard_pass", "INSERT", "", guards);
}

}  // namespace

std::vector<GuardObject> guard_objects(Connection& connection, const LogLayout& layout) {
  const auto facts = read_table_facts(connection.db(), layout.shape.mapping.at("table"));
  if (!facts) {
    return {};
  }
  std::vector<GuardObject> guards = {{"table", "holdfast_guard_pass", kPassTable},
                                     {"table", "holdfast_guard_terms", kTermsTable},
                                     {"table", "holdfast_guard_cutoff", kCutoffTable}};
  add_guard_question(layout, guards);
  add_log_guards(layout, *facts, guards);
  add_register_guards(guards);
  return guards;
}

std::string unguarded_index(Connection& connection, const LogLayout& layout) {
  const auto facts = read_table_facts(connection.db(), layout.shape.mapping.at("table"));
  if (!facts) {
    return {};
  }
  const auto found =
      std::find_if(facts->indexes.begin(), facts->indexes.end(), [](const IndexFacts& index) {
        return index.unique && !can_be_compared(index);
      });
  return found == facts->indexes.end()
             ? std::string{}
             : "table " + layout.table + " has the unique index " + quoted(found->name) +
                   " over a part of its rows or over an expression: \"REPLACE\" can take rows away "
                   "past the guards";
}

std::vector<GuardObject> found_guards(Connection& connection) {
  SQLite::Statement query{connection.db(), kSelectGuards};
  std::vector<GuardObject> found;
  while (query.executeStep()) {
    found.push_back({query.getColumn(0).getString(),
                     query.getColumn(1).getString(),
                     query.getColumn(2).getString()});
  }
  return found;
}

bool is_guard(const std::vector<GuardObject>& guards,
              const std::string& name,
              const std::string& sql) {
  return std::any_of(guards.begin(), guards.end(), [&](const GuardObject& guard) {
    return guard.type == "trigger" && guard.name == name && guard.sql == sql;
  });
}

}  // namespace holdfast
