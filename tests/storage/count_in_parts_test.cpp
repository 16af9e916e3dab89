// SPDX-License-Identifier: Apache-2.0
// Two connections count a log at once: what one of them leaves out, the other has to have.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "tests/storage/scratch_log.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// Codes of every type that SQLite has, a tenant for each remainder of seven, 9,000 rows and some.
std::string log_of_all_types(const std::string& code_column) {
  return "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code " +
         code_column +
         ", tenant TEXT);"
         "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9000) "
         "INSERT INTO audit_events SELECT n, n % 91, CASE n % 13 WHEN 0 THEN NULL WHEN 1 THEN n % 5 "
         "WHEN 2 THEN 2.5 WHEN 3 THEN CAST('M' AS BLOB) WHEN 4 THEN '' WHEN 5 THEN '12' "
         "WHEN 6 THEN 'm' WHEN 7 THEN 'M' WHEN 8 THEN 'z' ELSE 'M' || n % 17 END, 't' || n % 7 "
         "FROM c;"
         "CREATE INDEX i ON audit_events (code, occurred_at, tenant)";
}

using Counts = std::map<std::string, std::int64_t>;

void count_part(AuditLog& log,
                const CodesPart& part,
                std::optional<std::int64_t> up_to,
                Counts& counts) {
  log.count_groups_of(part,
                      up_to,
                      [&counts](const LogGroup& group) {
                        std::string name;
                        append_canonical(name, group.stored_code);
                        counts[name + "|" + std::string(group.tenant.value_or("-"))] += group.rows;
                      },
                      {});
}

Counts all_counts(AuditLog& log, std::optional<std::int64_t> up_to) {
  Counts counts;
  log.count_groups(up_to,
                   [&counts](const LogGroup& group) {
                     std::string name;
                     append_canonical(name, group.stored_code);
                     counts[name + "|" + std::string(group.tenant.value_or("-"))] += group.rows;
                   },
                   {});
  return counts;
}

/// Replaces a code in its first entry of the index: entries are on pages that begin with 10 (a leaf
/// of an index), rows on others.
void damage_first(const std::filesystem::path& file,
                  const std::string& code,
                  const std::string& other) {
  constexpr std::size_t kPage = 4096;
  constexpr char kLeafOfIndex = 10;
  std::string bytes;
  {
    std::ifstream in(file, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  for (std::size_t page = kPage; page < bytes.size(); page += kPage) {
    const std::size_t at =
        bytes[page] == kLeafOfIndex ? bytes.rfind(code, page + kPage - 1) : std::string::npos;
    if (at != std::string::npos && at > page) {
      bytes.replace(at, code.size(), other);
      std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
      return;
    }
  }
  FAIL("no such entry");
}

}  // namespace

TEST_CASE("two parts have every row between them, and none twice", "[audit_log]") {
  const std::string column = GENERATE("TEXT", "", "INTEGER", "BLOB");
  const std::optional<std::int64_t> up_to =
      GENERATE(std::optional<std::int64_t>{}, 9'000, 4'711, 0);
  CAPTURE(column, up_to.value_or(-1));
  ScratchLog scratch{log_of_all_types(column)};
  const auto log = scratch.open();
  const Counts whole = all_counts(*log, up_to);
  for (const char* middle : {"", "0", "12", "M", "M1", "m", "z", "zz", "\xff"}) {
    CAPTURE(middle);
    Counts before;
    Counts counts;
    count_part(*log, {.side = CodesPart::Side::before, .middle = middle}, up_to, before);
    count_part(*log, {.side = CodesPart::Side::from, .middle = middle}, up_to, counts);
    for (const auto& [name, rows] : before) {
      CHECK_FALSE(counts.contains(name));
      counts[name] += rows;
    }
    CHECK(counts == whole);
  }
}

TEST_CASE("the code in the middle parts a log in two", "[audit_log]") {
  // Keys may begin anywhere.
  const std::int64_t first =
      GENERATE(std::int64_t{0}, std::int64_t{1'000'000'000'000}, std::int64_t{-15'000});
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT);"
      "CREATE INDEX i ON audit_events (code, occurred_at);"
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 30000) "
      "INSERT INTO audit_events SELECT " +
      std::to_string(first) + " + n, n, 'C' || (100 + n * 7919 % 97) FROM c"};
  const auto log = scratch.open();
  const auto middle = log->middle_code(first + 30'000);
  REQUIRE(middle);
  Counts before;
  count_part(*log, {.side = CodesPart::Side::before, .middle = *middle}, first + 30'000, before);
  CHECK(before.size() > 97 / 4);
  CHECK(before.size() < 97 * 3 / 4);
  CHECK_FALSE(log->middle_code({}));
}

TEST_CASE("no code is in the middle where the rows cannot be counted in two parts", "[audit_log]") {
  const std::string rows = "INSERT INTO audit_events VALUES (1, 1, 'A'), (2, 2, 'B')";
  ScratchLog rollback{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT);"
      "CREATE INDEX i ON audit_events (code, occurred_at);" +
          rows,
      JournalMode::rollback};
  CHECK_FALSE(rollback.open()->middle_code(2));
  ScratchLog other_keys{
      "CREATE TABLE audit_events (id TEXT PRIMARY KEY, occurred_at INTEGER, code TEXT);"
      "CREATE INDEX i ON audit_events (code, occurred_at);" +
      rows};
  CHECK_FALSE(other_keys.open()->middle_code(2));
  ScratchLog no_texts{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code);"
      "CREATE INDEX i ON audit_events (code, occurred_at);"
      "INSERT INTO audit_events VALUES (1, 1, NULL), (2, 2, 7), (3, 3, x'41')"};
  CHECK_FALSE(no_texts.open()->middle_code(3));
  ScratchLog other_order{log_of_all_types("TEXT COLLATE NOCASE")};
  const auto log = other_order.open();
  CHECK_FALSE(log->middle_code(9'000));
  Counts counts;
  CHECK_THROWS_AS(count_part(*log, {.middle = "M"}, {}, counts), StorageError);
  CHECK(counts.empty());
}

TEST_CASE("an index that is out of order is no base for a count in two parts", "[audit_log]") {
  ScratchLog scratch{
      "CREATE TABLE audit_events (id INTEGER PRIMARY KEY, occurred_at INTEGER, code TEXT);"
      "CREATE INDEX i ON audit_events (code, occurred_at);"
      "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000) "
      "INSERT INTO audit_events SELECT n, n, 'C0' || (10 + n % 80) FROM c"};
  const std::string low = GENERATE("C010", "C080");
  const std::string high = low == "C010" ? "C080" : "C010";
  // Behind SQLite's back, the first entry of one code becomes one of another.
  scratch.run("PRAGMA wal_checkpoint(TRUNCATE)");
  damage_first(scratch.path(), low, high);
  scratch.run("PRAGMA shrink_memory");
  const auto counted = [&](CodesPart::Side side) {
    Counts counts;
    count_part(*scratch.open(), {.side = side, .middle = "C050"}, 2'000, counts);
  };
  const auto side = low == "C010" ? CodesPart::Side::before : CodesPart::Side::from;
  CHECK_THROWS_WITH(counted(side), Catch::Matchers::Contains("REINDEX"));
}
