// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_partitions.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <variant>

#include "policy/event_time.h"
#include "storage/postgres/postgres_partition_drop.h"
#include "storage/postgres/postgres_row_reader.h"
#include "storage/postgres/postgres_statement.h"

namespace holdfast {
namespace {

// $1 is the log, $2 its column of times, $3 one partition or 0. "line" is a partition and all that
// it is a partition of: what fires, or is published, there holds for its rows.
// A bound is told as the server writes a value of the column, in quotes but for int4. The first
// column of the partition key is the one by which the partitions follow each other.
constexpr const char* kSelectPartitions = R"sql(
WITH leaf AS MATERIALIZED (
  SELECT t.relid::pg_catalog.oid AS oid, t.parentrelid::pg_catalog.oid AS parent
  FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) t
  WHERE t.isleaf AND t.level > 0
    AND ($3::pg_catalog.int8 = 0 OR t.relid = $3::pg_catalog.oid)
), line AS MATERIALIZED (
  SELECT leaf.oid AS leaf, a.relid::pg_catalog.oid AS oid
  FROM leaf CROSS JOIN LATERAL pg_catalog.pg_partition_ancestors(leaf.oid) a
)
SELECT c.oid::pg_catalog.int8, n.nspname, c.relname,
  pg_catalog.format('%I.%I', pn.nspname, pc.relname),
  coalesce((SELECT pg_catalog.format('%I.%I', dn.nspname, dc.relname)
            FROM pg_catalog.pg_class dc JOIN pg_catalog.pg_namespace dn ON dn.oid = dc.relnamespace
            WHERE dc.oid = p.partdefid), ''),
  CASE WHEN p.partstrat = 'r' AND pg_catalog.pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
       AND EXISTS (SELECT 1 FROM pg_catalog.pg_attribute a
                   JOIN pg_catalog.pg_opclass o ON o.oid = p.partclass[0]
                     AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace::pg_catalog.oid
                   WHERE a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
                     AND a.attname = $2::pg_catalog.text)
  THEN pg_catalog.substring(pg_catalog.pg_get_expr(c.relpartbound, c.oid),
                            ' TO \(''?([^'',)]*)''?[,)]') END,
  CASE
    WHEN c.relkind <> 'r' OR m.amname IS DISTINCT FROM 'heap' THEN 'it is no ordinary table'
    WHEN c.relpersistence <> 'p' THEN 'it is unlogged'
    WHEN NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
      THEN 'the role of [database].url does not own it'
    WHEN c.relrowsecurity THEN 'row security is on for it'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid)
      THEN 'other tables inherit from it'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid
                 AND NOT g.tgisinternal AND g.tgparentid = 0)
      THEN 'it has a trigger of its own'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_trigger g JOIN line ON line.oid = g.tgrelid
                 WHERE line.leaf = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'
                   AND (g.tgtype & 40::pg_catalog.int2) <> 0)
      THEN 'a trigger fires when rows of the log are deleted'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid)
      THEN 'it has a rule of its own'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'
                 AND k.confrelid = c.oid)
      THEN 'a foreign key refers to it'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.contype = 'f'
                 AND k.conrelid = c.oid AND k.conparentid = 0)
      THEN 'it has a foreign key of its own, whose other table would be locked too'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_depend d
                 JOIN pg_catalog.pg_class q ON q.oid = d.objid AND q.relkind = 'S'
                 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
                   AND d.refclassid = d.classid AND d.refobjid = c.oid AND d.deptype = 'a')
      THEN 'a sequence belongs to it, and would go with it'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_subscription_rel s JOIN line ON line.oid = s.srrelid
                 WHERE line.leaf = c.oid)
      THEN 'its rows come by a subscription, which would stop, and holds with it'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_publication_tables t
                 JOIN pg_catalog.pg_publication b ON b.pubname = t.pubname AND b.pubdelete
                 JOIN pg_catalog.pg_class lc ON lc.relname = t.tablename
                 JOIN pg_catalog.pg_namespace ln ON ln.oid = lc.relnamespace
                   AND ln.nspname = t.schemaname
                 JOIN line ON line.oid = lc.oid AND line.leaf = c.oid)
      THEN 'a publication tells others of deleted rows, and would not tell them of this'
    WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_event_trigger e WHERE e.evtenabled IN ('O', 'A'))
      THEN 'event triggers of the database might do more'
    ELSE '' END
FROM leaf
JOIN pg_catalog.pg_class c ON c.oid = leaf.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
JOIN pg_catalog.pg_class pc ON pc.oid = leaf.parent
JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace
JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = leaf.parent
)sql";

template <typename Number>
StoredView number_of(const std::string& text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end ? StoredView{number} : StoredView{};
}

/// The time that a bound means, read as a row's would be. Texts are in the order of their letters,
/// and not of what they mean.
std::optional<Instant> time_of(const std::string& bound, const PostgresLogLayout& layout) {
  StoredView value;
  switch (layout.times) {
    case PostgresTimes::integers:
      value = number_of<std::int64_t>(bound);
      break;
    case PostgresTimes::reals:
      value = number_of<double>(bound);
      break;
    case PostgresTimes::decimals:
      value = postgres_time(std::string_view{bound}, layout.times);
      break;
    case PostgresTimes::zoned:
    case PostgresTimes::unzoned:
      value = std::string_view{bound};
      break;
    case PostgresTimes::other:
      return std::nullopt;
  }
  return parse_event_time(value, layout.time_format);
}

PostgresPartition partition_of(const PostgresStatement& row, const PostgresLogLayout& layout) {
  const StoredView number = row.column(0);
  PostgresPartition partition;
  const PostgresTable table{.schema = text_at(row, 1), .name = text_at(row, 2)};
  partition.told.name = table.schema + "." + table.name;
  partition.told.table = static_cast<std::uint32_t>(std::get<std::int64_t>(number));
  partition.table = table.quoted();
  partition.parent = text_at(row, 3);
  partition.default_ = text_at(row, 4);
  partition.told.ends = time_of(text_at(row, 5), layout);
  partition.told.objection = text_at(row, 6);
  if (partition.told.objection.empty() && !layout.lookup_of.empty()) {
    // What a code means is in another table, which is not kept still while this one is read.
    partition.told.objection = "[events].code_lookup reads the codes from another table";
  }
  if (partition.told.objection.empty() && !partition.told.ends) {
    partition.told.objection = "no bound of it says at which time its rows end";
  }
  return partition;
}

}  // namespace

std::vector<PostgresPartition> read_postgres_partitions(PostgresConnection& connection,
                                                        const PostgresLogLayout& layout,
                                                        std::uint32_t only) {
  std::vector<PostgresPartition> partitions;
  if (layout.without_log) {
    return partitions;
  }
  PostgresStatement rows{connection, kSelectPartitions};
  rows.bind(1, static_cast<std::int64_t>(layout.where.oid));
  rows.bind(2, std::string_view{layout.shape.mapping.at("time")});
  rows.bind(3, static_cast<std::int64_t>(only));
  while (rows.step()) {
    partitions.push_back(partition_of(rows, layout));
  }
  return partitions;
}

std::vector<LogPartition> PostgresPartitions::all() {
  std::vector<LogPartition> partitions;
  for (PostgresPartition& partition : read_postgres_partitions(connection_, layout_)) {
    partitions.push_back(std::move(partition.told));
  }
  std::sort(partitions.begin(), partitions.end(), [](const auto& one, const auto& other) {
    return std::tie(one.ends, one.name) < std::tie(other.ends, other.name);
  });
  return partitions;
}

std::unique_ptr<PartitionDrop> PostgresPartitions::begin_drop(const LogPartition& partition) {
  return std::make_unique<PostgresPartitionDrop>(connection_, layout_, partition);
}

}  // namespace holdfast
