// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/instant.h"
#include "policy/row_facts.h"
#include "storage/storage_error.h"

namespace holdfast {

/// A table whose rows go with the row of the log that they name.
struct ChildShape {
  std::string table;
  std::vector<std::string> columns;
  bool indexed = false;  ///< the rows of one parent can be found without reading the whole table
};

/// Rows of children, by their table.
using ChildCounts = std::map<std::string, std::int64_t>;

/// What the table of the audit log turned out to be.
struct LogShape {
  bool ordered_keys = false;           ///< one integer key that the table hands out upwards
  bool rows_come_late = false;         ///< below the highest key that others have seen, too
  bool reuses_newest_key = false;      ///< a deleted highest key would be given out again
  bool code_time_index = false;        ///< ranges of (code, time) can be read without a full pass
  bool keys_in_index = false;          ///< and that index has the key of each row in it
  bool made_by_init = false;           ///< Holdfast's own audit rows fit into it
  bool deletes_fire_triggers = false;  ///< a delete may change other rows, of this table as well
  bool has_tenant = false;
  std::vector<ChildShape> children;
  std::vector<std::string> change_triggers;  ///< of others: fire when a row is changed or goes
  std::vector<std::string> columns;          ///< all but generated ones, in the order of the table
  std::map<std::string, std::string> mapping;  ///< [events] as it was resolved
  std::string index_advice;                    ///< the CREATE INDEX that would help; empty: none
  std::vector<std::string> doubts;             ///< whole sentences for `check`
};

/// True where no delete has to read all of a child's table.
[[nodiscard]] inline bool finds_children(const LogShape& shape) {
  return std::all_of(shape.children.begin(), shape.children.end(), [](const ChildShape& child) {
    return child.indexed;
  });
}

/// One of Holdfast's own audit rows.
struct AuditEvent {
  Instant occurred_at;
  std::optional<std::string> tenant;
  std::string code;
  std::string severity;
  std::string actor;
  std::optional<std::string> subject;
  std::optional<Instant> retain_until;
  std::string metadata;  ///< JSON
};

/// Rows of one code, tenant and own category.
struct LogGroup {
  StoredView stored_code;  ///< as it stands in the column: what CandidateRange wants back
  std::optional<std::string_view> code;
  std::optional<std::string_view> tenant;
  std::optional<std::string_view> stored_category;
  std::int64_t rows = 0;
};

/// Rows of one code, tenant and own category whose events fell on one calendar day.
struct LogDay {
  std::optional<std::string_view> code;
  std::optional<std::string_view> tenant;
  std::optional<std::string_view> stored_category;
  Instant first;  ///< the earliest time that the calendar rule counts as this day
  std::int64_t rows = 0;
};

/// A part of one code's rows that the decision has to look at: those without a number for a time,
/// those before `below` and those after `above`. Every other row is sane and inside its window.
struct CandidateRange {
  StoredView stored_code;
  Instant below;
  Instant above;
};

/// The first and the last of the times between two others, as they stand in the column.
struct TimeSpan {
  StoredView first;
  StoredView last;
};

/// The rows on one side of a stored code, in the order of the code_time_index.
struct CodesPart {
  enum class Side { before, from };
  Side side = Side::before;
  std::string middle;  ///< belongs to `from`
};

using SpanVisit = std::function<void(const TimeSpan&)>;

/// The whole row that is being visited: the columns that LogShape names.
class RowContent {
 public:
  RowContent() = default;
  RowContent(const RowContent&) = delete;
  RowContent& operator=(const RowContent&) = delete;
  RowContent(RowContent&&) = delete;
  RowContent& operator=(RowContent&&) = delete;
  virtual ~RowContent() = default;
  /// Appends the canonical bytes of every value: what a row's digest is made of.
  virtual void append_to(std::string& out) const = 0;
};

using ContentVisit = std::function<void(const RowFacts&, const RowContent&)>;
/// Says of a row that has just been deleted whether it goes indeed.
using Verdict = std::function<bool(const RowFacts&, const RowContent&)>;
using RowVisit = std::function<void(const RowFacts&)>;
using KeyVisit = std::function<void(const RowKey&)>;
using DayVisit = std::function<void(const LogDay&)>;
using GroupVisit = std::function<void(const LogGroup&)>;
/// Called now and then while rows are read and nothing is visited; what it throws ends the reading.
using Pulse = std::function<void()>;

/// Rows that were to go are not all to go: the write in which this comes up is taken back whole.
class RowsStay : public StorageError {
 public:
  explicit RowsStay(const std::string& why) : StorageError(StorageTrouble::other, why) {}
};

/// The audit log, in whichever table it lives. Views handed to a visitor live for that call only.
class AuditLog {
 public:
  AuditLog() = default;
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;
  AuditLog(AuditLog&&) = delete;
  AuditLog& operator=(AuditLog&&) = delete;
  virtual ~AuditLog() = default;

  [[nodiscard]] virtual const LogShape& shape() const = 0;

  /// The highest key: none where the log is empty or its keys have no order.
  [[nodiscard]] virtual std::optional<std::int64_t> highest_key() = 0;

  /// The lowest key, in the same way.
  [[nodiscard]] virtual std::optional<std::int64_t> lowest_key() = 0;

  /// How many rows there are, up to and including a key where keys have an order.
  [[nodiscard]] virtual std::int64_t count_rows(std::optional<std::int64_t> up_to) = 0;

  /// How many there are with a key above `after`, up to and including `up_to`; reads only those.
  /// Only where keys have an order.
  [[nodiscard]] virtual std::int64_t count_rows_between(std::int64_t after, std::int64_t up_to) = 0;

  /// Visits every row up to `up_to` once. Where readers block writers, it reads in pieces that hold
  /// the read lock no longer than about `longest_read`.
  virtual void scan_all(std::optional<std::int64_t> up_to,
                        std::chrono::milliseconds longest_read,
                        const RowVisit& visit) = 0;

  /// Counts rows by code, tenant and own category. Only with a code_time_index.
  virtual void count_groups(std::optional<std::int64_t> up_to,
                            const GroupVisit& visit,
                            const Pulse& pulse) = 0;

  /// A stored code that about half of the rows come before, so that two connections can count them
  /// at once. None where they cannot.
  [[nodiscard]] virtual std::optional<std::string> middle_code(
      std::optional<std::int64_t> /*up_to*/) {
    return std::nullopt;
  }

  /// count_groups() of the rows on one side of a code that middle_code() gave: the two sides have
  /// each row between them, and none twice.
  virtual void count_groups_of(const CodesPart& /*part*/,
                               std::optional<std::int64_t> /*up_to*/,
                               const GroupVisit& /*visit*/,
                               const Pulse& /*pulse*/) {
    throw StorageError(StorageTrouble::other, "the rows of this database are counted in one go");
  }

  /// Counts rows by code, tenant, own category and day in one pass: an index alone where it has all
  /// of that and readers block nobody, otherwise the table in pieces. Rows whose time cannot be
  /// read are left out; the same day may be visited more than once. Memory does not grow with the
  /// log.
  virtual void count_days(std::optional<std::int64_t> up_to, const DayVisit& visit) = 0;

  /// Visits the candidates of one code. Only with a code_time_index.
  virtual void scan_candidates(const CandidateRange& range,
                               std::optional<std::int64_t> up_to,
                               const RowVisit& visit) = 0;

  /// The same of several codes, in no order that means anything: codes with the same bounds may be
  /// read in one go.
  virtual void scan_all_candidates(std::span<const CandidateRange> ranges,
                                   std::optional<std::int64_t> up_to,
                                   const RowVisit& visit) {
    for (const CandidateRange& range : ranges) {
      scan_candidates(range, up_to, visit);
    }
  }

  /// Visits the keys of the same candidates, in no order that means anything: with keys_in_index
  /// from the index alone, without a look at any row. Only with a code_time_index.
  virtual void scan_candidate_keys(const CandidateRange& range,
                                   std::optional<std::int64_t> up_to,
                                   const KeyVisit& visit) = 0;

  /// Gives the span of the rows of one code that are no candidates; not called where there are
  /// none. Two looks into the index, however many rows there are. Only with a code_time_index.
  virtual void find_span(const CandidateRange& range,
                         std::optional<std::int64_t> up_to,
                         const SpanVisit& visit) = 0;

  /// Reads one row. Returns false where there is none.
  [[nodiscard]] virtual bool read_row(const RowKey& key, const RowVisit& visit) = 0;

  /// The same with the whole row, for its digest and its archive.
  [[nodiscard]] virtual bool read_whole_row(const RowKey& key, const ContentVisit& visit) = 0;

  /// Reads many rows, in the order of the keys: those that are not there are left out. Keys that
  /// ascend and lie close together are read in one go.
  virtual void read_rows(std::span<const RowKey> keys, const RowVisit& visit) = 0;

  /// The same with the whole rows.
  virtual void read_whole_rows(std::span<const RowKey> keys, const ContentVisit& visit) = 0;

  /// Puts a deleted row back, from the canonical bytes of RowContent. Returns false, and does
  /// nothing, where a row with its key is there. Errors: StorageError for bytes that do not fit.
  [[nodiscard]] virtual bool put_back(const RowKey& key, std::string_view content) = 0;

  /// Visits the key of every row.
  virtual void for_each_key(const KeyVisit& visit) = 0;

  /// The key that a person typed, as the table has it; none where no row has it.
  [[nodiscard]] virtual std::optional<RowKey> find_key(const std::string& typed) = 0;

  /// Deletes exactly the rows with these keys, which have all been decided inside the write
  /// transaction that is open, and before each the rows of children that name it. The only place
  /// where a row of the audit log goes.
  /// Errors: StorageError where one of them was not there, or where any other row went with them.
  virtual void dispose(std::span<const RowKey> keys) = 0;
  void dispose_one(const RowKey& key) { dispose({&key, 1}); }

  /// The same for rows that are decided as they go: each is shown whole, as it was when it was
  /// deleted, those with integer keys in ascending order. Begins no more of them once `enough` says
  /// so, and gives how many of the keys were worked off. Only where
  /// SliceManners::decides_on_deleted, and never where a delete has other effects than that.
  /// Errors: RowsStay where `goes` says no to a row, or where other rows went than were asked for;
  /// after any error the write is taken back already, and cannot be committed.
  [[nodiscard]] virtual std::size_t dispose_decided(std::span<const RowKey> /*keys*/,
                                                    const Verdict& /*goes*/,
                                                    const std::function<bool()>& /*enough*/) {
    throw StorageError(StorageTrouble::other, "this database shows no row that it deletes");
  }

  /// How many rows of each child dispose() would delete with this row.
  [[nodiscard]] virtual ChildCounts count_children(const RowKey& key) = 0;

  /// The rows of children that dispose() has deleted since the last call, or since the log was
  /// opened; every child is there. A write that was taken back has counted too.
  [[nodiscard]] virtual ChildCounts take_children() = 0;

  /// Adds one of Holdfast's own audit rows, into the log or into holdfast_event.
  virtual void append(const AuditEvent& event) = 0;

  /// Adds the row to holdfast_event even where append() would write into the log: for a run that
  /// has to say that the log itself is damaged.
  virtual void append_aside(const AuditEvent& event) = 0;

  /// True where append() writes into the log itself.
  [[nodiscard]] virtual bool appends_to_log() const = 0;
};

}  // namespace holdfast
