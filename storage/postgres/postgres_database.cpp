// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_database.h"

#include "storage/postgres/postgres_schema.h"
#include "storage/postgres/postgres_scopes.h"
#include "storage/postgres/postgres_statement.h"
#include "storage/postgres/postgres_table_facts.h"
#include "storage/postgres/postgres_vacuum.h"
#include "storage/registers/instant_lowering.h"

namespace holdfast {
namespace {

constexpr const char* kSelectIdentity = R"sql(
SELECT value FROM holdfast_meta WHERE key = 'database_id'
)sql";

// Not now(), which stands still in a transaction.
constexpr const char* kServerClock = R"sql(
SELECT pg_catalog.floor(EXTRACT(EPOCH FROM pg_catalog.clock_timestamp())
                        * 1000)::pg_catalog.int8
)sql";

constexpr const char* kDatabaseSize = R"sql(
SELECT pg_catalog.pg_database_size(pg_catalog.current_database())
)sql";

// Those that have partitions, by name: what is locked first lets nothing more be attached to it.
constexpr const char* kParents = R"sql(
SELECT pg_catalog.string_agg('ONLY ' || pg_catalog.format('%I.%I', n.nspname, c.relname), ', '
                             ORDER BY t.level, c.oid)
FROM pg_catalog.pg_partition_tree($1::pg_catalog.oid) t
JOIN pg_catalog.pg_class c ON c.oid = t.relid AND c.relkind = 'p'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
)sql";

constexpr std::int64_t kPageBytes = 8192;

/// Before anything is asked of the catalogue: an operator of others that fits better than
/// PostgreSQL's own would be called.
bool require_set_up(PostgresConnection& connection, const OpenOptions& options) {
  connection.keep_to_postgres_names();
  const bool set_up = is_set_up_in_postgres(connection);
  if (!set_up && !options.read_only) {
    throw StorageError(
        StorageTrouble::not_set_up,
        connection.path() + ": Holdfast's own tables are not there: run \"holdfast init\"");
  }
  return set_up;
}

/// Tables with partitions, as LOCK TABLE takes them; empty where the log is an ordinary table.
std::string partitioned_tables(PostgresConnection& connection, const PostgresTable& table) {
  PostgresStatement parents{connection, kParents};
  parents.bind(1, static_cast<std::int64_t>(table.oid));
  if (!parents.step()) {
    return {};
  }
  const StoredView names = parents.column(0);
  const auto* const text = std::get_if<std::string_view>(&names);
  return text == nullptr ? std::string{} : std::string{*text};
}

/// Until the end of the write nobody attaches or detaches a partition: a new one could bring a
/// trigger. Others go on reading and writing rows.
void keep_partitions(PostgresConnection& connection, const PostgresTable& table) {
  std::string locked;
  for (std::string now = partitioned_tables(connection, table); now != locked;
       now = partitioned_tables(connection, table)) {
    connection.exec("LOCK TABLE " + now + " IN SHARE UPDATE EXCLUSIVE MODE");
    locked = now;
  }
}

PostgresLogLayout layout_of(PostgresConnection& connection, const OpenOptions& options) {
  PostgresLogLayout layout = options.registers_only ? postgres_layout_without_log(connection)
                                                    : probe_postgres_log(connection, options);
  if (layout.triggers) {
    connection.use_server_path();
  }
  return layout;
}

std::string mark_of(PostgresConnection& connection, const PostgresLogLayout& layout) {
  return layout.without_log ? "" : postgres_table_mark(connection, layout.where);
}

bool appends_into_log(const PostgresLogLayout& layout, const OpenOptions& options) {
  return options.own_events_into_log && layout.shape.made_by_init;
}

}  // namespace

PostgresDatabase::PostgresDatabase(const OpenOptions& options)
    : beside_(options.path),
      connection_(options),
      home_{.connection = connection_, .set_up = require_set_up(connection_, options)},
      layout_(layout_of(connection_, options)),
      mark_(mark_of(connection_, layout_)),
      log_(connection_, layout_, appends_into_log(layout_, options)),
      partitions_(connection_, layout_),
      holds_(connection_, home_),
      ledger_(home_),
      policies_(home_),
      plans_(home_),
      bookmarks_(home_),
      first_seen_(home_),
      journal_(home_),
      erasures_(home_),
      exports_(home_),
      subjects_(connection_, home_.set_up, layout_),
      witness_outbox_(home_),
      restored_rows_(home_) {}

std::unique_ptr<KeySet> PostgresDatabase::new_key_set() {
  return layout_.integer_keys ? new_integer_key_set() : new_spilled_key_set();
}

std::string PostgresDatabase::identity() {
  if (!home_.set_up) {
    return "";
  }
  RegisterQuery row(home_, kSelectIdentity);
  return row.with().next() ? row.text(0) : "";
}

std::unique_ptr<WriteScope> PostgresDatabase::begin_write(Durability durability) {
  return std::make_unique<PostgresWriteScope>(connection_, durability);
}

std::unique_ptr<ReadScope> PostgresDatabase::begin_read() {
  return std::make_unique<PostgresReadScope>(connection_);
}

std::optional<Instant> PostgresDatabase::server_now() {
  PostgresStatement clock{connection_, kServerClock};
  if (!clock.step()) {
    return std::nullopt;
  }
  return from_unix_ms(std::get<std::int64_t>(clock.column(0)));
}

void PostgresDatabase::require_same_schema() {
  if (layout_.without_log) {
    return;
  }
  if (connection_.in_write()) {
    keep_partitions(connection_, layout_.where);
    // No trigger, rule or foreign key can come while this is held, and deleting takes it anyway.
    connection_.exec("LOCK TABLE " + layout_.table + " IN ROW EXCLUSIVE MODE");
    require_postgres_triggers(connection_);
  }
  if (mark_of(connection_, layout_) != mark_) {
    throw StorageError(StorageTrouble::other,
                       path() +
                           ": the table of the log, or an index or trigger on it, was changed "
                           "while Holdfast was at work: nothing more is deleted; run again, it "
                           "looks anew");
  }
}

SpaceReport PostgresDatabase::space() {
  PostgresStatement size{connection_, kDatabaseSize};
  return {.file_bytes = size.step() ? std::get<std::int64_t>(size.column(0)) : 0,
          .page_bytes = kPageBytes};
}

std::optional<std::int64_t> PostgresDatabase::give_room_back() {
  return vacuum_postgres_table(connection_, layout_.where, vacuum_statement());
}

std::string PostgresDatabase::vacuum_statement() const {
  return "VACUUM (ANALYZE) " + layout_.table;
}

std::vector<std::string> PostgresDatabase::lower_instants(Instant now) {
  return lower_own_instants(home_, now);
}

bool PostgresDatabase::take_run_lock() {
  return take_postgres_run_lock(connection_);
}

std::unique_ptr<Database> open_postgres(const OpenOptions& options) {
  return std::make_unique<PostgresDatabase>(options);
}

}  // namespace holdfast
