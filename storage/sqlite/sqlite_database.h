// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/registers/register_query.h"
#include "storage/registers/sql_bookmarks.h"
#include "storage/registers/sql_erasure_register.h"
#include "storage/registers/sql_export_register.h"
#include "storage/registers/sql_first_seen.h"
#include "storage/registers/sql_hold_register.h"
#include "storage/registers/sql_journal.h"
#include "storage/registers/sql_plan_store.h"
#include "storage/registers/sql_policy_register.h"
#include "storage/registers/sql_restored_rows.h"
#include "storage/registers/sql_run_ledger.h"
#include "storage/registers/sql_witness_outbox.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/sqlite_audit_log.h"
#include "storage/sqlite/sqlite_log_guard.h"
#include "storage/sqlite/sqlite_subject_store.h"
#include "storage/sqlite/statement.h"

namespace holdfast {

/// A SQLite file with the audit log and Holdfast's own tables, over one connection.
class SqliteDatabase final : public Database {
 public:
  /// Errors: StorageError, as open_sqlite(); SQLite::Exception.
  explicit SqliteDatabase(const OpenOptions& options);

  [[nodiscard]] AuditLog& audit_log() override { return log_; }
  [[nodiscard]] HoldRegister& holds() override { return holds_; }
  [[nodiscard]] RunLedger& ledger() override { return ledger_; }
  [[nodiscard]] PolicyRegister& policies() override { return policies_; }
  [[nodiscard]] PlanStore& plans() override { return plans_; }
  [[nodiscard]] BookmarkRegister& bookmarks() override { return bookmarks_; }
  [[nodiscard]] FirstSeenRegister& first_seen() override { return first_seen_; }
  [[nodiscard]] Journal& journal() override { return journal_; }
  [[nodiscard]] ErasureRegister& erasures() override { return erasures_; }
  [[nodiscard]] ExportRegister& exports() override { return exports_; }
  [[nodiscard]] SubjectStore& subjects() override { return subjects_; }
  [[nodiscard]] WitnessOutbox& witness_outbox() override { return witness_outbox_; }
  [[nodiscard]] RestoredRows& restored_rows() override { return restored_rows_; }
  [[nodiscard]] LogGuard& guard() override { return guard_; }
  [[nodiscard]] std::unique_ptr<KeySet> new_key_set() override;

  [[nodiscard]] bool is_set_up() const override { return home_.set_up; }
  [[nodiscard]] std::string identity() override;
  [[nodiscard]] std::string path() const override { return connection_.path(); }
  [[nodiscard]] std::string place_mark() override;
  [[nodiscard]] bool readers_are_free() const override { return connection_.wal(); }

  [[nodiscard]] std::unique_ptr<WriteScope> begin_write(Durability durability) override;
  [[nodiscard]] std::unique_ptr<ReadScope> begin_read() override;

  [[nodiscard]] std::int64_t foreign_commits() override;
  [[nodiscard]] std::optional<Instant> last_written() override;
  void require_same_schema() override;
  [[nodiscard]] std::int64_t log_bytes() override;
  void copy_log() override;
  bool checkpoint_some() override;
  bool checkpoint_all() override;
  [[nodiscard]] SpaceReport space() override;
  void give_back_pages(std::int64_t most) override;
  std::optional<std::int64_t> give_room_back() override;
  [[nodiscard]] std::string integrity_problem() override;
  std::vector<std::string> lower_instants(Instant now) override;

 private:
  void restart_log();

  Connection connection_;
  std::int64_t schema_cookie_;  // read before the log is probed: what changes between is noticed
  RegisterHome home_;
  LogLayout layout_;
  SqliteAuditLog log_;
  SqlHoldRegister holds_;
  SqlRunLedger ledger_;
  SqlPolicyRegister policies_;
  SqlPlanStore plans_;
  SqlBookmarks bookmarks_;
  SqlFirstSeen first_seen_;
  SqlJournal journal_;
  SqlErasureRegister erasures_;
  SqlExportRegister exports_;
  SqliteSubjectStore subjects_;
  SqlWitnessOutbox witness_outbox_;
  SqlRestoredRows restored_rows_;
  SqliteLogGuard guard_;
  Statement foreign_commits_;
  Statement schema_cookie_now_;
  std::int64_t large_log_;  // bytes of the write-ahead log that are too many
};

}  // namespace holdfast
