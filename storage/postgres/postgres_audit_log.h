// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/audit_log.h"
#include "storage/postgres/postgres_deletion_watch.h"
#include "storage/postgres/postgres_log_layout.h"
#include "storage/postgres/postgres_row_reader.h"
#include "storage/postgres/postgres_statement.h"

namespace holdfast {

/// The audit log in a table of a PostgreSQL database, partitioned or not. Inside a write every row
/// that is read one by one is locked until the write ends, so that what was decided is what goes.
class PostgresAuditLog final : public AuditLog {
 public:
  /// The connection has to outlive the log. `append_into_log` only with shape.made_by_init.
  PostgresAuditLog(PostgresConnection& connection, PostgresLogLayout layout, bool append_into_log);

  [[nodiscard]] const LogShape& shape() const override { return layout_.shape; }
  [[nodiscard]] std::optional<std::int64_t> highest_key() override { return end_key("max"); }
  [[nodiscard]] std::optional<std::int64_t> lowest_key() override { return end_key("min"); }
  [[nodiscard]] std::int64_t count_rows(std::optional<std::int64_t> up_to) override;
  [[nodiscard]] std::int64_t count_rows_between(std::int64_t after, std::int64_t up_to) override;
  void scan_all(std::optional<std::int64_t> up_to,
                std::chrono::milliseconds longest_read,
                const RowVisit& visit) override;
  void count_groups(std::optional<std::int64_t> up_to,
                    const GroupVisit& visit,
                    const Pulse& pulse) override;
  void count_days(std::optional<std::int64_t> up_to, const DayVisit& visit) override;
  void scan_all_candidates(std::span<const CandidateRange> ranges,
                           std::optional<std::int64_t> up_to,
                           const RowVisit& visit) override;
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
  [[nodiscard]] std::size_t dispose_decided(std::span<const RowKey> keys,
                                            const Verdict& goes,
                                            const std::function<bool()>& enough) override;
  /// A log with children is refused, so there are none.
  [[nodiscard]] ChildCounts count_children(const RowKey& /*key*/) override { return {}; }
  [[nodiscard]] ChildCounts take_children() override { return {}; }
  void append(const AuditEvent& event) override;
  void append_aside(const AuditEvent& event) override;
  [[nodiscard]] bool appends_to_log() const override { return append_into_log_; }

 private:
  using StatementVisit = std::function<void(const PostgresStatement&)>;

  [[nodiscard]] std::string title() const;
  [[nodiscard]] PostgresRowReader new_reader() const { return {layout_, title()}; }
  /// ` FOR UPDATE …` inside a write, otherwise nothing.
  [[nodiscard]] std::string lock() const;
  [[nodiscard]] std::optional<std::int64_t> end_key(const char* end);
  /// Passes over every row up to `up_to` once.
  void pass(const std::string& columns,
            std::optional<std::int64_t> up_to,
            const StatementVisit& visit);
  [[nodiscard]] bool find_row(const std::string& columns,
                              const RowKey& key,
                              const StatementVisit& visit);
  /// Visits the rows with these keys that are there, in the order of the keys.
  void read_batch(const std::string& columns,
                  std::span<const RowKey> keys,
                  const StatementVisit& visit);
  void require_write() const;
  void dispose_batch(std::span<const RowKey> keys);
  /// The deletion of some rows, under way.
  struct Deletion {
    std::span<const RowKey> keys;
    std::unique_ptr<PostgresStatement> rows;
  };
  [[nodiscard]] std::size_t delete_and_decide(std::span<const RowKey> keys,
                                              const Verdict& goes,
                                              const std::function<bool()>& enough);
  [[nodiscard]] Deletion begin_deletion(std::span<const RowKey> keys);
  void decide_deleted(Deletion& deletion, const Verdict& goes);
  [[nodiscard]] std::optional<RowKey> find_by_index(const StoredView& value);
  [[nodiscard]] std::optional<RowKey> find_by_reading(const std::string& typed);
  void write_event(const std::string& sql, const AuditEvent& event);

  PostgresConnection& connection_;
  PostgresLogLayout layout_;
  bool append_into_log_;
  std::string fact_columns_;
  WholeColumns whole_columns_;
  std::string dispose_sql_;
  std::string dispose_shown_sql_;
  PostgresDeletionWatch watch_;
};

}  // namespace holdfast
