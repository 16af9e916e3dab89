// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/erasure_register.h"
#include "storage/export_register.h"
#include "storage/subject_store.h"
#include "tests/jobs/fault_plan.h"

namespace holdfast::testing {

/// A register of erasures whose writes may fail.
class FailingErasures final : public ErasureRegister {
 public:
  FailingErasures(ErasureRegister& real, FaultPlan& faults) : real_(real), faults_(faults) {}

  std::int64_t open(const ErasureRequest& request) override {
    faults_.pass("erasure open");
    return real_.open(request);
  }
  void store(const ErasureRequest& request) override {
    faults_.pass("erasure store");
    real_.store(request);
  }
  [[nodiscard]] std::optional<ErasureRequest> find(std::int64_t id) override {
    return real_.find(id);
  }
  [[nodiscard]] std::optional<ErasureRequest> find_open(const Subject& subject) override {
    return real_.find_open(subject);
  }
  [[nodiscard]] std::optional<ErasureRequest> find_newest(const Subject& subject) override {
    return real_.find_newest(subject);
  }
  [[nodiscard]] std::vector<ErasureRequest> all() override { return real_.all(); }
  void add_attempt(const ErasureAttempt& attempt) override {
    faults_.pass("erasure attempt");
    real_.add_attempt(attempt);
  }
  [[nodiscard]] std::vector<ErasureAttempt> attempts(std::int64_t erasure) override {
    return real_.attempts(erasure);
  }
  void rename_in_attempts(std::int64_t erasure,
                          const std::string& name,
                          const std::string& token) override {
    faults_.pass("erasure rename");
    real_.rename_in_attempts(erasure, name, token);
  }
  void store_receipt(std::int64_t erasure,
                     const std::string& receipt,
                     const std::vector<RowKey>& deleted) override {
    faults_.pass("erasure receipt");
    real_.store_receipt(erasure, receipt, deleted);
  }
  [[nodiscard]] std::optional<std::string> receipt(std::int64_t erasure) override {
    return real_.receipt(erasure);
  }
  [[nodiscard]] std::vector<RowKey> deleted_keys(std::int64_t erasure) override {
    return real_.deleted_keys(erasure);
  }
  [[nodiscard]] std::optional<std::int64_t> erasure_that_deleted(
      const std::string& typed) override {
    return real_.erasure_that_deleted(typed);
  }
  [[nodiscard]] std::vector<ErasureKeyLine> keys() override { return real_.keys(); }
  std::int64_t add_key(const ErasureKeyLine& key) override {
    faults_.pass("erasure key");
    return real_.add_key(key);
  }
  [[nodiscard]] bool forget_key(std::int64_t id, const Signature& by) override {
    faults_.pass("erasure forget_key");
    return real_.forget_key(id, by);
  }

 private:
  ErasureRegister& real_;
  FaultPlan& faults_;
};

/// A register of exports whose writes may fail.
class FailingExports final : public ExportRegister {
 public:
  FailingExports(ExportRegister& real, FaultPlan& faults) : real_(real), faults_(faults) {}

  std::int64_t open(const ExportRequest& request) override {
    faults_.pass("open export");
    return real_.open(request);
  }
  void store(const ExportRequest& request) override {
    faults_.pass("store export");
    real_.store(request);
  }
  [[nodiscard]] std::optional<ExportRequest> find(std::int64_t id) override {
    return real_.find(id);
  }
  [[nodiscard]] std::vector<ExportRequest> of(const Subject& subject) override {
    return real_.of(subject);
  }
  [[nodiscard]] std::vector<ExportRequest> kept() override { return real_.kept(); }
  [[nodiscard]] std::vector<ExportRequest> all() override { return real_.all(); }

 private:
  ExportRegister& real_;
  FaultPlan& faults_;
};

/// Persons' data that may fail to be erased.
class FailingSubjects final : public SubjectStore {
 public:
  FailingSubjects(SubjectStore& real, FaultPlan& faults) : real_(real), faults_(faults) {}

  void require_module_table(const ModuleTable& table) override {
    real_.require_module_table(table);
  }
  [[nodiscard]] std::int64_t count(const ModuleTable& table, const Subject& subject) override {
    return real_.count(table, subject);
  }
  [[nodiscard]] std::vector<std::string> columns_of(const ModuleTable& table) override {
    return real_.columns_of(table);
  }
  void for_each_row(const ModuleTable& table,
                    const Subject& subject,
                    const CellVisit& visit) override {
    real_.for_each_row(table, subject, visit);
  }
  TableErasure erase(const ModuleTable& table,
                     const Subject& subject,
                     const std::string& token) override {
    faults_.pass("erase");
    return real_.erase(table, subject, token);
  }
  void for_each_subject(const ModuleTable& table, const SubjectVisit& visit) override {
    real_.for_each_subject(table, visit);
  }
  void for_each_subject(LogPlace place, const SubjectVisit& visit) override {
    real_.for_each_subject(place, visit);
  }
  void require_hold_query(const std::string& sql) override { real_.require_hold_query(sql); }
  [[nodiscard]] std::vector<ReportedHold> query_holds(const std::string& sql,
                                                      const Subject& subject,
                                                      std::chrono::milliseconds limit) override {
    return real_.query_holds(sql, subject, limit);
  }
  [[nodiscard]] bool finds_by_index() const override { return real_.finds_by_index(); }
  [[nodiscard]] std::vector<std::string> unmapped_columns(LogPlace place) override {
    return real_.unmapped_columns(place);
  }
  [[nodiscard]] std::vector<RowKey> rows_of(LogPlace place,
                                            const Subject& subject,
                                            std::optional<std::int64_t> above) override {
    return real_.rows_of(place, subject, above);
  }
  [[nodiscard]] bool read_row(LogPlace place,
                              const RowKey& key,
                              const PersonalVisit& visit) override {
    return real_.read_row(place, key, visit);
  }
  void rewrite(LogPlace place, const RowKey& key, const PersonalFields& fields) override {
    faults_.pass("rewrite");
    real_.rewrite(place, key, fields);
  }
  void require_rewritable_log() override { real_.require_rewritable_log(); }

 private:
  SubjectStore& real_;
  FaultPlan& faults_;
};

}  // namespace holdfast::testing
