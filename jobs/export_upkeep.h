// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/desk.h"
#include "jobs/export_store.h"
#include "storage/database.h"

namespace holdfast {

/// "export-0a1b2c3d-12.zip": databases that share a folder count their copies each for itself.
[[nodiscard]] std::string export_name(const std::string& database_id, std::int64_t id);

/// The copy of the subject that somebody is still to get, see is_open(); 0 where there is none.
[[nodiscard]] std::int64_t open_export(ExportRegister& exports,
                                       const Subject& subject,
                                       Instant guard_now);

/// The subject was erased: every copy of theirs is destroyed in the register, and the lines name
/// the token from now on. Returns the copies that were not destroyed before. The files go after the
/// commit, by tidy_exports(). Call inside the write of the erasure. Errors: JobError(refused) where
/// a file could not be destroyed then: null `store` ([export] is not set), or it is not in there;
/// `again`, after a restored backup whose copies may have been destroyed since, only the former.
std::vector<std::int64_t> erase_exports(ExportRegister& exports,
                                        ExportStore* store,
                                        const Subject& subject,
                                        const std::string& token,
                                        Instant now,
                                        bool again = false);

/// Removes what the register does not know as ready: what a crash left half written, copies that
/// were written and not recorded, and those of destroyed lines. Touches nothing of another
/// database. The caller holds the RunLock, so that no copy is being written. Returns what could not
/// be done, one sentence each. Never throws for what the folder says.
[[nodiscard]] std::vector<std::string> tidy_exports(Database& database, ExportStore& store);

/// Removes all copies of this database: with its register goes whoever would destroy them in time.
/// Null `store`: [export] is not set. The caller holds the RunLock. Returns what could not be done,
/// one sentence each.
[[nodiscard]] std::vector<std::string> destroy_all_exports(Database& database, ExportStore* store);

/// The files of copies that an erasure has just destroyed go; where they cannot, or [export] is not
/// set any more, the observer is warned and the next run tries again.
void remove_erased_exports(const Desk& desk);

/// Why a copy that is ready cannot be handed out, as a sentence; empty where it can. Null `store`:
/// [export] is not set. A copy that is not ready has no fault.
[[nodiscard]] std::string export_fault(const ExportRequest& request, ExportStore* store);

/// What is wrong with the copies as a whole, one sentence each, for `check`, `verify` and runs:
/// those that are ready and cannot be handed out, and those that are asked for while [export] is
/// not set.
[[nodiscard]] std::vector<std::string> export_faults(ExportRegister& exports, ExportStore* store);

}  // namespace holdfast
