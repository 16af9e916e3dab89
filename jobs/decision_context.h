// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "jobs/settings.h"
#include "policy/decision.h"
#include "policy/policy_versions.h"
#include "storage/database.h"

namespace holdfast {

/// The versions of the policy as they stand, with the configuration's own as the last one.
struct PolicyState {
  std::vector<PolicyVersion> versions;  ///< ascending, not empty
  bool recorded = false;              ///< false: the configuration has changed since the last line
  bool first_run = false;             ///< no run has passed the first-run gate yet
  std::string digest;                 ///< SHA-256 of the configuration's own document
  std::vector<PolicyChange> pending;  ///< what changed since the last recorded version

  [[nodiscard]] const PolicyVersion& current() const { return versions.back(); }
};

/// The columns of the log that holds can ask about.
[[nodiscard]] AnsweredTerms answered_terms(const LogShape& shape);

/// Reads the register and puts the configuration's policy behind it, in force from `now` where it
/// is new. Before the first approved run there is no older version. Errors: JobError, StorageError.
[[nodiscard]] PolicyState read_policy_state(Database& database,
                                            const Settings& settings,
                                            Instant now);

/// What plan and run say where no archive can be written.
[[nodiscard]] std::string archive_warning(const Settings& settings);

/// How long an approval lives after it was given or last used.
inline constexpr std::chrono::hours kApprovalLife{24 * 7};

/// Everything that decisions depend on, read once and kept alive: policy versions in force with
/// their cut-offs, the hold set, bookmarks, an approved plan.
class DecisionContext {
 public:
  /// Uses the approval that is open, where its policy and database are still the same and it has
  /// not lapsed; the cut-offs are then those of the approved plan.
  DecisionContext(Database& database,
                  const Settings& settings,
                  const PolicyState& policy,
                  const RunClock& clock);

  /// Takes no account of approvals: what a plan to be saved is made from.
  struct WithoutApproval {};
  DecisionContext(Database& database,
                  const Settings& settings,
                  const PolicyState& policy,
                  const RunClock& clock,
                  WithoutApproval without_approval);

  // The frame points into the context.
  DecisionContext(const DecisionContext&) = delete;
  DecisionContext& operator=(const DecisionContext&) = delete;
  DecisionContext(DecisionContext&&) = delete;
  DecisionContext& operator=(DecisionContext&&) = delete;
  ~DecisionContext() = default;

  /// Decides about a row as it is stored: looks up what the row itself cannot say (when it was
  /// first seen, whether the approved plan has it) and asks decide().
  [[nodiscard]] Decision decide_row(const RowFacts& row);
  /// The same, with the register of another connection. Where can_share() says so, another thread
  /// may ask this while refresh_holds() is not called.
  [[nodiscard]] Decision decide_row(const RowFacts& row, FirstSeenRegister& first_seen) const;
  [[nodiscard]] bool can_share() const { return !approved_keys_ || approved_keys_->shareable(); }
  [[nodiscard]] DecisionTrace explain_row(const RowFacts& row);

  /// Reads the bookmarks again, and the hold register if its version changed. Call inside the write
  /// that relies on them. Returns true where the holds had changed.
  bool refresh_holds();

  /// Closes the limit gate for these tenant categories.
  void close_limit_gate(TallyPlaceSet over_limit);

  [[nodiscard]] const DecisionFrame& frame() const { return frame_; }
  [[nodiscard]] const RuleBook& rules() const { return *books_.front(); }
  [[nodiscard]] const SafetyPolicy& safety() const { return safety_; }
  [[nodiscard]] const HoldIndex& holds() const { return holds_; }
  [[nodiscard]] std::int64_t hold_version() const { return hold_version_; }
  [[nodiscard]] const std::string& hold_digest() const { return hold_digest_; }
  [[nodiscard]] const std::optional<Approval>& approval() const { return approval_; }
  /// Why an open approval does not count; empty where it does, or where there is none.
  [[nodiscard]] const std::string& approval_doubt() const { return approval_doubt_; }
  [[nodiscard]] bool archive_missing() const { return frame_.archive_missing; }

 private:
  void adopt_approval(const PolicyState& policy, Instant system_now);
  void build_frame(const Settings& settings, const RunClock& clock);
  void read_bookmarks();
  void read_holds();
  [[nodiscard]] RowFacts complete(const RowFacts& row, FirstSeenRegister& first_seen) const;

  Database& database_;
  const PolicyState& policy_;
  std::vector<const PolicyVersion*> in_force_;
  SafetyPolicy safety_;
  std::vector<std::unique_ptr<RuleBook>> books_;  // the current version's first
  HoldIndex holds_;
  std::int64_t hold_version_ = 0;
  std::string hold_digest_;
  std::optional<Approval> approval_;
  std::string approval_doubt_;
  std::unique_ptr<KeySet> approved_keys_;
  TallyPlaceSet over_limit_;
  DecisionFrame frame_;
};

}  // namespace holdfast
