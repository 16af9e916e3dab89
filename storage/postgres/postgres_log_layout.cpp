// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_log_layout.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "policy/event_time.h"
#include "storage/postgres/postgres_mapped_table.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

/// The positions of the columns that the mapping names; none for those that are not there.
struct LogPlaces {
  std::vector<std::size_t> key;
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

std::optional<std::size_t> find_optional(const PostgresMappedTable& table,
                                         const OptionalColumn& column,
                                         const std::string& setting) {
  if (column.named_in_config) {
    return table.require_column({.name = column.name, .place = "[events]." + setting});
  }
  return table.facts().find_column(column.name);
}

LogPlaces find_places(const PostgresMappedTable& table, const LogMapping& mapping) {
  return {.key = find_postgres_key(table, mapping.id),
          .time = table.require_column({.name = mapping.time, .place = "[events].time"}),
          .code = table.require_column({.name = mapping.code, .place = "[events].code"}),
          .tenant = find_optional(table, mapping.tenant, "tenant"),
          .actor = find_optional(table, mapping.actor, "actor"),
          .subject = find_optional(table, mapping.subject, "subject"),
          .severity = find_optional(table, mapping.severity, "severity"),
          .metadata = find_optional(table, mapping.metadata, "metadata"),
          .category = find_optional(table, mapping.category, "category"),
          .retain_until = find_optional(table, mapping.retain_until, "retain_until")};
}

std::string reading_or_nothing(const PostgresTableFacts& facts,
                               std::optional<std::size_t> position) {
  return position ? postgres_reading(facts.columns[*position]) : kPostgresNothing;
}

std::string name_or_empty(const PostgresTableFacts& facts, std::optional<std::size_t> position) {
  return position ? facts.columns[*position].name : "";
}

std::optional<PostgresColumn> column_or_none(const PostgresTableFacts& facts,
                                             std::optional<std::size_t> position) {
  return position ? std::optional{facts.columns[*position]} : std::nullopt;
}

/// The text of a code, with a NUL where the code stands: no name can have one in it.
std::string lookup_sql(const PostgresMappedTable& log, const CodeLookup& lookup) {
  const PostgresMappedTable texts{log.connection(),
                                  {.name = lookup.table, .place = "[events].code_lookup.table"}};
  const std::size_t key =
      texts.require_column({.name = lookup.key, .place = "[events].code_lookup.key"});
  const std::size_t text =
      texts.require_column({.name = lookup.text, .place = "[events].code_lookup.text"});
  const PostgresTableFacts& facts = texts.facts();
  if (!is_unique_in(facts, key)) {
    texts.refuse("may have several texts for one \"" + facts.columns[key].name +
                 "\" ([events].code_lookup.key): make that column its PRIMARY KEY or UNIQUE");
  }
  const bool padded = facts.columns[text].kind == PostgresKind::padded;
  return "(SELECT holdfast_lookup." + postgres_quoted(facts.columns[text].name) +
         (padded ? "::pg_catalog.text" : "") + " FROM " + texts.quoted() +
         " AS holdfast_lookup WHERE holdfast_lookup." + postgres_quoted(facts.columns[key].name) +
         " = " + '\0' + ")";
}

PostgresTimes times_of(const PostgresColumn& column) {
  switch (column.kind) {
    case PostgresKind::integer:
      return PostgresTimes::integers;
    case PostgresKind::real:
      return PostgresTimes::reals;
    case PostgresKind::numeric:
      return PostgresTimes::decimals;
    case PostgresKind::timestamptz:
      return PostgresTimes::zoned;
    case PostgresKind::timestamp:
      return PostgresTimes::unzoned;
    case PostgresKind::text:
    case PostgresKind::padded:
    case PostgresKind::bytes:
    case PostgresKind::uuid:
    case PostgresKind::plain:
    case PostgresKind::other:
      return PostgresTimes::other;
  }
  return PostgresTimes::other;
}

constexpr std::size_t kOtherColumns = 3;  // id, time, retain_until

bool is_plain_text(const PostgresTableFacts& facts, std::optional<std::size_t> position) {
  return position && facts.columns[*position].kind == PostgresKind::text &&
         !facts.columns[*position].limited && !facts.columns[*position].generated;
}

bool is_whole_number(const PostgresTableFacts& facts, std::optional<std::size_t> position) {
  return position && facts.columns[*position].declared == "bigint" &&
         !facts.columns[*position].generated;
}

/// The columns of the table that `init` makes, each a column of its own and of its type; nothing
/// else has to be filled in.
bool is_made_by_init(const PostgresTableFacts& facts,
                     const LogMapping& mapping,
                     const LogPlaces& places,
                     const PostgresLogLayout& layout) {
  const std::vector<std::optional<std::size_t>> texts{
      places.code, places.tenant, places.actor, places.subject, places.severity, places.metadata};
  std::set<std::optional<std::size_t>> mapped{texts.begin(), texts.end()};
  mapped.insert({places.key.front(), places.time, places.retain_until});
  const bool texts_fit = std::all_of(
      texts.begin(), texts.end(), [&](const auto& column) { return is_plain_text(facts, column); });
  if (!layout.shape.ordered_keys || mapping.code_lookup ||
      layout.time_format != TimeFormat::unix_ms || !texts_fit ||
      !is_whole_number(facts, places.time) || !is_whole_number(facts, places.retain_until) ||
      mapped.size() != texts.size() + kOtherColumns) {
    return false;
  }
  for (std::size_t i = 0; i < facts.columns.size(); ++i) {
    const PostgresColumn& column = facts.columns[i];
    if (column.not_null && !column.has_default && !column.generated && !mapped.contains(i)) {
      return false;
    }
  }
  return true;
}

std::map<std::string, std::string> resolved_mapping(const PostgresTableFacts& facts,
                                                    const LogMapping& mapping,
                                                    const LogPlaces& places) {
  std::string id;
  for (const std::size_t column : places.key) {
    id += (id.empty() ? "" : ",") + facts.columns[column].name;
  }
  const CodeLookup lookup = mapping.code_lookup.value_or(CodeLookup{});
  return {{"table", facts.table.schema + "." + facts.table.name},
          {"id", id},
          {"time", name_or_empty(facts, places.time)},
          {"time_format", std::string{to_token(mapping.time_format)}},
          {"code", name_or_empty(facts, places.code)},
          {"tenant", name_or_empty(facts, places.tenant)},
          {"actor", name_or_empty(facts, places.actor)},
          {"subject", name_or_empty(facts, places.subject)},
          {"severity", name_or_empty(facts, places.severity)},
          {"metadata", name_or_empty(facts, places.metadata)},
          {"category", name_or_empty(facts, places.category)},
          {"retain_until", name_or_empty(facts, places.retain_until)},
          {"code_lookup.table", lookup.table},
          {"code_lookup.key", lookup.key},
          {"code_lookup.text", lookup.text}};
}

bool is_unix(TimeFormat format) {
  return format == TimeFormat::unix_s || format == TimeFormat::unix_ms ||
         format == TimeFormat::unix_us || format == TimeFormat::unix_real;
}

/// True where bounds can be compared with the column as it stands, and mean what the format means.
bool has_comparable_times(const PostgresLogLayout& layout) {
  switch (layout.times) {
    case PostgresTimes::integers:
    case PostgresTimes::reals:
      return is_unix(layout.time_format);
    case PostgresTimes::zoned:
      return layout.time_format == TimeFormat::iso8601;
    case PostgresTimes::unzoned:
      return layout.time_format == TimeFormat::utc_text;
    case PostgresTimes::decimals:
    case PostgresTimes::other:
      return false;
  }
  return false;
}

void choose_index(const PostgresTableFacts& facts,
                  const LogPlaces& places,
                  PostgresLogLayout& layout) {
  if (!has_comparable_times(layout) || !facts.columns[places.code].exact) {
    return;
  }
  layout.shape.code_time_index = has_postgres_index(facts, {places.code, places.time});
  if (!layout.shape.code_time_index) {
    layout.shape.index_advice = "CREATE INDEX ON " + layout.table + " (" +
                                postgres_quoted(facts.columns[places.code].name) + ", " +
                                postgres_quoted(facts.columns[places.time].name) + ")";
  }
}

bool finds_persons(const PostgresTableFacts& facts, const LogPlaces& places) {
  const auto found = [&](std::optional<std::size_t> person) {
    return !person || has_postgres_index(facts, {*person}) ||
           (places.tenant && has_postgres_index(facts, {*places.tenant, *person}));
  };
  return found(places.actor) && found(places.subject);
}

void refuse_children(const PostgresMappedTable& table, const LogMapping& mapping) {
  if (!mapping.children.empty()) {
    table.refuse(
        "has children in [events].children, which Holdfast does not delete in PostgreSQL yet: take "
        "them out, and keep their rows or delete them by other means first");
  }
  const auto& references = table.facts().references;
  if (!references.empty()) {
    table.refuse("is referred to by table \"" + references.front().table + "\" column \"" +
                 references.front().column +
                 "\" with a foreign key: a row could not go, or would take rows along that nobody "
                 "counts; drop that foreign key");
  }
}

void fill_columns(const PostgresTableFacts& facts,
                  const LogPlaces& places,
                  PostgresLogLayout& layout) {
  for (const std::size_t column : places.key) {
    layout.key.push_back({.name = postgres_quoted(facts.columns[column].name),
                          .type = facts.columns[column].type,
                          .kind = facts.columns[column].kind});
  }
  layout.integer_keys = layout.key.size() == 1 && layout.key.front().kind == PostgresKind::integer;
  for (const PostgresColumn& column : facts.columns) {
    if (!column.generated) {
      layout.columns.push_back(postgres_reading(column));
      layout.own_columns.push_back(postgres_quoted(column.name));
      layout.shape.columns.push_back(column.name);
    }
  }
  layout.tenant_column = column_or_none(facts, places.tenant);
  layout.actor_column = column_or_none(facts, places.actor);
  layout.subject_column = column_or_none(facts, places.subject);
  layout.metadata_column = column_or_none(facts, places.metadata);
  layout.persons_by_index = finds_persons(facts, places);
}

std::string in_log(const PostgresColumn& column) {
  return std::string{kPostgresLog} + "." + postgres_quoted(column.name);
}

std::string in_log(const char* name) {
  return std::string{kPostgresLog} + "." + postgres_quoted(name);
}

}  // namespace

std::string postgres_code_of(std::string lookup, const std::string& code) {
  const std::size_t at = lookup.find('\0');
  return at == std::string::npos ? code : lookup.replace(at, 1, code);
}

std::string postgres_reading(const PostgresColumn& column) {
  return column.kind == PostgresKind::padded ? in_log(column) + "::pg_catalog.text"
                                             : in_log(column);
}

std::string postgres_grouping(const PostgresColumn& column) {
  if (column.exact || column.kind == PostgresKind::real) {
    return postgres_reading(column);
  }
  const std::string value = in_log(column);
  // What the server writes for the value; format() makes an empty text of NULL.
  return "CASE WHEN " + value + " IS NOT NULL THEN pg_catalog.format('%s', " + value +
         ") COLLATE \"C\" END";
}

PostgresLogLayout probe_postgres_log(PostgresConnection& connection, const OpenOptions& options) {
  const LogMapping& mapping = options.mapping;
  const PostgresMappedTable table{connection, {.name = mapping.table, .place = "[events].table"}};
  const PostgresTableFacts& facts = table.facts();
  const LogPlaces places = find_places(table, mapping);
  PostgresLogLayout layout{.where = facts.table,
                           .table = table.quoted(),
                           .schema = postgres_quoted(connection.schema()),
                           .time = postgres_reading(facts.columns[places.time]),
                           .raw_code = postgres_reading(facts.columns[places.code]),
                           .tenant = reading_or_nothing(facts, places.tenant),
                           .actor = reading_or_nothing(facts, places.actor),
                           .subject = reading_or_nothing(facts, places.subject),
                           .category = reading_or_nothing(facts, places.category),
                           .retain_until = reading_or_nothing(facts, places.retain_until),
                           .severity = reading_or_nothing(facts, places.severity),
                           .metadata = reading_or_nothing(facts, places.metadata),
                           .time_format = mapping.time_format,
                           .times = times_of(facts.columns[places.time])};
  layout.lookup_of = mapping.code_lookup ? lookup_sql(table, *mapping.code_lookup) : std::string{};
  layout.code = postgres_code_of(layout.lookup_of, layout.raw_code);
  layout.stamps =
      places.retain_until ? times_of(facts.columns[*places.retain_until]) : PostgresTimes::other;
  layout.grouping = {
      postgres_grouping(facts.columns[places.code]),
      places.tenant ? postgres_grouping(facts.columns[*places.tenant]) : kPostgresNothing,
      places.category ? postgres_grouping(facts.columns[*places.category]) : kPostgresNothing};
  fill_columns(facts, places, layout);
  choose_index(facts, places, layout);
  refuse_children(table, mapping);
  layout.shape.ordered_keys =
      layout.integer_keys && facts.columns[places.key.front()].from_sequence;
  // The sequence gives numbers out in order, and transactions commit in any.
  layout.shape.rows_come_late = layout.shape.ordered_keys;
  layout.shape.has_tenant = places.tenant.has_value();
  layout.shape.mapping = resolved_mapping(facts, mapping, places);
  layout.shape.made_by_init = is_made_by_init(facts, mapping, places, layout);
  if (options.own_events_into_log && options.own_events_explicit && !layout.shape.made_by_init) {
    table.refuse(
        "cannot take Holdfast's own audit rows ([events].own_events = \"log\"): only the "
        "table that \"holdfast init\" makes can; set own_events = \"holdfast\"");
  }
  judge_postgres_log(connection, facts, layout);
  return layout;
}

PostgresLogLayout postgres_own_events(PostgresConnection& connection) {
  const PostgresColumn number{
      .kind = PostgresKind::integer, .type = "pg_catalog.int8", .exact = true};
  const auto text = [](const char* name) {
    return PostgresColumn{.name = name,
                          .kind = PostgresKind::text,
                          .type = "pg_catalog.text",
                          .declared = "text",
                          .exact = true};
  };
  PostgresLogLayout layout{
      .where = {.schema = connection.schema(), .name = "holdfast_event"},
      .table = postgres_quoted(connection.schema()) + ".holdfast_event",
      .schema = postgres_quoted(connection.schema()),
      .key = {{.name = postgres_quoted("id"), .type = number.type, .kind = number.kind}},
      .integer_keys = true,
      .time = in_log("occurred_at"),
      .raw_code = in_log("code"),
      .code = in_log("code"),
      .tenant = in_log("tenant"),
      .actor = in_log("actor"),
      .subject = in_log("subject"),
      .category = kPostgresNothing,
      .retain_until = in_log("retain_until"),
      .severity = in_log("severity"),
      .metadata = in_log("metadata"),
      .tenant_column = text("tenant"),
      .actor_column = text("actor"),
      .subject_column = text("subject"),
      .metadata_column = text("metadata"),
      .times = PostgresTimes::integers,
      .stamps = PostgresTimes::integers};
  layout.shape.ordered_keys = true;
  layout.shape.rows_come_late = true;
  layout.shape.mapping = {{"table", "holdfast_event"}};
  return layout;
}

PostgresLogLayout postgres_layout_without_log(PostgresConnection& connection) {
  PostgresLogLayout layout = postgres_own_events(connection);
  layout.table = "(SELECT * FROM " + layout.table + " WHERE false)";
  for (const char* const name : {"id", "occurred_at", "code"}) {
    layout.columns.push_back(in_log(name));
    layout.own_columns.push_back(postgres_quoted(name));
  }
  layout.grouping = {layout.raw_code, layout.tenant, layout.category};
  layout.without_log = true;
  return layout;
}

}  // namespace holdfast
