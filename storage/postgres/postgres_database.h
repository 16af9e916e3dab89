// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/postgres/postgres_audit_log.h"
#include "storage/postgres/postgres_connection.h"
#include "storage/postgres/postgres_hold_register.h"
#include "storage/postgres/postgres_log_layout.h"
#include "storage/postgres/postgres_partitions.h"
#include "storage/postgres/postgres_subject_store.h"
#include "storage/postgres/without_guard.h"
#include "storage/registers/register_query.h"
#include "storage/registers/sql_bookmarks.h"
#include "storage/registers/sql_erasure_register.h"
#include "storage/registers/sql_export_register.h"
#include "storage/registers/sql_first_seen.h"
#include "storage/registers/sql_journal.h"
#include "storage/registers/sql_plan_store.h"
#include "storage/registers/sql_policy_register.h"
#include "storage/registers/sql_restored_rows.h"
#include "storage/registers/sql_run_ledger.h"
#include "storage/registers/sql_witness_outbox.h"

namespace holdfast {

/// A PostgreSQL database with the audit log and Holdfast's own tables in one schema, over one
/// session.
class PostgresDatabase final : public Database {
 public:
  /// Errors: StorageError, as open_postgres().
  explicit PostgresDatabase(const OpenOptions& options);

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
  [[nodiscard]] PartitionStore* partitions() override { return &partitions_; }
  [[nodiscard]] std::unique_ptr<KeySet> new_key_set() override;

  [[nodiscard]] bool is_set_up() const override { return home_.set_up; }
  [[nodiscard]] std::string identity() override;
  [[nodiscard]] std::string path() const override { return connection_.path(); }
  [[nodiscard]] std::filesystem::path beside() const override { return beside_; }
  [[nodiscard]] bool readers_are_free() const override { return true; }
  /// Each statement is a way to the server and back. Its locks are handed on in the order in which
  /// they were asked for, but for that of a hold in plain SQL, which has to be quick.
  [[nodiscard]] SliceManners slice_manners() const override {
    return {.rows_at_once = 500,
            .longest_rest = std::chrono::milliseconds{2},
            .warm_next_rows = false,
            .decides_on_deleted = true};
  }
  [[nodiscard]] std::string vacuum_statement() const override;

  [[nodiscard]] std::unique_ptr<WriteScope> begin_write(Durability durability) override;
  [[nodiscard]] std::unique_ptr<ReadScope> begin_read() override;

  /// The server does not tell a session what others commit, so each answer is another one: somebody
  /// may have written. Nothing is read ahead of a slice's lock then.
  [[nodiscard]] std::int64_t foreign_commits() override { return ++answers_; }
  [[nodiscard]] std::optional<Instant> last_written() override { return std::nullopt; }
  [[nodiscard]] std::optional<Instant> server_now() override;
  /// Inside a write it also keeps the table as it is until the write ends.
  void require_same_schema() override;
  /// The server writes its log into its tables by itself, and so is there nothing to give back.
  bool checkpoint_some() override { return false; }
  bool checkpoint_all() override { return true; }
  [[nodiscard]] SpaceReport space() override;
  void give_back_pages(std::int64_t /*most*/) override {}
  /// Errors: StorageError, always: it says what to run instead.
  std::optional<std::int64_t> give_room_back() override;
  /// Always empty: the server finds a damaged page or index out when it reads it.
  [[nodiscard]] std::string integrity_problem() override { return ""; }
  std::vector<std::string> lower_instants(Instant now) override;
  [[nodiscard]] bool take_run_lock() override;

 private:
  std::filesystem::path beside_;
  PostgresConnection connection_;
  RegisterHome home_;
  PostgresLogLayout layout_;
  std::string mark_;  // of the table as it was probed; empty: there is no log
  PostgresAuditLog log_;
  PostgresPartitions partitions_;
  PostgresHoldRegister holds_;
  SqlRunLedger ledger_;
  SqlPolicyRegister policies_;
  SqlPlanStore plans_;
  SqlBookmarks bookmarks_;
  SqlFirstSeen first_seen_;
  SqlJournal journal_;
  SqlErasureRegister erasures_;
  SqlExportRegister exports_;
  PostgresSubjectStore subjects_;
  SqlWitnessOutbox witness_outbox_;
  SqlRestoredRows restored_rows_;
  WithoutGuard guard_;
  std::int64_t answers_ = 0;
};

}  // namespace holdfast
