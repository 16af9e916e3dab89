// SPDX-License-Identifier: Apache-2.0
#include "tests/storage/scratch_log.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <string_view>

#include <catch2/catch.hpp>

#include "storage/storage_error.h"

namespace holdfast::testing {
namespace {

constexpr std::array<const char*, 5> kClasses{"null ", "integer ", "real ", "text ", "blob "};

std::string with_class(const StoredView& value) {
  return kClasses.at(value.index()) + to_display(value);
}

std::optional<std::string> owned(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>{*text} : std::nullopt;
}

std::string or_dash(const std::optional<std::string_view>& text) {
  return std::string{text.value_or("-")};
}

}  // namespace

ScratchLog::ScratchLog(const std::string& sql, JournalMode mode) : path_(folder_.file("audit.db")) {
  {
    SQLite::Database db{path_.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
    const std::string word = mode == JournalMode::wal ? "WAL" : "DELETE";
    // Nobody pulls the plug of a test.
    db.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = " + word +
            "; PRAGMA foreign_keys = OFF; BEGIN; " + sql + "; COMMIT");
  }
  connect();
}

ScratchLog::ScratchLog(const CopyOf& original) : path_(folder_.file("audit.db")) {
  std::filesystem::copy_file(original.path, path_);
  std::filesystem::permissions(
      path_, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
  connect();
}

void ScratchLog::connect() {
  connection_ =
      std::make_unique<Connection>(OpenOptions{.path = path_}, ConnectionMode::read_write);
  run("PRAGMA synchronous = OFF");
}

std::int64_t ScratchLog::number(const std::string& sql) {
  return connection_->db().execAndGet(sql).getInt64();
}

LogLayout ScratchLog::probe(const LogMapping& mapping) {
  return probe_log(*connection_, {.path = path_, .mapping = mapping});
}

std::string ScratchLog::objection(const LogMapping& mapping) {
  try {
    (void)probe(mapping);
  } catch (const StorageError& error) {
    REQUIRE(error.trouble() == StorageTrouble::mapping);
    const std::string what = error.what();
    REQUIRE(what.rfind(path_.string() + ": ", 0) == 0);
    return what.substr(path_.string().size() + 2);
  }
  return {};
}

std::unique_ptr<SqliteAuditLog> ScratchLog::open(const LogMapping& mapping) {
  LogLayout layout = probe(mapping);
  const bool own = layout.shape.made_by_init;
  return std::make_unique<SqliteAuditLog>(*connection_, std::move(layout), own);
}

SeenRow seen(const RowFacts& facts) {
  return {.key = *facts.key,
          .time = with_class(facts.time),
          .code = owned(facts.code),
          .tenant = owned(facts.tenant),
          .actor = owned(facts.actor),
          .subject = owned(facts.subject),
          .stored_category = owned(facts.stored_category),
          .retain_until = with_class(facts.retain_until),
          .newest_reusable = facts.newest_reusable};
}

std::vector<SeenRow> scan(AuditLog& log,
                          std::optional<std::int64_t> up_to,
                          std::chrono::milliseconds longest_read) {
  std::vector<SeenRow> rows;
  log.scan_all(
      up_to, longest_read, [&rows](const RowFacts& facts) { rows.push_back(seen(facts)); });
  return rows;
}

std::vector<std::string> keys(const std::vector<SeenRow>& rows) {
  std::vector<std::string> texts;
  texts.reserve(rows.size());
  for (const SeenRow& row : rows) {
    texts.push_back(row.key.display());
  }
  return texts;
}

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::vector<std::string> candidate_keys(AuditLog& log, Instant below, Instant above) {
  std::vector<std::string> keys;
  // One code may have several groups, and each group asks for all rows of its code.
  std::set<std::string> codes;
  log.count_groups({},
                   [&codes](const LogGroup& group) {
                     std::string bytes;
                     append_canonical(bytes, group.stored_code);
                     codes.insert(bytes);
                   },
                   {});
  std::vector<CandidateRange> ranges;
  for (const std::string& bytes : codes) {
    const CandidateRange& range = ranges.emplace_back(CandidateRange{
        .stored_code = split_canonical(bytes)->front(), .below = below, .above = above});
    log.scan_candidates(
        range, {}, [&keys](const RowFacts& facts) { keys.push_back(facts.key->display()); });
  }
  std::vector<std::string> together;
  log.scan_all_candidates(
      ranges, {}, [&together](const RowFacts& facts) { together.push_back(facts.key->display()); });
  CHECK(sorted(together) == sorted(keys));
  return sorted(keys);
}

std::map<std::string, std::int64_t> groups(AuditLog& log, std::optional<std::int64_t> up_to) {
  std::map<std::string, std::int64_t> rows;
  log.count_groups(up_to,
                   [&rows](const LogGroup& group) {
                     rows[or_dash(group.code) + "|" + or_dash(group.tenant) + "|" +
                          or_dash(group.stored_category)] += group.rows;
                   },
                   {});
  return rows;
}

std::optional<std::filesystem::path> real_databases() {
  const std::filesystem::path folder =
      std::filesystem::path{HOLDFAST_TEST_DIR} / "../../shared/data/databases";
  if (std::filesystem::exists(folder)) {
    return folder;
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody sets the environment meanwhile.
  const char* const ci = std::getenv("CI");
  if (ci != nullptr && std::string_view{ci} == "true") {
    FAIL("the real databases are missing");
  }
  WARN("skipped: the real databases are not beside this checkout");
  return std::nullopt;
}

}  // namespace holdfast::testing
