// SPDX-License-Identifier: Apache-2.0
// Partitions of partitions, and a log that is one itself.
#include <chrono>
#include <vector>

#include <catch2/catch.hpp>

#include "postgres_log.h"
#include "storage/postgres/postgres_partition_drop.h"
#include "storage/postgres/postgres_partitions.h"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("a partition of a partition goes out of that one", "[partitions]") {
  PostgresScratchLog log{
      "CREATE TABLE audit_events (id bigint, occurred_at timestamptz, tenant text, code text,"
      " retain_until bigint, PRIMARY KEY (tenant, occurred_at, id)) PARTITION BY LIST (tenant);"
      "CREATE TABLE acme PARTITION OF audit_events FOR VALUES IN ('acme') PARTITION BY RANGE"
      " (occurred_at, id);"
      "CREATE TABLE \"old; one\" PARTITION OF acme FOR VALUES FROM ('2020-01-01', 0) TO"
      " ('2021-01-01 01:00+01', MAXVALUE);"
      "CREATE TABLE rest PARTITION OF acme DEFAULT;"
      "INSERT INTO audit_events SELECT n, '2020-05-01', 'acme', 'A' FROM generate_series(1, 9) n;"
      "INSERT INTO audit_events VALUES (10, '2022-05-01', 'acme', 'A')"};
  LogMapping mapping{.id = {"tenant", "occurred_at", "id"}};
  mapping.time_format = TimeFormat::iso8601;
  const PostgresLogLayout layout = log.probe(mapping);
  PostgresPartitions store{log.connection(), layout};
  const std::vector<LogPartition> all = store.all();
  REQUIRE(all.size() == 2);
  const LogPartition& old = all.back();
  CHECK(old.name == "public.old; one");
  CHECK(old.objection.empty());
  REQUIRE(old.ends);
  CHECK(to_rfc3339(*old.ends) == "2021-01-01T00:00:00Z");
  const auto drop = store.begin_drop(old);
  CHECK(drop->read(100, [](const auto&, const auto&) { return true; }) == 9);
  drop->keep_rows();
  drop->take_write_lock();
  drop->drop(std::chrono::milliseconds{20});
  CHECK(log.ask("SELECT count(*) FROM audit_events") == "1");
}

TEST_CASE("a log that is a partition itself is not its own", "[partitions]") {
  PostgresScratchLog log{
      "CREATE TABLE audit_events (id bigint, occurred_at bigint, code text,"
      " PRIMARY KEY (occurred_at, id)) PARTITION BY RANGE (occurred_at);"
      "CREATE TABLE p0 PARTITION OF audit_events FOR VALUES FROM (0) TO (700)"};
  const PostgresLogLayout layout = log.probe({.table = "p0", .id = {"occurred_at", "id"}});
  CHECK(read_postgres_partitions(log.connection(), layout).empty());
}
