// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "jobs/archive_store.h"
#include "jobs/decision_context.h"
#include "jobs/erasure_keys.h"
#include "jobs/hold_command.h"
#include "jobs/settings.h"
#include "jobs/subject_erasure.h"
#include "jobs/witness_notes.h"
#include "policy/erasure_request.h"
#include "storage/database.h"

namespace holdfast {

/// What a deed needs beside the request.
struct ErasureTools {
  Database& database;
  const Settings& settings;
  HoldCommand& programs;
  ErasureKeys& keys;
  ArchiveStore* archives = nullptr;  ///< null: [archive] is not set
  ExportStore* exports = nullptr;    ///< null: [export] is not set
  WitnessNotes* notes = nullptr;     ///< null: the next run tells the witness of a completion
};

/// Somebody who does something, and when.
struct ErasureActor {
  std::string who;
  RunClock clock;        ///< of the run, or the one that the next run would have
  std::int64_t run = 0;  ///< the run that acts in that person's name; 0: the person itself
};

/// What a deed is asked with.
struct ErasureWish {
  ErasureDeed deed = ErasureDeed::request;
  std::string reason;
  std::string override_digest;  ///< whole, or its first 12 letters or more
};

/// What became of it.
struct ErasureResult {
  ErasureStep step;
  ErasureRequest request;   ///< as it stands afterwards
  std::string hold_digest;  ///< of the hold set that was seen; empty where nobody was asked
  std::optional<HoldAnswer> holds;
  std::optional<ErasureReceipt> receipt;
  std::string reason;            ///< as it was given, with the token where it names the subject
  std::int64_t open_export = 0;  ///< the copy that the subject is still to get; 0: none
  bool repeated = false;  ///< the nightly run met the same block as before: nothing was written
};

/// Carries deeds on erasure requests out: asks step_erasure(), and does what it says in one
/// transaction, audit rows included. Programs of modules are asked before the write lock is taken;
/// the register and the modules' queries inside it.
class ErasureWorkflow {
 public:
  ErasureWorkflow(const ErasureTools& tools, const PolicyState& policy, ErasureActor actor);

  /// Opens a request for a subject, or says which one there is.
  [[nodiscard]] ErasureResult request(const Subject& subject, const ErasureWish& wish);
  /// Any other deed. Errors: JobError(invalid) where there is no such request; StorageError.
  [[nodiscard]] ErasureResult carry_out(std::int64_t id, const ErasureWish& wish);

  /// True where this actor could complete the request, cool-off and holds aside: only then may the
  /// holds be shown.
  [[nodiscard]] bool may_see_holds(const ErasureRequest& request) const;
  /// The holds as they stand, without doing anything. Call it where nobody else holds a write.
  [[nodiscard]] HoldAnswer ask_holds(const ErasureRequest& request);

 private:
  struct Attempt;
  [[nodiscard]] ErasureFacts facts(const std::string& person, const ErasureWish& wish) const;
  [[nodiscard]] ErasureRequest require_request(std::int64_t id);
  [[nodiscard]] std::optional<std::string> token_if_key_is_there(const Subject& subject);
  [[nodiscard]] bool data_is_there(const Subject& subject);
  [[nodiscard]] HoldAnswer answer_now(const ErasureRequest& request,
                                      const DecisionContext& context,
                                      const std::vector<RowKey>& rows,
                                      const std::vector<ModuleReport>& programs);
  void apply(const ErasureWish& wish, ErasureResult& result, Attempt& attempt);
  void erase(ErasureResult& result, Attempt& attempt);
  void append_events(const ErasureResult& result);
  void note_attempt(const ErasureWish& wish, const ErasureResult& result);
  [[nodiscard]] bool same_block_as_before(const ErasureResult& result);

  ErasureTools with_;
  const PolicyState& policy_;
  ErasureActor actor_;
};

/// How often the nightly run repeats the audit row of a completion that stays blocked.
inline constexpr std::chrono::hours kBlockedAgain{24 * 30};

}  // namespace holdfast
