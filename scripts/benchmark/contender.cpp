// SPDX-License-Identifier: Apache-2.0
// What a careful user would write instead of Holdfast, in C++ on SQLite's own interface.
//
//   contender tuned DATABASE CUTOFF_MS       one transaction, 500 MB of cache, a DELETE for each code
//   contender limit_loop DATABASE CUTOFF_MS  10,000 rows of a code, committed, and again
//
// Prints one line of JSON: rows deleted and the longest time under the write lock in milliseconds.

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kNotHeld =
    " AND NOT EXISTS (SELECT 1 FROM bench_held WHERE name = e.subject)"
    " AND NOT EXISTS (SELECT 1 FROM bench_held WHERE name = e.actor)";

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Query = std::unique_ptr<sqlite3_stmt, Finalize>;

void require(bool good, sqlite3* database) {
  if (!good) {
    throw std::runtime_error(sqlite3_errmsg(database));
  }
}

Query prepare(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  require(sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK, database);
  return Query{statement};
}

void execute(sqlite3* database, const std::string& sql) {
  require(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK, database);
}

Database open(const char* path, int cache_kib) {
  sqlite3* opened = nullptr;
  const int result = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE, nullptr);
  Database database{opened};
  require(result == SQLITE_OK, opened);
  sqlite3_busy_timeout(opened, 60'000);
  execute(opened,
          "PRAGMA secure_delete = ON; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -" +
              std::to_string(cache_kib));
  return database;
}

std::vector<std::string> codes_of(sqlite3* database) {
  // The next code after the last one, by the index: no pass over all rows.
  const Query next =
      prepare(database, "SELECT min(code) FROM audit_events WHERE code > ?1");
  std::vector<std::string> codes;
  std::string last;
  while (true) {
    sqlite3_reset(next.get());
    sqlite3_bind_text(next.get(), 1, last.c_str(), -1, SQLITE_TRANSIENT);
    require(sqlite3_step(next.get()) == SQLITE_ROW, database);
    const unsigned char* const text = sqlite3_column_text(next.get(), 0);
    if (text == nullptr) {
      return codes;
    }
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): SQLite's own
    last = reinterpret_cast<const char*>(text);
    codes.push_back(last);
  }
}

int run_delete(sqlite3* database, sqlite3_stmt* statement, const std::string& code, sqlite3_int64 cutoff) {
  sqlite3_reset(statement);
  sqlite3_bind_text(statement, 1, code.c_str(), -1, SQLITE_TRANSIENT);
  sqlite3_bind_int64(statement, 2, cutoff);
  require(sqlite3_step(statement) == SQLITE_DONE, database);
  return sqlite3_changes(database);
}

struct Result {
  long long deleted = 0;
  Clock::duration longest_lock{0};
};

Result tuned(const char* path, sqlite3_int64 cutoff) {
  constexpr int kCacheKib = 500'000;
  const Database database = open(path, kCacheKib);
  const std::vector<std::string> codes = codes_of(database.get());
  const Query row = prepare(
      database.get(),
      std::string("DELETE FROM audit_events AS e WHERE code = ?1 AND occurred_at < ?2") + kNotHeld);
  Result result;
  execute(database.get(), "BEGIN IMMEDIATE");
  const auto begun = Clock::now();
  for (const std::string& code : codes) {
    result.deleted += run_delete(database.get(), row.get(), code, cutoff);
  }
  execute(database.get(), "COMMIT");
  result.longest_lock = Clock::now() - begun;
  return result;
}

Result limit_loop(const char* path, sqlite3_int64 cutoff) {
  constexpr int kCacheKib = 64'000;
  const Database database = open(path, kCacheKib);
  const Query rows = prepare(
      database.get(),
      std::string("DELETE FROM audit_events WHERE id IN (SELECT id FROM audit_events AS e WHERE "
                  "code = ?1 AND occurred_at < ?2") +
          kNotHeld + " LIMIT 10000)");
  Result result;
  for (const std::string& code : codes_of(database.get())) {
    int deleted = 0;
    do {
      const auto begun = Clock::now();
      deleted = run_delete(database.get(), rows.get(), code, cutoff);
      sqlite3_reset(rows.get());
      result.longest_lock = std::max(result.longest_lock, Clock::now() - begun);
      result.deleted += deleted;
    } while (deleted > 0);
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  if (words.size() != 4 || (words[1] != "tuned" && words[1] != "limit_loop")) {
    std::fputs("usage: contender tuned|limit_loop DATABASE CUTOFF_MS\n", stderr);
    return 2;
  }
  try {
    const sqlite3_int64 cutoff = std::stoll(words[3]);
    const Result result =
        words[1] == "tuned" ? tuned(words[2].c_str(), cutoff) : limit_loop(words[2].c_str(), cutoff);
    std::printf("{\"deleted\": %lld, \"longest_lock_ms\": %.1f}\n",
                result.deleted,
                std::chrono::duration<double, std::milli>(result.longest_lock).count());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "contender: %s\n", error.what());
    return 1;
  }
  return 0;
}
