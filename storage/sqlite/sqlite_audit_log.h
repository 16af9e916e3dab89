// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/audit_log.h"
#include "storage/sqlite/child_rows.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/deletion_watch.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/row_reader.h"
#include "storage/sqlite/statement.h"

namespace holdfast {

/// The audit log in a table of a SQLite database.
class SqliteAuditLog final : public AuditLog {
 public:
  /// The connection has to outlive the log. `append_into_log` only with shape.made_by_init.
  SqliteAuditLog(Connection& connection, LogLayout layout, bool append_into_log);

  [[nodiscard]] const LogShape& shape() const override { return layout_.shape; }
  [[nodiscard]] std::optional<std::int64_t> highest_key() override;
  [[nodiscard]] std::optional<std::int64_t> lowest_key() override;
  [[nodiscard]] std::int64_t count_rows(std::optional<std::int64_t> up_to) override;
  [[nodiscard]] std::int64_t count_rows_between(std::int64_t after, std::int64_t up_to) override;
  void scan_all(std::optional<std::int64_t> up_to,
                std::chrono::milliseconds longest_read,
                const RowVisit& visit) override;
  void count_groups(std::optional<std::int64_t> up_to,
                    const GroupVisit& visit,
                    const Pulse& pulse) override;
  [[nodiscard]] std::optional<std::string> middle_code(std::optional<std::int64_t> up_to) override;
  void count_groups_of(const CodesPart& part,
                       std::optional<std::int64_t> up_to,
                       const GroupVisit& visit,
                       const Pulse& pulse) override;
  void count_days(std::optional<std::int64_t> up_to, const DayVisit& visit) override;
  void scan_candidates(const CandidateRange& range,
                       std::optional<std::int64_t> up_to,
                       const RowVisit& visit) override;
  void scan_candidate_keys(const CandidateRange& range,
                           std::optional<std::int64_t> up_to,
                           const KeyVisit& visit) override;
  void find_span(const CandidateRange& range,
                 std::optional<std::int64_t> up_to,
                 const SpanVisit& visit) override;
  [[nodiscard]] bool read_row(const RowKey& key, const RowVisit& visit) override;
  [[nodiscard]] bool read_whole_row(const RowKey& key, const ContentVisit& visit) override;
  void read_rows(std::span<const RowKey> keys, const RowVisit& visit) override;
  void read_whole_rows(std::span<const RowKey> keys, const ContentVisit& visit) override;
  [[nodiscard]] bool put_back(const RowKey& key, std::string_view content) override;
  void for_each_key(const KeyVisit& visit) override;
  [[nodiscard]] std::optional<RowKey> find_key(const std::string& typed) override;
  void dispose(std::span<const RowKey> keys) override;
  [[nodiscard]] ChildCounts count_children(const RowKey& key) override {
    return children_.count_of(key);
  }
  [[nodiscard]] ChildCounts take_children() override { return children_.take(); }
  void append(const AuditEvent& event) override;
  void append_aside(const AuditEvent& event) override;
  [[nodiscard]] bool appends_to_log() const override { return append_into_log_; }

  /// What goes from the table over this connection; said here and checked at the commit.
  [[nodiscard]] DeletionWatch& deletions() { return deletions_; }

 private:
  [[nodiscard]] std::string title() const;
  [[nodiscard]] RowReader new_reader() const;
  /// Prepares the statement where that was not done yet; `sql` makes its text.
  template <typename MakeSql>
  [[nodiscard]] Statement& prepared(std::optional<Statement>& statement, const MakeSql& sql);
  /// Deletes `count` rows by one statement, whose parameters are bound.
  void dispose_with(Statement& rows, const RowKey& first, std::int64_t count);
  /// Visits the rows of a range of integer keys that are among `keys`, which ascend.
  void read_range(Statement& rows,
                  std::span<const RowKey> keys,
                  const std::function<void(RowFacts&)>& visit);
  void write_event(Statement& row, const AuditEvent& event);
  /// Moves `row`, which selects RowReader::columns first, to the row of the key.
  [[nodiscard]] RowFacts* find_row(Statement& row, const RowKey& key);
  [[nodiscard]] std::optional<std::int64_t> end_key(std::optional<Statement>& statement,
                                                    const char* end);
  void bind_key(Statement& statement, const RowKey& key) const;
  [[nodiscard]] bool is_newest(const RowKey& key, std::optional<std::int64_t> newest) const;
  [[nodiscard]] std::optional<std::int64_t> newest_at_scan();
  [[nodiscard]] std::optional<RowKey> find_value(const StoredView& value);
  [[nodiscard]] std::optional<RowKey> find_joined_key(const std::string& typed);

  Connection& connection_;
  LogLayout layout_;
  bool append_into_log_;
  std::string key_match_;  ///< "k1" = ? AND "k2" = ?
  RowReader row_reader_;
  WholeColumns whole_columns_;
  std::optional<Statement> highest_;
  std::optional<Statement> lowest_;
  std::optional<Statement> read_row_;
  std::optional<Statement> read_whole_row_;
  std::optional<Statement> read_range_;
  std::optional<Statement> read_whole_range_;
  std::optional<Statement> put_back_;
  std::optional<Statement> dispose_;
  std::optional<Statement> dispose_range_;
  std::optional<Statement> append_;
  std::optional<Statement> append_aside_;
  ChildRows children_;
  DeletionWatch deletions_;
  /// The highest key when the first scan began: what a plan took for the newest row stays it.
  std::optional<std::int64_t> first_newest_;
};

template <typename MakeSql>
Statement& SqliteAuditLog::prepared(std::optional<Statement>& statement, const MakeSql& sql) {
  if (!statement) {
    statement.emplace(connection_.db(), sql());
  }
  return *statement;
}

}  // namespace holdfast
