// SPDX-License-Identifier: Apache-2.0
// What is said about a log that can be used, and which triggers stand in the way of using it.

#include <algorithm>
#include <string>
#include <utility>

#include "storage/postgres/postgres_log_layout.h"
#include "storage/postgres/postgres_statement.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

// Holdfast writes its own tables in the transactions in which it deletes.
// All but those that count changes of holds and bookmarks, whose function is_set_up_in_postgres()
// compares.
constexpr const char* kForeignTriggers = R"sql(
SELECT g.tgname || '" of table "' || c.relname FROM pg_catalog.pg_trigger g
JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
WHERE n.nspname = $1 AND c.relname LIKE 'holdfast\_%' AND NOT g.tgisinternal
  AND g.tgenabled <> 'D'
  AND NOT (g.tgname IN ('hold_changed', 'hold_emptied')
           AND c.relname IN ('holdfast_hold', 'holdfast_hold_term', 'holdfast_bookmark')
           AND p.proname = 'holdfast_hold_changed' AND p.pronamespace = n.oid)
ORDER BY 1
)sql";

// Operators over PostgreSQL's own types that somebody has added where the role looks for them:
// varchar, for one, has no = of its own, so that one over varchar would be taken instead of that
// over text. Those of types that an extension brings are not meant.
constexpr const char* kForeignOperators = R"sql(
SELECT o.oprname::pg_catalog.text, n.nspname::pg_catalog.text FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
JOIN pg_catalog.pg_type l ON l.oid = o.oprleft
JOIN pg_catalog.pg_namespace ln ON ln.oid = l.typnamespace
JOIN pg_catalog.pg_type r ON r.oid = o.oprright
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.typnamespace
WHERE n.nspname <> 'pg_catalog' AND n.nspname = ANY ($1::pg_catalog.name[])
  AND ln.nspname = 'pg_catalog' AND rn.nspname = 'pg_catalog'
  AND o.oprname IN ('=', '<>', '<', '<=', '>', '>=', '||', '+', '-', '*', '/', '~~', '!~~')
ORDER BY 1, 2
)sql";

// Settings, as they are for this role, by which the server writes the values of statements into its
// own log. Servers before 13 cannot leave them out.
constexpr const char* kLoggedValues = R"sql(
SELECT pg_catalog.string_agg(name || ' = ' || setting, ', ' ORDER BY name)
FROM pg_catalog.pg_settings
WHERE (coalesce(pg_catalog.current_setting('log_parameter_max_length', true), '-1') <> '0'
       AND ((name = 'log_statement' AND setting IN ('mod', 'all'))
            OR (name = 'log_min_duration_statement' AND setting <> '-1')
            OR (name = 'log_min_duration_sample' AND setting <> '-1')
            OR (name = 'log_transaction_sample_rate' AND setting <> '0')))
   OR (name = 'auto_explain.log_min_duration' AND setting <> '-1'
       AND pg_catalog.current_setting('auto_explain.log_parameter_max_length', true) <> '0')
   OR (name = 'pgaudit.log_parameter' AND setting = 'on')
   OR (name = 'log_parameter_max_length_on_error' AND setting <> '0')
)sql";

[[noreturn]] void refuse(const PostgresConnection& connection,
                         const PostgresTableFacts& facts,
                         const std::string& what) {
  throw StorageError(StorageTrouble::mapping,
                     connection.path() + ": table \"" + facts.table.name + "\" " + what);
}

std::string named(const PostgresTrigger& trigger) {
  return "trigger \"" + trigger.name + "\" of table \"" + trigger.table + "\"";
}

void judge_operators(PostgresConnection& connection, const PostgresTableFacts& facts) {
  PostgresStatement others{connection, kForeignOperators};
  others.bind_text(1, connection.server_schemas());
  if (!others.step()) {
    return;
  }
  const auto word = [&](int column) {
    const StoredView value = others.column(column);
    const auto* const text = std::get_if<std::string_view>(&value);
    return std::string{text == nullptr ? "" : *text};
  };
  refuse(connection,
         facts,
         "cannot be pruned: operator \"" + word(0) + "\" of schema \"" + word(1) +
             "\" compares PostgreSQL's own types and is not PostgreSQL's, and would decide which "
             "row goes: drop it, or take the schema out of the search_path of this role");
}

void judge_triggers(PostgresConnection& connection,
                    const PostgresTableFacts& facts,
                    PostgresLogLayout& layout) {
  const bool counted = connection.ask("SHOW track_counts") == "on";
  for (const PostgresTrigger& trigger : facts.triggers) {
    if (trigger.deferrable) {
      refuse(connection,
             facts,
             "has the " + named(trigger) +
                 ", which may fire at the commit, when nobody looks any more at what it deletes: "
                 "make it one that is not deferrable, or drop it");
    }
    if (!counted) {
      refuse(connection,
             facts,
             "has the " + named(trigger) +
                 ", and track_counts is off, so nobody would see which rows it deletes: turn "
                 "track_counts on, or drop the trigger");
    }
    if (trigger.on_delete) {
      layout.shape.deletes_fire_triggers = true;
      layout.shape.doubts.push_back(
          named(trigger) +
          " fires when a row is deleted: Holdfast does not count what it changes elsewhere, and "
          "takes the step back where it deletes further rows of the log");
    } else if (trigger.on_insert || trigger.on_update) {
      layout.shape.doubts.push_back(
          named(trigger) +
          " fires when a row is added or changed: should it delete rows of the log while Holdfast "
          "writes, Holdfast takes that back and fails");
    }
    // Each partition has a trigger of the same name.
    std::vector<std::string>& listed = layout.shape.change_triggers;
    if ((trigger.on_delete || trigger.on_update) &&
        std::find(listed.begin(), listed.end(), trigger.name) == listed.end()) {
      listed.push_back(trigger.name);
    }
    layout.triggers = true;
  }
  PostgresStatement others{connection, kForeignTriggers};
  others.bind(1, std::string_view{connection.schema()});
  if (others.step()) {
    const StoredView name = others.column(0);
    const auto* const text = std::get_if<std::string_view>(&name);
    refuse(connection,
           facts,
           "cannot be pruned: trigger \"" + std::string{text == nullptr ? "" : *text} +
               "\" fires when Holdfast writes what is its own, and could delete rows of the log "
               "then: drop it");
  }
}

const char* const kNoTimes = ": no row will have a time that can be read";

/// What is wrong between the type of the column and the format; empty where nothing is.
std::string time_doubt(const PostgresLogLayout& layout) {
  const std::string column = layout.shape.mapping.at("time");
  const bool numbers =
      layout.time_format != TimeFormat::iso8601 && layout.time_format != TimeFormat::utc_text;
  switch (layout.times) {
    case PostgresTimes::zoned:
      return layout.time_format == TimeFormat::iso8601
                 ? ""
                 : "column \"" + column +
                       "\" has times with a zone: [events].time_format has to be iso8601" +
                       kNoTimes;
    case PostgresTimes::unzoned:
      return layout.time_format == TimeFormat::utc_text
                 ? ""
                 : "column \"" + column +
                       "\" has times without a zone: where they are UTC, [events].time_format has "
                       "to be utc_text" +
                       kNoTimes;
    case PostgresTimes::integers:
    case PostgresTimes::reals:
    case PostgresTimes::decimals:
      return numbers ? ""
                     : "column \"" + column +
                           "\" has numbers: [events].time_format has to be unix_s, unix_ms, "
                           "unix_us or unix_real" +
                           kNoTimes;
    case PostgresTimes::other:
      return numbers ? "column \"" + column + "\" has text, but [events].time_format is a number" +
                           kNoTimes
                     : "";
  }
  return "";
}

void judge_reading(PostgresLogLayout& layout) {
  std::vector<std::string>& doubts = layout.shape.doubts;
  std::string doubt = time_doubt(layout);
  if (!doubt.empty()) {
    doubts.push_back(std::move(doubt));
  } else if (layout.times == PostgresTimes::other) {
    doubts.emplace_back("times are stored as text, so every plan reads the whole table");
  } else if (layout.times == PostgresTimes::decimals) {
    doubts.emplace_back("times are stored as numeric, so every plan reads the whole table");
  } else if (!layout.shape.code_time_index) {
    doubts.emplace_back("no index starts with code and time, so every plan reads the whole table");
  }
  if (!layout.shape.has_tenant) {
    doubts.emplace_back(
        "no tenant column ([events].tenant): windows and limits of single tenants cannot apply");
  }
}

}  // namespace

void judge_postgres_log(PostgresConnection& connection,
                        const PostgresTableFacts& facts,
                        PostgresLogLayout& layout) {
  judge_operators(connection, facts);
  judge_triggers(connection, facts, layout);
  judge_reading(layout);
  std::vector<std::string>& doubts = layout.shape.doubts;
  if (facts.unlogged) {
    doubts.emplace_back(
        "the table, or a partition of it, is UNLOGGED: the server empties it after a crash");
  }
  if (!facts.may_delete) {
    doubts.emplace_back(
        "this role may not SELECT, DELETE and UPDATE there: without UPDATE no row can be locked "
        "before it goes, so no run will work");
  }
  if (const std::string settings = connection.ask(kLoggedValues); !settings.empty()) {
    doubts.push_back(
        "the server writes values of statements into its own log (" + settings +
        "), so that the names of persons stay there after their erasure, which does not reach it: "
        "let a superuser say ALTER ROLE … SET log_parameter_max_length = 0 for the roles that "
        "write names, or keep that log no longer than names may be kept");
  }
}

}  // namespace holdfast
