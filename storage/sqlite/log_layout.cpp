// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/log_layout.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "policy/event_time.h"
#include "storage/sqlite/log_triggers.h"
#include "storage/sqlite/mapped_table.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

/// The positions of the columns that the mapping names; none for those that are not there.
struct LogColumns {
  DeclaredKey key;
  std::size_t time = 0;
  std::size_t code = 0;
  std::optional<std::size_t> tenant;
  std::optional<std::size_t> actor;
  std::optional<std::size_t> subject;
  std::optional<std::size_t> severity;
  std::optional<std::size_t> metadata;
  std::optional<std::size_t> category;
  std::optional<std::size_t> retain_until;
};

bool is_numeric(TimeFormat format) {
  switch (format) {
    case TimeFormat::unix_s:
    case TimeFormat::unix_ms:
    case TimeFormat::unix_us:
    case TimeFormat::unix_real:
      return true;
    case TimeFormat::iso8601:
    case TimeFormat::utc_text:
      return false;
  }
  return false;
}

std::string place_of(const std::string& setting) {
  return "[events]." + setting;
}

std::optional<std::size_t> find_optional(const MappedTable& table,
                                         const OptionalColumn& column,
                                         const std::string& setting) {
  if (column.named_in_config) {
    return table.require_column({.name = column.name, .place = place_of(setting)});
  }
  return table.facts().find_column(column.name);
}

LogColumns find_columns(const MappedTable& table, const LogMapping& mapping) {
  return {.key = find_declared_key(table, mapping.id),
          .time = table.require_column({.name = mapping.time, .place = place_of("time")}),
          .code = table.require_column({.name = mapping.code, .place = place_of("code")}),
          .tenant = find_optional(table, mapping.tenant, "tenant"),
          .actor = find_optional(table, mapping.actor, "actor"),
          .subject = find_optional(table, mapping.subject, "subject"),
          .severity = find_optional(table, mapping.severity, "severity"),
          .metadata = find_optional(table, mapping.metadata, "metadata"),
          .category = find_optional(table, mapping.category, "category"),
          .retain_until = find_optional(table, mapping.retain_until, "retain_until")};
}

std::string quoted_or_null(const MappedTable& table, std::optional<std::size_t> position) {
  return position ? table.quoted_column(*position) : "NULL";
}

std::string name_or_nothing(const MappedTable& table, std::optional<std::size_t> position) {
  return position ? table.facts().columns[*position].name : "";
}

/// The text of an integer code, as a subquery. The alias is one that no audit log can have.
std::string lookup_expression(const MappedTable& log,
                              const std::string& raw_code,
                              const CodeLookup& lookup) {
  const MappedTable texts{log.connection(),
                          {.name = lookup.table, .place = "[events].code_lookup.table"}};
  const std::size_t key =
      texts.require_column({.name = lookup.key, .place = "[events].code_lookup.key"});
  const std::size_t text =
      texts.require_column({.name = lookup.text, .place = "[events].code_lookup.text"});
  if (!is_unique_column(texts.facts(), key)) {
    texts.refuse("may have several texts for one \"" + texts.facts().columns[key].name +
                 "\" ([events].code_lookup.key): make that column its PRIMARY KEY or UNIQUE");
  }
  const std::string alias = quoted("holdfast_lookup");
  return "(SELECT " + alias + "." + texts.quoted_column(text) + " FROM " +
         quoted(texts.facts().name) + " AS " + alias + " WHERE " + alias + "." +
         texts.quoted_column(key) + " = " + quoted(log.facts().name) + "." + raw_code + ")";
}

bool is_plain_ascending(const TableFacts& table, const IndexPart& part, std::size_t column) {
  return part.column == column && !part.descending && same_name(part.collation, "BINARY") &&
         same_name(table.columns[column].collation, "BINARY");
}

bool starts_with_code_and_time(const TableFacts& table,
                               const IndexFacts& index,
                               const LogColumns& columns) {
  // The primary key of a WITHOUT ROWID table is the table itself.
  return !index.partial && !(table.without_rowid && index.primary_key) && index.parts.size() >= 2 &&
         is_plain_ascending(table, index.parts[0], columns.code) &&
         is_plain_ascending(table, index.parts[1], columns.time);
}

bool holds_column(const IndexFacts& index, std::optional<std::size_t> column) {
  return !column || std::any_of(index.parts.begin(), index.parts.end(), [&](const IndexPart& part) {
    return part.column == column;
  });
}

void choose_index(const MappedTable& table, const LogColumns& columns, LogLayout& layout) {
  const TableFacts& facts = table.facts();
  // With a column of text a number would be compared as text. Then nothing can be read by ranges.
  if (!is_numeric(layout.time_format) || facts.columns[columns.time].affinity == Affinity::text) {
    return;
  }
  const IndexFacts* best = nullptr;
  for (const IndexFacts& index : facts.indexes) {
    if (!starts_with_code_and_time(facts, index, columns)) {
      continue;
    }
    const bool covers =
        holds_column(index, columns.tenant) && holds_column(index, columns.category);
    if (best == nullptr || (covers && !layout.groups_in_index)) {
      best = &index;
      layout.groups_in_index = covers;
    }
  }
  if (best != nullptr) {
    layout.code_time_index = quoted(best->name);
    return;
  }
  const std::string tenant = columns.tenant ? ", " + layout.tenant : "";
  layout.shape.index_advice = "CREATE INDEX " +
                              quoted(facts.name + "_" + facts.columns[columns.code].name + "_" +
                                     facts.columns[columns.time].name) +
                              " ON " + layout.table + " (" + layout.raw_code + ", " + layout.time +
                              tenant + ")";
}

std::string pass_order(const MappedTable& table, const LogLayout& layout) {
  std::string order;
  if (layout.rowid_table && !layout.rowid_alias) {
    order = rowid_name(table.facts());
  }
  if (!order.empty()) {
    return order;
  }
  for (const std::string& column : layout.key_columns) {
    order += (order.empty() ? "" : ", ") + column;
  }
  return order;
}

bool has_affinity(const TableFacts& table, std::optional<std::size_t> column, Affinity wanted) {
  return column && table.columns[*column].affinity == wanted && !table.columns[*column].generated;
}

constexpr std::size_t kOtherColumns = 3;  // id, time, retain_until

/// The columns of the table that `init` makes, each a column of its own and of its type. Never does
/// Holdfast write text codes into somebody's integers.
bool fits_own_events(const TableFacts& table, const LogColumns& columns) {
  const std::vector<std::optional<std::size_t>> texts{columns.code,
                                                      columns.tenant,
                                                      columns.actor,
                                                      columns.subject,
                                                      columns.severity,
                                                      columns.metadata};
  std::set<std::optional<std::size_t>> mapped{texts.begin(), texts.end()};
  mapped.insert({columns.key.columns.front(), columns.time, columns.retain_until});
  const bool texts_fit = std::all_of(texts.begin(), texts.end(), [&](const auto& column) {
    return has_affinity(table, column, Affinity::text);
  });
  return texts_fit && has_affinity(table, columns.time, Affinity::integer) &&
         has_affinity(table, columns.retain_until, Affinity::integer) &&
         mapped.size() == texts.size() + kOtherColumns;
}

bool is_made_by_init(const TableFacts& table,
                     const LogMapping& mapping,
                     const LogColumns& columns,
                     const LogLayout& layout) {
  if (!layout.rowid_alias || !layout.autoincrement || mapping.code_lookup ||
      layout.time_format != TimeFormat::unix_ms || !fits_own_events(table, columns)) {
    return false;
  }
  const std::set<std::string> filled{layout.key_columns.front(),
                                     layout.time,
                                     layout.raw_code,
                                     layout.tenant,
                                     layout.actor,
                                     layout.subject,
                                     layout.severity,
                                     layout.metadata,
                                     layout.retain_until};
  return std::all_of(table.columns.begin(), table.columns.end(), [&](const ColumnFacts& column) {
    return !column.not_null || column.has_default || column.generated ||
           filled.contains(quoted(column.name));
  });
}

std::map<std::string, std::string> resolved_mapping(const MappedTable& table,
                                                    const LogMapping& mapping,
                                                    const LogColumns& columns) {
  std::string id;
  for (const std::size_t column : columns.key.columns) {
    id += (id.empty() ? "" : ",") + table.facts().columns[column].name;
  }
  const CodeLookup lookup = mapping.code_lookup.value_or(CodeLookup{});
  return {{"table", table.facts().name},
          {"id", id},
          {"time", name_or_nothing(table, columns.time)},
          {"time_format", std::string{to_token(mapping.time_format)}},
          {"code", name_or_nothing(table, columns.code)},
          {"tenant", name_or_nothing(table, columns.tenant)},
          {"actor", name_or_nothing(table, columns.actor)},
          {"subject", name_or_nothing(table, columns.subject)},
          {"severity", name_or_nothing(table, columns.severity)},
          {"metadata", name_or_nothing(table, columns.metadata)},
          {"category", name_or_nothing(table, columns.category)},
          {"retain_until", name_or_nothing(table, columns.retain_until)},
          {"code_lookup.table", lookup.table},
          {"code_lookup.key", lookup.key},
          {"code_lookup.text", lookup.text}};
}

/// In an order that does not depend on that of the configuration.
std::string children_text(const std::vector<ChildShape>& children) {
  std::set<std::string> texts;
  for (const ChildShape& child : children) {
    std::string columns;
    for (const std::string& column : child.columns) {
      columns += (columns.empty() ? "" : ",") + column;
    }
    texts.insert(child.table + "(" + columns + ")");
  }
  std::string list;
  for (const std::string& text : texts) {
    list += (list.empty() ? "" : " ") + text;
  }
  return list;
}

void add_children(const MappedTable& table,
                  const LogColumns& columns,
                  const LogMapping& mapping,
                  LogLayout& layout) {
  ChildTables children = probe_children(table, columns.key, mapping);
  layout.children = std::move(children.layouts);
  layout.shape.children = std::move(children.shapes);
  layout.shape.doubts = std::move(children.doubts);
  // Named only where there are any: a mapping without children reads as it always has.
  if (!layout.children.empty()) {
    layout.shape.mapping["children"] = children_text(layout.shape.children);
  }
}

void doubt_index(const MappedTable& table, const LogColumns& columns, LogLayout& layout) {
  const ColumnFacts& time = table.facts().columns[columns.time];
  if (!is_numeric(layout.time_format)) {
    layout.shape.doubts.emplace_back(
        "times are stored as text, so every plan reads the whole table");
    return;
  }
  if (time.affinity == Affinity::text) {
    layout.shape.doubts.push_back("column \"" + time.name + "\" is declared as text, but " +
                                  "[events].time_format is a number: no row will have a time that "
                                  "can be read");
    return;
  }
  if (layout.code_time_index.empty()) {
    layout.shape.doubts.emplace_back(
        "no index starts with code and time, so every plan reads the whole table");
  } else if (!layout.groups_in_index) {
    layout.shape.doubts.push_back(
        "index " + layout.code_time_index +
        " lacks the tenant or the category, so counting the rows reads the whole table");
  }
}

void collect_doubts(const MappedTable& table, const LogColumns& columns, LogLayout& layout) {
  std::vector<std::string>& doubts = layout.shape.doubts;
  judge_triggers(table, layout);
  doubt_index(table, columns, layout);
  if (!table.connection().wal()) {
    doubts.emplace_back(
        "the database keeps a rollback journal, where readers and writers wait for each other: "
        "\"PRAGMA journal_mode = WAL\" avoids that");
  }
  if (!columns.tenant) {
    doubts.emplace_back(
        "no tenant column ([events].tenant): windows and limits of single tenants cannot apply");
  }
  if (layout.shape.reuses_newest_key) {
    doubts.push_back("the keys of " + layout.table +
                     " are not AUTOINCREMENT: the newest row always stays, because its id would be "
                     "given out again");
  }
}

}  // namespace

LogLayout probe_log(Connection& connection, const OpenOptions& options) {
  const LogMapping& mapping = options.mapping;
  const MappedTable table{connection, {.name = mapping.table, .place = "[events].table"}};
  const LogColumns columns = find_columns(table, mapping);

  LogLayout layout{.table = quoted(table.facts().name),
                   .rowid_table = !table.facts().without_rowid,
                   .rowid_alias = columns.key.rowid_alias,
                   .autoincrement = table.facts().autoincrement,
                   .time = table.quoted_column(columns.time),
                   .raw_code = table.quoted_column(columns.code),
                   .tenant = quoted_or_null(table, columns.tenant),
                   .actor = quoted_or_null(table, columns.actor),
                   .subject = quoted_or_null(table, columns.subject),
                   .category = quoted_or_null(table, columns.category),
                   .retain_until = quoted_or_null(table, columns.retain_until),
                   .severity = quoted_or_null(table, columns.severity),
                   .metadata = quoted_or_null(table, columns.metadata),
                   .time_format = mapping.time_format};
  for (const std::size_t column : columns.key.columns) {
    layout.key_columns.push_back(table.quoted_column(column));
  }
  layout.code = mapping.code_lookup
                    ? lookup_expression(table, layout.raw_code, *mapping.code_lookup)
                    : layout.raw_code;
  for (const ColumnFacts& column : table.facts().columns) {
    if (!column.generated) {
      layout.columns.push_back(quoted(column.name));
      layout.shape.columns.push_back(column.name);
    }
  }
  layout.pass_order = pass_order(table, layout);
  choose_index(table, columns, layout);

  layout.shape.ordered_keys = layout.rowid_alias;
  layout.shape.keys_in_index = layout.rowid_alias;  // each index of SQLite ends with the rowid
  layout.shape.reuses_newest_key = layout.rowid_alias && !layout.autoincrement;
  layout.shape.code_time_index = !layout.code_time_index.empty();
  layout.shape.has_tenant = columns.tenant.has_value();
  layout.shape.mapping = resolved_mapping(table, mapping, columns);
  add_children(table, columns, mapping, layout);
  layout.shape.made_by_init = is_made_by_init(table.facts(), mapping, columns, layout);
  if (options.own_events_into_log && options.own_events_explicit && !layout.shape.made_by_init) {
    table.refuse(
        "cannot take Holdfast's own audit rows ([events].own_events = \"log\"): only the "
        "table that \"holdfast init\" makes can; set own_events = \"holdfast\"");
  }
  collect_doubts(table, columns, layout);
  return layout;
}

}  // namespace holdfast
