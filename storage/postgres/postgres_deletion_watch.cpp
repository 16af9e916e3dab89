// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_deletion_watch.h"

#include <string>
#include <variant>

#include "storage/postgres/postgres_statement.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kGone = R"sql(
SELECT coalesce(sum(pg_catalog.pg_stat_get_xact_tuples_deleted(oid)), 0)::pg_catalog.int8 FROM (
  SELECT relid::pg_catalog.oid AS oid FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid)
  UNION SELECT $1::pg_catalog.oid
) AS tree
)sql";

}  // namespace

void PostgresDeletionWatch::restart() {
  if (layout_.triggers) {
    before_ = gone();
  }
}

void PostgresDeletionWatch::require_at_most(std::int64_t wanted, const std::string& doing) {
  if (!layout_.triggers || gone() - before_ <= wanted) {
    return;
  }
  throw StorageError(StorageTrouble::other,
                     connection_.path() + ": table " + layout_.table + ": while " + doing +
                         ", a trigger deleted further rows of the table, and those may have to "
                         "stay, so it is taken back: drop that trigger (\"holdfast check\" names "
                         "it)");
}

std::int64_t PostgresDeletionWatch::gone() const {
  PostgresStatement row{connection_, kGone};
  row.bind(1, static_cast<std::int64_t>(layout_.where.oid));
  if (!row.step()) {
    return 0;
  }
  const StoredView rows = row.column(0);
  return std::get<std::int64_t>(rows);
}

}  // namespace holdfast
