// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/database.h"
#include "tests/jobs/failing_erasure.h"
#include "tests/jobs/fault_plan.h"

namespace holdfast::testing {

/// A write scope whose commit may fail.
class FailingScope final : public WriteScope {
 public:
  FailingScope(std::unique_ptr<WriteScope> real, FaultPlan& faults)
      : real_(std::move(real)), faults_(faults) {}
  void commit() override {
    faults_.pass("commit");
    real_->commit();
  }

 private:
  std::unique_ptr<WriteScope> real_;
  FaultPlan& faults_;
};

/// An audit log whose writes may fail.
class FailingLog final : public AuditLog {
 public:
  FailingLog(AuditLog& real, FaultPlan& faults) : real_(real), faults_(faults) {}

  [[nodiscard]] const LogShape& shape() const override { return real_.shape(); }
  [[nodiscard]] std::optional<std::int64_t> highest_key() override { return real_.highest_key(); }
  [[nodiscard]] std::optional<std::int64_t> lowest_key() override { return real_.lowest_key(); }
  [[nodiscard]] std::int64_t count_rows(std::optional<std::int64_t> up_to) override {
    faults_.look("count_rows");
    return real_.count_rows(up_to);
  }
  [[nodiscard]] std::int64_t count_rows_between(std::int64_t after, std::int64_t up_to) override {
    return real_.count_rows_between(after, up_to);
  }
  void scan_all(std::optional<std::int64_t> up_to,
                std::chrono::milliseconds longest_read,
                const RowVisit& visit) override {
    real_.scan_all(up_to, longest_read, visit);
  }
  void count_groups(std::optional<std::int64_t> up_to,
                    const GroupVisit& visit,
                    const Pulse& pulse) override {
    real_.count_groups(up_to, visit, pulse);
  }
  [[nodiscard]] std::optional<std::string> middle_code(std::optional<std::int64_t> up_to) override {
    return real_.middle_code(up_to);
  }
  void count_groups_of(const CodesPart& part,
                       std::optional<std::int64_t> up_to,
                       const GroupVisit& visit,
                       const Pulse& pulse) override {
    faults_.look("count_groups_of");
    real_.count_groups_of(part, up_to, visit, pulse);
  }
  void count_days(std::optional<std::int64_t> up_to, const DayVisit& visit) override {
    real_.count_days(up_to, visit);
  }
  void scan_all_candidates(std::span<const CandidateRange> ranges,
                           std::optional<std::int64_t> up_to,
                           const RowVisit& visit) override {
    real_.scan_all_candidates(ranges, up_to, visit);
  }
  void scan_candidates(const CandidateRange& range,
                       std::optional<std::int64_t> up_to,
                       const RowVisit& visit) override {
    real_.scan_candidates(range, up_to, visit);
  }
  void scan_candidate_keys(const CandidateRange& range,
                           std::optional<std::int64_t> up_to,
                           const KeyVisit& visit) override {
    real_.scan_candidate_keys(range, up_to, visit);
  }
  void find_span(const CandidateRange& range,
                 std::optional<std::int64_t> up_to,
                 const SpanVisit& visit) override {
    real_.find_span(range, up_to, visit);
  }
  [[nodiscard]] bool read_row(const RowKey& key, const RowVisit& visit) override {
    return real_.read_row(key, visit);
  }
  [[nodiscard]] bool read_whole_row(const RowKey& key, const ContentVisit& visit) override {
    return real_.read_whole_row(key, visit);
  }
  void read_rows(std::span<const RowKey> keys, const RowVisit& visit) override {
    faults_.look("read_rows");
    real_.read_rows(keys, visit);
  }
  void read_whole_rows(std::span<const RowKey> keys, const ContentVisit& visit) override {
    faults_.look("read_whole_rows");
    real_.read_whole_rows(keys, visit);
  }
  [[nodiscard]] bool put_back(const RowKey& key, std::string_view content) override {
    return real_.put_back(key, content);
  }
  void for_each_key(const KeyVisit& visit) override { real_.for_each_key(visit); }
  [[nodiscard]] std::optional<RowKey> find_key(const std::string& typed) override {
    return real_.find_key(typed);
  }
  /// Row by row, so that one of them may fail when others are gone.
  void dispose(std::span<const RowKey> keys) override {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      faults_.pass("dispose");
      real_.dispose(keys.subspan(i, 1));
    }
  }
  [[nodiscard]] ChildCounts count_children(const RowKey& key) override {
    return real_.count_children(key);
  }
  [[nodiscard]] ChildCounts take_children() override { return real_.take_children(); }
  void append(const AuditEvent& event) override {
    faults_.pass("append");
    real_.append(event);
  }
  void append_aside(const AuditEvent& event) override {
    faults_.pass("append");
    real_.append_aside(event);
  }
  [[nodiscard]] bool appends_to_log() const override { return real_.appends_to_log(); }

 private:
  AuditLog& real_;
  FaultPlan& faults_;
};

/// A ledger whose writes may fail.
class FailingLedger final : public RunLedger {
 public:
  FailingLedger(RunLedger& real, FaultPlan& faults) : real_(real), faults_(faults) {}

  std::int64_t open(const RunOpening& opening) override {
    faults_.pass("open");
    return real_.open(opening);
  }
  void enter_phase(std::int64_t run, const std::string& phase) override {
    faults_.pass("enter_phase");
    real_.enter_phase(run, phase);
  }
  void add_slice(const RunSlice& slice) override {
    faults_.pass("add_slice");
    real_.add_slice(slice);
  }
  void close(std::int64_t run, const RunClosing& closing) override {
    faults_.pass("close");
    real_.close(run, closing);
  }
  [[nodiscard]] std::vector<RunLine> left_open() override { return real_.left_open(); }
  [[nodiscard]] std::optional<RunLine> find(std::int64_t run) override { return real_.find(run); }
  [[nodiscard]] std::optional<RunLine> last() override { return real_.last(); }
  [[nodiscard]] std::vector<RunLine> newest(std::int64_t most) override {
    return real_.newest(most);
  }
  [[nodiscard]] std::optional<RunLine> last_success() override { return real_.last_success(); }
  [[nodiscard]] std::vector<RunSlice> slices(std::int64_t run) override {
    return real_.slices(run);
  }
  [[nodiscard]] std::vector<std::int64_t> archived_runs() override { return real_.archived_runs(); }
  [[nodiscard]] std::vector<RowKey> slice_keys(std::int64_t run, std::int64_t number) override {
    return real_.slice_keys(run, number);
  }
  [[nodiscard]] std::string stored_keys(std::int64_t run, std::int64_t number) override {
    return real_.stored_keys(run, number);
  }
  [[nodiscard]] std::string last_hash() override { return real_.last_hash(); }
  [[nodiscard]] std::string salt(std::int64_t run) override { return real_.salt(run); }
  std::int64_t destroy_salts(Instant opened_before) override {
    faults_.pass("destroy_salts");
    return real_.destroy_salts(opened_before);
  }
  void destroy_salt(std::int64_t run) override {
    faults_.pass("destroy_salt");
    real_.destroy_salt(run);
  }
  void add_lost(const RunLine& line) override {
    faults_.pass("add_lost");
    real_.add_lost(line);
  }
  [[nodiscard]] std::optional<RunSlice> slice_that_deleted(const RowKey& key) override {
    return real_.slice_that_deleted(key);
  }
  [[nodiscard]] std::optional<RunSlice> slice_that_deleted(const std::string& typed) override {
    return real_.slice_that_deleted(typed);
  }
  [[nodiscard]] std::optional<RunClock> last_clock() override { return real_.last_clock(); }
  void store_clock(const RunClock& clock, const std::string& source) override {
    faults_.pass("store_clock");
    real_.store_clock(clock, source);
  }

 private:
  RunLedger& real_;
  FaultPlan& faults_;
};

/// A real database in which the writes of a run fail where the plan says so.
class FailingDatabase : public Database {
 public:
  FailingDatabase(Database& real, FaultPlan& faults)
      : real_(real),
        faults_(faults),
        log_(real.audit_log(), faults),
        ledger_(real.ledger(), faults),
        erasures_(real.erasures(), faults),
        exports_(real.exports(), faults),
        subjects_(real.subjects(), faults) {}

  [[nodiscard]] AuditLog& audit_log() override { return log_; }
  [[nodiscard]] HoldRegister& holds() override { return real_.holds(); }
  [[nodiscard]] RunLedger& ledger() override { return ledger_; }
  [[nodiscard]] PolicyRegister& policies() override { return real_.policies(); }
  [[nodiscard]] PlanStore& plans() override { return real_.plans(); }
  [[nodiscard]] BookmarkRegister& bookmarks() override { return real_.bookmarks(); }
  [[nodiscard]] FirstSeenRegister& first_seen() override { return real_.first_seen(); }
  [[nodiscard]] Journal& journal() override { return real_.journal(); }
  [[nodiscard]] ErasureRegister& erasures() override { return erasures_; }
  [[nodiscard]] ExportRegister& exports() override { return exports_; }
  [[nodiscard]] SubjectStore& subjects() override { return subjects_; }
  [[nodiscard]] WitnessOutbox& witness_outbox() override { return real_.witness_outbox(); }
  [[nodiscard]] RestoredRows& restored_rows() override { return real_.restored_rows(); }
  [[nodiscard]] LogGuard& guard() override { return real_.guard(); }
  [[nodiscard]] std::unique_ptr<KeySet> new_key_set() override { return real_.new_key_set(); }
  [[nodiscard]] bool is_set_up() const override { return real_.is_set_up(); }
  [[nodiscard]] std::string identity() override { return real_.identity(); }
  [[nodiscard]] std::string path() const override { return real_.path(); }
  [[nodiscard]] std::string place_mark() override { return real_.place_mark(); }
  [[nodiscard]] bool readers_are_free() const override { return real_.readers_are_free(); }
  [[nodiscard]] std::unique_ptr<WriteScope> begin_write(Durability durability) override {
    faults_.pass("begin_write");
    return std::make_unique<FailingScope>(real_.begin_write(durability), faults_);
  }
  [[nodiscard]] std::unique_ptr<ReadScope> begin_read() override {
    faults_.look("begin_read");
    return real_.begin_read();
  }
  [[nodiscard]] std::optional<Instant> last_written() override { return real_.last_written(); }
  [[nodiscard]] std::int64_t foreign_commits() override { return real_.foreign_commits(); }
  void require_same_schema() override { real_.require_same_schema(); }
  [[nodiscard]] std::int64_t log_bytes() override { return real_.log_bytes(); }
  void copy_log() override {
    faults_.look("copy_log");
    real_.copy_log();
  }
  bool checkpoint_some() override {
    faults_.look("checkpoint_some");
    return real_.checkpoint_some();
  }
  bool checkpoint_all() override {
    faults_.look("checkpoint_all");
    return real_.checkpoint_all();
  }
  [[nodiscard]] SpaceReport space() override { return real_.space(); }
  void give_back_pages(std::int64_t most) override {
    faults_.pass("give_back_pages");
    real_.give_back_pages(most);
  }
  std::optional<std::int64_t> give_room_back() override { return real_.give_room_back(); }
  [[nodiscard]] std::string integrity_problem() override { return real_.integrity_problem(); }
  std::vector<std::string> lower_instants(Instant now) override {
    return real_.lower_instants(now);
  }

 private:
  Database& real_;
  FaultPlan& faults_;
  FailingLog log_;
  FailingLedger ledger_;
  FailingErasures erasures_;
  FailingExports exports_;
  FailingSubjects subjects_;
};

}  // namespace holdfast::testing
