// SPDX-License-Identifier: Apache-2.0
// Others stamp rows while Holdfast deletes: a row whose stamp was committed is never gone.
#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "postgres_log.h"
#include "storage/postgres/postgres_statement.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr std::int64_t kRows = 2000;
constexpr std::uint64_t kStamped = 1200;  // the others always go

constexpr const char* kOrdinary =
    "CREATE TABLE audit_events (id bigint PRIMARY KEY, occurred_at bigint, code text, retain_until"
    " bigint);";
constexpr const char* kPartitioned =
    "CREATE TABLE audit_events (id bigint, occurred_at bigint, code text, retain_until bigint,"
    " PRIMARY KEY (occurred_at, id)) PARTITION BY RANGE (occurred_at);"
    "CREATE TABLE p0 PARTITION OF audit_events FOR VALUES FROM (0) TO (700);"
    "CREATE TABLE p1 PARTITION OF audit_events FOR VALUES FROM (700) TO (1400);"
    "CREATE TABLE p2 PARTITION OF audit_events FOR VALUES FROM (1400) TO (9000);";
constexpr const char* kFill =
    "INSERT INTO audit_events SELECT n, n, 'A', NULL FROM generate_series(1, 2000) AS n";

/// Stamps rows here and there until told to stop; `stamped` are those that were there to be.
void stamp_rows(const OpenOptions& options,
                std::uint64_t seed,
                const std::atomic<bool>& over,
                std::set<std::int64_t>& stamped) {
  PostgresConnection connection{options};
  std::mt19937_64 chance{seed};
  PostgresStatement stamp{connection,
                          "UPDATE audit_events SET retain_until = 99 WHERE id = $1::bigint"};
  while (!over) {
    const auto id = static_cast<std::int64_t>(chance() % kStamped) + 1;
    stamp.bind(1, id);
    if (stamp.run() == 1) {
      stamped.insert(id);
    }
  }
}

/// Deletes, slice by slice, what has no stamp when it is looked at.
void prune(PostgresScratchLog& scratch, AuditLog& log, std::vector<RowKey> keys) {
  constexpr std::size_t kSlice = 25;
  for (std::size_t from = 0; from < keys.size(); from += kSlice) {
    const std::span<const RowKey> slice{keys.data() + from, std::min(kSlice, keys.size() - from)};
    PostgresWriteScope write = scratch.write();
    std::vector<RowKey> due;
    log.read_rows(slice, [&](const RowFacts& facts) {
      if (std::holds_alternative<std::monostate>(facts.retain_until)) {
        due.push_back(*facts.key);
      }
    });
    log.dispose(due);
    write.commit();
  }
}

/// The same by one statement: what has a stamp when it is deleted takes the slice back, which is
/// then read first.
void prune_decided(PostgresScratchLog& scratch, AuditLog& log, std::vector<RowKey> keys) {
  constexpr std::size_t kSlice = 25;
  const auto unstamped = [](const RowFacts& facts, const RowContent&) {
    return std::holds_alternative<std::monostate>(facts.retain_until);
  };
  for (std::size_t from = 0; from < keys.size(); from += kSlice) {
    const std::size_t count = std::min(kSlice, keys.size() - from);
    const std::span<const RowKey> slice{keys.data() + from, count};
    try {
      PostgresWriteScope write = scratch.write();
      (void)log.dispose_decided(slice, unstamped, [] { return false; });
      write.commit();
    } catch (const RowsStay&) {
      prune(scratch, log, {slice.begin(), slice.end()});
    }
  }
}

}  // namespace

TEST_CASE("a row that was stamped in time is there when all is over", "[race]") {
  const bool partitioned = GENERATE(false, true);
  const bool as_they_go = GENERATE(false, true);
  CAPTURE(partitioned, as_they_go);
  PostgresScratchLog scratch{std::string{partitioned ? kPartitioned : kOrdinary} + kFill};
  const LogMapping mapping{.id = partitioned ? std::vector<std::string>{"occurred_at", "id"}
                                             : std::vector<std::string>{"id"}};
  const auto log = scratch.open(mapping);
  std::vector<RowKey> keys;
  log->for_each_key([&](const RowKey& key) { keys.push_back(key); });
  std::mt19937_64 chance{5};
  std::shuffle(keys.begin(), keys.end(), chance);

  OpenOptions options = scratch.scratch().options();
  std::atomic<bool> over = false;
  std::array<std::set<std::int64_t>, 3> stamped;
  std::vector<std::thread> others;
  for (std::size_t i = 0; i < stamped.size(); ++i) {
    others.emplace_back([&, i] { stamp_rows(options, i, over, stamped.at(i)); });
  }
  const std::string failure = error_text(
      [&] { as_they_go ? prune_decided(scratch, *log, keys) : prune(scratch, *log, keys); });
  over = true;
  for (std::thread& other : others) {
    other.join();
  }
  CHECK(failure.empty());
  std::set<std::int64_t> kept;
  for (const std::set<std::int64_t>& some : stamped) {
    kept.insert(some.begin(), some.end());
  }
  std::set<std::int64_t> left;
  log->scan_all({}, std::chrono::milliseconds{50}, [&](const RowFacts& facts) {
    left.insert(std::get<std::int64_t>(facts.time));
  });
  CHECK(left == kept);
  CHECK(!kept.empty());
  CHECK(kept.size() < static_cast<std::size_t>(kRows));
}
