// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_table_facts.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string_view>
#include <utility>
#include <variant>

#include "storage/postgres/postgres_statement.h"

namespace holdfast {
namespace {

// Each takes the table's oid for $1. The tree of a table is itself and all of its partitions.
constexpr const char* kTree = R"sql(
WITH tree AS MATERIALIZED (
  SELECT relid::pg_catalog.oid AS oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid)
  UNION SELECT $1::pg_catalog.oid
)
)sql";

constexpr const char* kSelectTable = R"sql(
SELECT c.relkind::pg_catalog.text,
  (c.relpersistence = 't')::pg_catalog.int4,
  EXISTS (SELECT 1 FROM tree JOIN pg_catalog.pg_class t USING (oid)
          WHERE t.relpersistence = 'u')::pg_catalog.int4,
  EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class t ON t.oid = i.inhrelid
          WHERE i.inhparent IN (SELECT oid FROM tree) AND NOT t.relispartition)::pg_catalog.int4,
  EXISTS (SELECT 1 FROM tree JOIN pg_catalog.pg_class t USING (oid)
          WHERE t.relkind = 'f')::pg_catalog.int4,
  EXISTS (SELECT 1 FROM tree WHERE pg_catalog.row_security_active(oid))::pg_catalog.int4,
  (pg_catalog.has_table_privilege(c.oid, 'SELECT')
   AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
   AND pg_catalog.has_any_column_privilege(c.oid, 'UPDATE'))::pg_catalog.int4
FROM pg_catalog.pg_class c WHERE c.oid = $1::pg_catalog.oid
)sql";

// A sequence that hands numbers out in blocks (CACHE) gives later rows of another session lower
// ones, and a default that does more than take the next number may do anything with it.
constexpr const char* kSelectColumns = R"sql(
WITH RECURSIVE base(number, type, typmod) AS (
  SELECT attnum, atttypid, atttypmod FROM pg_catalog.pg_attribute
  WHERE attrelid = $1::pg_catalog.oid AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT b.number, t.typbasetype, t.typtypmod FROM base b
  JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT a.attname, a.attnum, n.nspname, t.typname, t.typtype::pg_catalog.text, b.typmod,
  pg_catalog.format_type(a.atttypid, a.atttypmod),
  a.attnotnull::pg_catalog.int4,
  (a.atthasdef OR a.attidentity <> '')::pg_catalog.int4,
  (a.attgenerated <> '')::pg_catalog.int4,
  coalesce(l.collisdeterministic, true)::pg_catalog.int4,
  (EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
           JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid
           WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND d.refobjid = a.attrelid
             AND d.refobjsubid = a.attnum AND d.deptype = 'i'
             AND s.seqincrement > 0 AND NOT s.seqcycle AND s.seqcache = 1)
   OR EXISTS (SELECT 1 FROM pg_catalog.pg_attrdef f
              JOIN pg_catalog.pg_depend d ON d.objid = f.oid
                AND d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid
              JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.refobjid
              WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum AND a.attgenerated = ''
                AND s.seqincrement > 0 AND NOT s.seqcycle AND s.seqcache = 1
                AND pg_catalog.pg_get_expr(f.adbin, f.adrelid) OPERATOR(pg_catalog.~)
                    '^nextval\(''([^'']|'''')*''::regclass\)$'
                AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend p WHERE p.objid = f.oid
                  AND p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid
                  AND p.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid)))::pg_catalog.int4,
  EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conrelid = a.attrelid
          AND k.contype = 'f' AND a.attnum = ANY (k.conkey))::pg_catalog.int4
FROM pg_catalog.pg_attribute a
JOIN base b ON b.number = a.attnum
JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype <> 'd'
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
WHERE a.attrelid = $1::pg_catalog.oid
ORDER BY a.attnum
)sql";

// "whole" asks for the server's own comparison of each type: another might take different values
// for one. The columns after the key ones (INCLUDE) are left out.
constexpr const char* kSelectIndexes = R"sql(
SELECT c.relname,
  (i.indisunique AND i.indimmediate)::pg_catalog.int4,
  i.indisprimary::pg_catalog.int4,
  (i.indisvalid AND i.indisready AND i.indpred IS NULL AND m.amname = 'btree'
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_opclass o
                   WHERE o.oid = ANY (i.indclass::pg_catalog.oid[])
                     AND o.opcnamespace <> 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid)
  )::pg_catalog.int4,
  pg_catalog.array_to_string((i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1], ' ')
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE i.indrelid = $1::pg_catalog.oid
ORDER BY c.relname
)sql";

// Of a trigger that a partition has from its parent, the parent's own is enough.
constexpr const char* kSelectTriggers = R"sql(
SELECT g.tgname, c.relname, g.tgtype::pg_catalog.int4, g.tgdeferrable::pg_catalog.int4
FROM pg_catalog.pg_trigger g
JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid
WHERE g.tgrelid IN (SELECT oid FROM tree) AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
  AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger p
                  WHERE p.oid = g.tgparentid AND p.tgrelid IN (SELECT oid FROM tree))
ORDER BY g.tgname, c.relname
)sql";

constexpr const char* kSelectRules = R"sql(
SELECT r.rulename FROM pg_catalog.pg_rewrite r
WHERE r.ev_class IN (SELECT oid FROM tree) AND r.ev_enabled <> 'D' AND r.ev_type <> '1'
ORDER BY r.rulename
)sql";

constexpr const char* kSelectReferences = R"sql(
SELECT DISTINCT k.conrelid::pg_catalog.regclass::pg_catalog.text, a.attname, p.attname,
  k.confupdtype::pg_catalog.text, k.confdeltype::pg_catalog.text
FROM pg_catalog.pg_constraint k
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey))
  AS part(child, parent)
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = part.child
JOIN pg_catalog.pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = part.parent
WHERE k.contype = 'f' AND k.confrelid IN (SELECT oid FROM tree)
ORDER BY 1, 2, 3
)sql";

constexpr const char* kSelectNames = R"sql(
SELECT c.relname FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname = ANY ($1::pg_catalog.name[])
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
  AND c.relname NOT LIKE 'holdfast\_%'
ORDER BY c.relname
)sql";

// The columns are those of the table itself: a partition cannot have others.
constexpr const char* kSelectMark = R"sql(
SELECT pg_catalog.md5(coalesce(pg_catalog.string_agg(part, E'\n' ORDER BY part), ''))
FROM (
  SELECT 'c ' || a.attnum || ' ' || a.attname || ' ' || a.atttypid || ' ' || a.atttypmod || ' '
         || a.attnotnull || ' ' || a.attgenerated::pg_catalog.text AS part
  FROM pg_catalog.pg_attribute a
  WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT 'i ' || i.indexrelid || ' ' || i.indisunique || ' ' || i.indisvalid
  FROM pg_catalog.pg_index i WHERE i.indrelid = $1::pg_catalog.oid
  UNION ALL
  SELECT 't ' || g.oid || ' ' || g.tgenabled::pg_catalog.text FROM pg_catalog.pg_trigger g
  WHERE g.tgrelid IN (SELECT oid FROM tree) AND NOT g.tgisinternal AND g.tgparentid = 0
  UNION ALL
  SELECT 'r ' || r.oid || ' ' || r.ev_enabled::pg_catalog.text FROM pg_catalog.pg_rewrite r
  WHERE r.ev_class IN (SELECT oid FROM tree)
  UNION ALL
  SELECT 'f ' || k.oid FROM pg_catalog.pg_constraint k
  WHERE k.contype = 'f' AND k.confrelid IN (SELECT oid FROM tree)
  UNION ALL
  SELECT 's ' || oid || ' ' || relkind::pg_catalog.text || relpersistence::pg_catalog.text
         || relrowsecurity
  FROM tree JOIN pg_catalog.pg_class USING (oid)
  WHERE oid = $1::pg_catalog.oid OR relkind = 'f' OR relpersistence <> 'p' OR relrowsecurity
  UNION ALL
  SELECT 'o ' || o.oid FROM pg_catalog.pg_operator o
  JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
  WHERE n.nspname <> 'pg_catalog' AND n.nspname = ANY ($2::pg_catalog.name[])
) AS parts
)sql";

// pg_trigger.h
constexpr std::int64_t kOnInsert = 4;
constexpr std::int64_t kOnDelete = 8;
constexpr std::int64_t kOnUpdate = 16;

// What pg_attribute counts beside the letters of varchar(n) and char(n), and the length of a name.
constexpr int kLengthOffset = 4;
constexpr int kMostOfName = 63;

bool flag_at(const PostgresStatement& row, int column) {
  return integer_at(row, column) != 0;
}

char letter_at(const PostgresStatement& row, int column) {
  const std::string text = text_at(row, column);
  return text.empty() ? '\0' : text.front();
}

PostgresKind kind_of(const std::string& schema, const std::string& type, const std::string& sort) {
  if (sort == "e") {
    return PostgresKind::plain;
  }
  if (schema != "pg_catalog") {
    return PostgresKind::other;
  }
  static const std::vector<std::pair<std::string_view, PostgresKind>> kKnown{
      {"int2", PostgresKind::integer},
      {"int4", PostgresKind::integer},
      {"int8", PostgresKind::integer},
      {"float4", PostgresKind::real},
      {"float8", PostgresKind::real},
      {"numeric", PostgresKind::numeric},
      {"text", PostgresKind::text},
      {"varchar", PostgresKind::text},
      {"name", PostgresKind::text},
      {"bpchar", PostgresKind::padded},
      {"bytea", PostgresKind::bytes},
      {"uuid", PostgresKind::uuid},
      {"timestamp", PostgresKind::timestamp},
      {"timestamptz", PostgresKind::timestamptz},
      {"bool", PostgresKind::plain},
      {"date", PostgresKind::plain}};
  const auto found = std::find_if(
      kKnown.begin(), kKnown.end(), [&](const auto& known) { return known.first == type; });
  return found == kKnown.end() ? PostgresKind::other : found->second;
}

/// Whether values that the server calls equal are always written alike: 1.0 and 1.00 are equal
/// where no scale is declared, and "a" and "A" in some collations.
bool is_exact(PostgresKind kind, bool deterministic, bool limited) {
  switch (kind) {
    case PostgresKind::integer:
    case PostgresKind::bytes:
    case PostgresKind::uuid:
    case PostgresKind::timestamp:
    case PostgresKind::timestamptz:
    case PostgresKind::plain:
      return true;
    case PostgresKind::text:
    case PostgresKind::padded:
      return deterministic;
    case PostgresKind::numeric:
      return limited;
    case PostgresKind::real:
    case PostgresKind::other:
      return false;
  }
  return false;
}

PostgresColumn column_of(const PostgresStatement& row) {
  const std::string schema = text_at(row, 2);
  const std::string type = text_at(row, 3);
  PostgresColumn column{.name = text_at(row, 0),
                        .number = static_cast<int>(integer_at(row, 1)),
                        .kind = kind_of(schema, type, text_at(row, 4)),
                        .type = postgres_quoted(schema) + "." + postgres_quoted(type),
                        .declared = text_at(row, 6),
                        .limited = integer_at(row, 5) >= 0,
                        .not_null = flag_at(row, 7),
                        .has_default = flag_at(row, 8),
                        .generated = flag_at(row, 9),
                        .from_sequence = flag_at(row, 11),
                        .refers = flag_at(row, 12)};
  column.json = schema == "pg_catalog" && (type == "json" || type == "jsonb");
  const bool text = column.kind == PostgresKind::text || column.kind == PostgresKind::padded;
  if (text && type == "name") {
    column.most_letters = kMostOfName;
  } else if (text && column.limited) {
    column.most_letters = static_cast<int>(integer_at(row, 5)) - kLengthOffset;
  }
  column.exact = is_exact(column.kind, flag_at(row, 10), column.limited);
  return column;
}

std::optional<std::size_t> position_of(const PostgresTableFacts& facts, int number) {
  for (std::size_t i = 0; i < facts.columns.size(); ++i) {
    if (facts.columns[i].number == number) {
      return i;
    }
  }
  return std::nullopt;
}

PostgresIndex index_of(const PostgresTableFacts& facts, const PostgresStatement& row) {
  PostgresIndex index{.name = text_at(row, 0),
                      .unique = flag_at(row, 1),
                      .primary = flag_at(row, 2),
                      .whole = flag_at(row, 3)};
  std::istringstream numbers{text_at(row, 4)};
  for (int number = 0; numbers >> number;) {
    index.columns.push_back(position_of(facts, number));
  }
  return index;
}

PostgresTrigger trigger_of(const PostgresStatement& row) {
  const std::int64_t events = integer_at(row, 2);
  return {.name = text_at(row, 0),
          .table = text_at(row, 1),
          .on_insert = (events & kOnInsert) != 0,
          .on_update = (events & kOnUpdate) != 0,
          .on_delete = (events & kOnDelete) != 0,
          .deferrable = flag_at(row, 3)};
}

PostgresReference reference_of(const PostgresStatement& row) {
  return {.table = text_at(row, 0),
          .column = text_at(row, 1),
          .parent_column = text_at(row, 2),
          .on_update = letter_at(row, 3),
          .on_delete = letter_at(row, 4)};
}

void read_table(const PostgresStatement& row, PostgresTableFacts& facts) {
  facts.kind = letter_at(row, 0);
  facts.temporary = flag_at(row, 1);
  facts.unlogged = flag_at(row, 2);
  facts.inherited = flag_at(row, 3);
  facts.foreign_parts = flag_at(row, 4);
  facts.hides_rows = flag_at(row, 5);
  facts.may_delete = flag_at(row, 6);
}

}  // namespace

std::optional<std::size_t> PostgresTableFacts::find_column(const std::string& wanted) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == wanted) {
      return i;
    }
  }
  return std::nullopt;
}

std::optional<PostgresTableFacts> read_postgres_table(PostgresConnection& connection,
                                                      const std::string& name) {
  PostgresTableFacts facts{.table = find_postgres_table(connection, name)};
  if (facts.table.oid == 0) {
    return std::nullopt;
  }
  const auto each = [&](const std::string& sql, const auto& visit) {
    PostgresStatement rows{connection, sql};
    rows.bind(1, static_cast<std::int64_t>(facts.table.oid));
    while (rows.step()) {
      visit(rows);
    }
  };
  const std::string tree = kTree;
  each(tree + kSelectTable, [&](const PostgresStatement& row) { read_table(row, facts); });
  each(kSelectColumns,
       [&](const PostgresStatement& row) { facts.columns.push_back(column_of(row)); });
  each(kSelectIndexes,
       [&](const PostgresStatement& row) { facts.indexes.push_back(index_of(facts, row)); });
  each(tree + kSelectTriggers,
       [&](const PostgresStatement& row) { facts.triggers.push_back(trigger_of(row)); });
  each(tree + kSelectRules,
       [&](const PostgresStatement& row) { facts.rules.push_back(text_at(row, 0)); });
  each(tree + kSelectReferences,
       [&](const PostgresStatement& row) { facts.references.push_back(reference_of(row)); });
  return facts;
}

std::vector<std::string> postgres_table_names(PostgresConnection& connection) {
  std::vector<std::string> names;
  PostgresStatement rows{connection, kSelectNames};
  rows.bind_text(1, connection.server_schemas());
  while (rows.step()) {
    names.push_back(text_at(rows, 0));
  }
  return names;
}

std::string postgres_table_mark(PostgresConnection& connection, const PostgresTable& table) {
  PostgresStatement row{connection, std::string{kTree} + kSelectMark};
  row.bind(1, static_cast<std::int64_t>(table.oid));
  row.bind_text(2, connection.server_schemas());
  return row.step() ? text_at(row, 0) : std::string{};
}

}  // namespace holdfast
