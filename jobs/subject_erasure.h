// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "jobs/archive_store.h"
#include "jobs/decision_context.h"
#include "jobs/erasure_residue.h"
#include "jobs/export_store.h"
#include "jobs/settings.h"
#include "storage/database.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// The subject's rows of the log, found before the write lock is taken and completed under it, so
/// that a log without an index on persons is not searched while others wait.
class SubjectRows {
 public:
  SubjectRows(Database& database, Subject subject)
      : database_(database), subject_(std::move(subject)) {}

  /// Searches the log where that takes a whole pass. Call it without the write lock.
  void search_ahead();
  /// The rows as they are now. Call it inside the write that relies on them. Where a search takes
  /// longer than a second and somebody committed since, rows that others have changed, or added
  /// below the highest key, are not found.
  [[nodiscard]] std::vector<RowKey> current();

 private:
  Database& database_;
  Subject subject_;
  bool searched_ = false;
  bool quick_ = false;  // so that it can be done once more while others wait
  std::vector<RowKey> found_;
  std::optional<std::int64_t> highest_;
  std::int64_t commits_ = 0;
};

/// An archive that was there when somebody was erased, and may still hold their rows.
struct RemainingArchive {
  std::int64_t run = 0;
  std::string file;  ///< name in [archive].directory; empty: the folder cannot be read
  std::optional<Instant> destroyed_from;  ///< when the nightly run destroys it; none: not known
  std::string problem;
};

/// Every archive of this database that is not destroyed, also one that is not in the folder. Whom
/// it is about would take reading all of it, so each is named. Null `store`: those that the ledger
/// knows. Errors: none; a folder that cannot be read is an entry that says so.
[[nodiscard]] std::vector<RemainingArchive> remaining_archives(Database& database,
                                                               const Settings& settings,
                                                               ArchiveStore* store);

/// Everything that one erasure needs to know.
struct SubjectErasure {
  Database& database;
  const Settings& settings;
  DecisionContext& context;  ///< decides which rows of the log may go
  bool rows_may_go = false;  ///< false before the first approved run: then every row stays
  Subject subject;
  std::string token;
  std::vector<RowKey> rows;  ///< SubjectRows::current()
  std::vector<RemainingArchive> archives;
  ExportStore* exports =
      nullptr;         ///< of the copies that were made for them; null: [export] is not set
  bool again = false;  ///< a restored backup brought the person back: their copies may be gone
};

/// False where no run vouches that clock, policy and time format are right: before the first
/// approved run, and after a last one that was refused, invalid or failed (with too many bad times,
/// say). `run` is the run that is going on and has passed its gates, 0 for a person's own deed.
[[nodiscard]] bool rows_may_go(Database& database,
                               const PolicyState& policy,
                               const DecisionContext& context,
                               std::int64_t run);

/// What was done, for the receipt.
struct ErasureReceipt {
  struct Table {
    std::string module;
    std::string table;
    ModuleAction action = ModuleAction::remove;
    TableErasure counts;
  };
  std::vector<Table> tables;
  std::vector<RowKey> deleted;      ///< rows of the log whose keep was over
  ChildCounts children_deleted;     ///< rows of children that went with those
  std::int64_t pseudonymised = 0;   ///< rows of the log that stay, with the token
  std::int64_t own_events = 0;      ///< Holdfast's own rows beside the log, with the token
  std::int64_t evidence = 0;        ///< rows that name the subject as an administrator who acted
  std::vector<std::int64_t> holds;  ///< that keep matching through the token
  std::vector<RemainingArchive> archives;
  std::vector<std::int64_t> exports;  ///< copies that are destroyed with it
  std::vector<LeftAsItIs> left;       ///< that nobody looked at, in rows that stay
};

/// Erases one subject: modules' tables by their action; rows of the log that the decision lets go
/// are deleted, all others pseudonymised; person holds that named the subject also name the token;
/// the register's own lines about the subject get the token; the salts of all runs are destroyed,
/// so that no digest can be used to guess what a row about the subject was. All of it inside the
/// caller's write. A hold that an override suspends still keeps its rows of the log. Errors:
/// StorageError, JobError; the caller's write is to be taken back then.
[[nodiscard]] ErasureReceipt erase_subject(const SubjectErasure& erasure);

[[nodiscard]] nlohmann::json receipt_json(const ErasureReceipt& receipt);

}  // namespace holdfast
