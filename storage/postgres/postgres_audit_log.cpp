// SPDX-License-Identifier: Apache-2.0
#include "storage/postgres/postgres_audit_log.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>
#include <vector>

#include "storage/postgres/postgres_candidates.h"
#include "storage/postgres/postgres_log_counts.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

// Enough that the way to the server costs little beside the rows, few enough for wide rows.
constexpr std::size_t kMostKeys = 1000;
constexpr std::size_t kMostWholeRows = 500;
// Few enough that there is always something to decide while the server deletes.
constexpr std::size_t kMostDecided = 500;

/// By the declared key and nothing else: the place of a row (ctid) is another row's in another
/// partition.
std::string dispose_sql(const PostgresLogLayout& layout, const std::string& shown) {
  return "DELETE FROM " + layout.table + " AS " + kPostgresLog + " USING " +
         postgres_key_table(layout) + " WHERE " + postgres_key_join(layout) + " RETURNING " + shown;
}

}  // namespace

PostgresAuditLog::PostgresAuditLog(PostgresConnection& connection,
                                   PostgresLogLayout layout,
                                   bool append_into_log)
    : connection_(connection),
      layout_(std::move(layout)),
      append_into_log_(append_into_log),
      fact_columns_(PostgresRowReader::columns(layout_)),
      whole_columns_(PostgresRowReader::whole_columns(layout_)),
      dispose_sql_(dispose_sql(layout_, PostgresRowReader::key_columns(layout_))),
      dispose_shown_sql_(dispose_sql(layout_, whole_columns_.list())),
      watch_(connection, layout_) {
  assert(!append_into_log || layout_.shape.made_by_init);
}

std::string PostgresAuditLog::title() const {
  return connection_.path() + ": table " + layout_.table;
}

std::string PostgresAuditLog::lock() const {
  return connection_.in_write() && !layout_.without_log
             ? std::string{" FOR UPDATE OF "} + kPostgresLog
             : std::string{};
}

std::optional<std::int64_t> PostgresAuditLog::end_key(const char* end) {
  if (!layout_.shape.ordered_keys) {
    return std::nullopt;
  }
  PostgresStatement row{connection_,
                        std::string{"SELECT "} + end + "(" + kPostgresLog + "." +
                            layout_.key.front().name + ") FROM " + layout_.table + " AS " +
                            kPostgresLog};
  if (!row.step()) {
    return std::nullopt;
  }
  const StoredView found = row.column(0);
  const auto* const key = std::get_if<std::int64_t>(&found);
  return key == nullptr ? std::nullopt : std::optional{*key};
}

std::int64_t PostgresAuditLog::count_rows(std::optional<std::int64_t> up_to) {
  return count_postgres_rows(connection_, layout_, up_to);
}

std::int64_t PostgresAuditLog::count_rows_between(std::int64_t after, std::int64_t up_to) {
  const std::string key = std::string{kPostgresLog} + "." + layout_.key.front().name;
  PostgresStatement row{connection_,
                        "SELECT count(*) FROM " + layout_.table + " AS " + kPostgresLog +
                            " WHERE " + key + " > $1::pg_catalog.int8 AND " + key +
                            " <= $2::pg_catalog.int8"};
  row.bind(1, after);
  row.bind(2, up_to);
  return row.step() ? integer_at(row, 0) : 0;
}

void PostgresAuditLog::pass(const std::string& columns,
                            std::optional<std::int64_t> up_to,
                            const StatementVisit& visit) {
  const bool bounded = up_to && layout_.shape.ordered_keys;
  // No order is asked for: the server reads the table as it lies, and nobody relies on one.
  PostgresStatement rows{connection_,
                         "SELECT " + columns + " FROM " + layout_.table + " AS " + kPostgresLog +
                             (bounded ? " WHERE " + std::string{kPostgresLog} + "." +
                                            layout_.key.front().name + " <= $1::pg_catalog.int8"
                                      : ""),
                         PostgresRows::by_cursor};
  if (bounded) {
    rows.bind(1, *up_to);
  }
  while (rows.step()) {
    visit(rows);
  }
}

void PostgresAuditLog::scan_all(std::optional<std::int64_t> up_to,
                                std::chrono::milliseconds /*longest_read*/,
                                const RowVisit& visit) {
  PostgresRowReader reader = new_reader();
  pass(fact_columns_, up_to, [&](const PostgresStatement& row) { visit(reader.read(row)); });
}

void PostgresAuditLog::for_each_key(const KeyVisit& visit) {
  PostgresRowReader reader = new_reader();
  pass(PostgresRowReader::key_columns(layout_), {}, [&](const PostgresStatement& row) {
    visit(reader.read_key(row));
  });
}

void PostgresAuditLog::count_groups(std::optional<std::int64_t> up_to,
                                    const GroupVisit& visit,
                                    const Pulse& pulse) {
  count_postgres_groups(connection_, layout_, up_to, visit, pulse);
}

void PostgresAuditLog::count_days(std::optional<std::int64_t> up_to, const DayVisit& visit) {
  count_postgres_days(connection_, layout_, up_to, visit);
}

void PostgresAuditLog::scan_candidates(const CandidateRange& range,
                                       std::optional<std::int64_t> up_to,
                                       const RowVisit& visit) {
  scan_all_candidates({&range, 1}, up_to, visit);
}

void PostgresAuditLog::scan_all_candidates(std::span<const CandidateRange> ranges,
                                           std::optional<std::int64_t> up_to,
                                           const RowVisit& visit) {
  assert(layout_.shape.code_time_index);
  PostgresRowReader reader = new_reader();
  pass_postgres_candidates(
      connection_, layout_, {ranges, up_to}, fact_columns_, [&](const PostgresStatement& row) {
        visit(reader.read(row));
      });
}

void PostgresAuditLog::scan_candidate_keys(const CandidateRange& range,
                                           std::optional<std::int64_t> up_to,
                                           const KeyVisit& visit) {
  assert(layout_.shape.code_time_index);
  PostgresRowReader reader = new_reader();
  pass_postgres_candidates(connection_,
                           layout_,
                           {{&range, 1}, up_to},
                           PostgresRowReader::key_columns(layout_),
                           [&](const PostgresStatement& row) { visit(reader.read_key(row)); });
}

void PostgresAuditLog::find_span(const CandidateRange& range,
                                 std::optional<std::int64_t> up_to,
                                 const SpanVisit& visit) {
  assert(layout_.shape.code_time_index);
  find_postgres_span(connection_, layout_, range, up_to, visit);
}

bool PostgresAuditLog::find_row(const std::string& columns,
                                const RowKey& key,
                                const StatementVisit& visit) {
  PostgresStatement row{connection_,
                        "SELECT " + columns + " FROM " + layout_.table + " AS " + kPostgresLog +
                            " WHERE " + postgres_key_match(layout_) + lock()};
  bind_postgres_key(row, layout_, key);
  if (!row.step()) {
    return false;
  }
  visit(row);
  return true;
}

bool PostgresAuditLog::read_row(const RowKey& key, const RowVisit& visit) {
  PostgresRowReader reader = new_reader();
  bool found = false;
  (void)find_row(fact_columns_, key, [&](const PostgresStatement& row) {
    const RowFacts& facts = reader.read(row);
    found = *facts.key == key;
    if (found) {
      visit(facts);
    }
  });
  return found;
}

bool PostgresAuditLog::read_whole_row(const RowKey& key, const ContentVisit& visit) {
  PostgresRowReader reader = new_reader();
  bool found = false;
  (void)find_row(whole_columns_.list(), key, [&](const PostgresStatement& row) {
    const RowFacts& facts = reader.read(row);
    found = *facts.key == key;
    if (found) {
      visit(facts, WholeRow{row, whole_columns_});
    }
  });
  return found;
}

void PostgresAuditLog::read_batch(const std::string& columns,
                                  std::span<const RowKey> keys,
                                  const StatementVisit& visit) {
  PostgresStatement rows{connection_,
                         "SELECT " + columns + " FROM " + postgres_key_table(layout_) + " JOIN " +
                             layout_.table + " AS " + kPostgresLog + " ON " +
                             postgres_key_join(layout_) + " ORDER BY wanted.place" + lock()};
  bind_postgres_keys(rows, layout_, keys);
  while (rows.step()) {
    visit(rows);
  }
}

void PostgresAuditLog::read_rows(std::span<const RowKey> keys, const RowVisit& visit) {
  PostgresRowReader reader = new_reader();
  while (!keys.empty()) {
    const std::size_t now = std::min(keys.size(), kMostKeys);
    read_batch(fact_columns_, keys.first(now), [&](const PostgresStatement& row) {
      visit(reader.read(row));
    });
    keys = keys.subspan(now);
  }
}

void PostgresAuditLog::read_whole_rows(std::span<const RowKey> keys, const ContentVisit& visit) {
  PostgresRowReader reader = new_reader();
  while (!keys.empty()) {
    const std::size_t now = std::min(keys.size(), kMostWholeRows);
    read_batch(whole_columns_.list(), keys.first(now), [&](const PostgresStatement& row) {
      const RowFacts& facts = reader.read(row);
      visit(facts, WholeRow{row, whole_columns_});
    });
    keys = keys.subspan(now);
  }
}

void PostgresAuditLog::require_write() const {
  if (!connection_.in_write()) {
    // Each statement would be a transaction of its own, committed without its tally.
    throw StorageError(StorageTrouble::other, title() + ": rows are only deleted inside a write");
  }
}

void PostgresAuditLog::dispose(std::span<const RowKey> keys) {
  require_write();
  while (!keys.empty()) {
    const std::size_t now = std::min(keys.size(), kMostKeys);
    dispose_batch(keys.first(now));
    keys = keys.subspan(now);
  }
}

void PostgresAuditLog::dispose_batch(std::span<const RowKey> keys) {
  const auto wanted = static_cast<std::int64_t>(keys.size());
  const std::string which =
      "row " + keys.front().display() + (wanted > 1 ? " and those after it" : "");
  watch_.restart();
  PostgresStatement rows{connection_, dispose_sql_};
  bind_postgres_keys(rows, layout_, keys);
  PostgresRowReader reader = new_reader();
  std::vector<RowKey> gone;
  gone.reserve(keys.size());
  while (rows.step()) {
    gone.push_back(reader.read_key(rows));
  }
  // Each one just once, whatever the server took for equal.
  std::vector<RowKey> named(keys.begin(), keys.end());
  std::sort(named.begin(), named.end());
  std::sort(gone.begin(), gone.end());
  if (gone != named) {
    const bool others = gone.size() == named.size();
    throw StorageError(
        StorageTrouble::other,
        title() + ": deleting " + which + " deleted " +
            (others ? std::string{"other rows than these"}
                    : std::to_string(gone.size()) + " rows instead of " + std::to_string(wanted)) +
            ", so it is taken back: look for a trigger of the table, and run "
            "\"holdfast check\"");
  }
  watch_.require_at_most(wanted, "deleting " + which);
}

/// Rows that stay are gone in this transaction, so it ends here: whoever went on and committed
/// would lose them, and finds no transaction.
std::size_t PostgresAuditLog::dispose_decided(std::span<const RowKey> keys,
                                              const Verdict& goes,
                                              const std::function<bool()>& enough) {
  require_write();
  try {
    watch_.restart();
    const std::size_t done = delete_and_decide(keys, goes, enough);
    watch_.require_at_most(static_cast<std::int64_t>(done), "deleting the rows of a slice");
    return done;
  } catch (...) {
    connection_.roll_back();
    throw;
  }
}

/// One statement where reading under a lock and deleting are two: nobody can have changed a row
/// between what is decided on and what goes, for they are the same. While some rows are decided,
/// the server is at the next ones.
std::size_t PostgresAuditLog::delete_and_decide(std::span<const RowKey> keys,
                                                const Verdict& goes,
                                                const std::function<bool()>& enough) {
  if (layout_.shape.deletes_fire_triggers) {
    throw RowsStay("a trigger may do more than delete");
  }
  std::size_t begun = 0;
  const auto begin_next = [&] {
    const std::size_t now = std::min(keys.size() - begun, kMostDecided);
    begun += now;
    return begin_deletion(keys.subspan(begun - now, now));
  };
  Deletion now = begin_next();
  while (now.rows) {
    const bool any = now.rows->step();  // waits for it
    Deletion next = begun < keys.size() && !enough() ? begin_next() : Deletion{};
    if (!any) {
      throw RowsStay("no row went");
    }
    decide_deleted(now, goes);
    now = std::move(next);
  }
  return begun;
}

PostgresAuditLog::Deletion PostgresAuditLog::begin_deletion(std::span<const RowKey> keys) {
  Deletion deletion{.keys = keys,
                    .rows = std::make_unique<PostgresStatement>(connection_, dispose_shown_sql_)};
  bind_postgres_keys(*deletion.rows, layout_, keys);
  deletion.rows->send();
  return deletion;
}

/// The statement stands at its first row.
void PostgresAuditLog::decide_deleted(Deletion& deletion, const Verdict& goes) {
  PostgresStatement& rows = *deletion.rows;
  PostgresRowReader reader = new_reader();
  std::vector<std::pair<RowKey, int>> gone;
  gone.reserve(deletion.keys.size());
  do {
    gone.emplace_back(reader.read_key(rows), rows.row());
  } while (rows.step());
  std::vector<RowKey> named(deletion.keys.begin(), deletion.keys.end());
  std::sort(named.begin(), named.end());
  std::sort(gone.begin(), gone.end());
  const auto same = [](const auto& row, const RowKey& key) {
    return row.first == key;
  };
  if (!std::equal(gone.begin(), gone.end(), named.begin(), named.end(), same)) {
    throw RowsStay("other rows went than those that were asked for");
  }
  for (const auto& [key, row] : gone) {
    rows.move_to(row);
    const RowFacts& facts = reader.read(rows);
    if (!goes(facts, WholeRow{rows, whole_columns_})) {
      throw RowsStay("row " + key.display() + " stays");
    }
  }
}

}  // namespace holdfast
