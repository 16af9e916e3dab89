// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/sqlite_audit_log.h"
#include "tests/storage/scratch_database.h"

namespace holdfast::testing {

/// Who waits for whom in the scratch database.
enum class JournalMode { wal, rollback };

/// One row as a visitor met it.
struct SeenRow {
  RowKey key;
  std::string time;  ///< storage class and value: "integer 7", "null "
  std::optional<std::string> code;
  std::optional<std::string> tenant;
  std::optional<std::string> actor;
  std::optional<std::string> subject;
  std::optional<std::string> stored_category;
  std::string retain_until;  ///< as time
  bool newest_reusable = false;
};

/// A database that a scratch one begins as a copy of.
struct CopyOf {
  std::filesystem::path path;
};

/// A real SQLite database in a folder of its own, and the audit log inside it.
class ScratchLog {
 public:
  /// Runs `sql` on a new database.
  explicit ScratchLog(const std::string& sql, JournalMode mode = JournalMode::wal);
  /// Works on a copy of a database that exists.
  explicit ScratchLog(const CopyOf& original);

  [[nodiscard]] Connection& connection() { return *connection_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void run(const std::string& sql) { connection_->db().exec(sql); }
  [[nodiscard]] std::int64_t number(const std::string& sql);
  [[nodiscard]] LogLayout probe(const LogMapping& mapping = {});
  /// What probing says instead of an answer, without the path; "" where it has no objection.
  [[nodiscard]] std::string objection(const LogMapping& mapping = {});

  /// Probes, and opens the log.
  [[nodiscard]] std::unique_ptr<SqliteAuditLog> open(const LogMapping& mapping = {});

 private:
  void connect();

  ScratchDatabase folder_;
  std::filesystem::path path_;
  std::unique_ptr<Connection> connection_;
};

[[nodiscard]] SeenRow seen(const RowFacts& facts);
[[nodiscard]] std::vector<SeenRow> scan(
    AuditLog& log,
    std::optional<std::int64_t> up_to = {},
    std::chrono::milliseconds longest_read = std::chrono::milliseconds{50});
/// The keys as people type them, in the order of the rows.
[[nodiscard]] std::vector<std::string> keys(const std::vector<SeenRow>& rows);
[[nodiscard]] std::vector<std::string> sorted(std::vector<std::string> texts);

/// The candidates of every group of the log, by key.
[[nodiscard]] std::vector<std::string> candidate_keys(AuditLog& log, Instant below, Instant above);

/// Rows of each group under "code|tenant|category", absent ones as "-".
[[nodiscard]] std::map<std::string, std::int64_t> groups(AuditLog& log,
                                                         std::optional<std::int64_t> up_to = {});

/// The folder of the shared real databases; none where the checkout has none, which fails in CI.
[[nodiscard]] std::optional<std::filesystem::path> real_databases();

}  // namespace holdfast::testing
