// SPDX-License-Identifier: Apache-2.0
#include "jobs/decision_context.h"

#include <algorithm>
#include <utility>

#include "jobs/digest.h"
#include "jobs/plan_digest.h"
#include "jobs/policy_document.h"
#include "policy/instant_shift.h"

namespace holdfast {
namespace {

/// The versions that count: none before the first approved run has set a baseline.
std::vector<PolicyVersion> versions_since(const std::vector<StoredPolicy>& stored,
                                          const std::optional<std::int64_t>& baseline) {
  std::vector<PolicyVersion> versions;
  for (const StoredPolicy& version : stored) {
    if (baseline && version.version >= *baseline) {
      versions.push_back(from_document(version));
    }
  }
  return versions;
}

}  // namespace

AnsweredTerms answered_terms(const LogShape& shape) {
  const auto mapped = [&shape](const char* column) {
    const auto found = shape.mapping.find(column);
    return found != shape.mapping.end() && !found->second.empty();
  };
  return {.tenant = mapped("tenant"), .actor = mapped("actor"), .subject = mapped("subject")};
}

PolicyState read_policy_state(Database& database, const Settings& settings, Instant now) {
  PolicyState state;
  PolicySnapshot current = make_snapshot(settings, database.audit_log().shape());
  state.digest = sha256_hex(to_document(current));
  const std::vector<StoredPolicy> stored = database.policies().versions();
  const std::optional<std::int64_t> baseline = database.policies().baseline();
  state.first_run = !baseline.has_value();
  state.recorded = !stored.empty() && stored.back().digest == state.digest;
  state.versions = versions_since(stored, baseline);
  if (!stored.empty() && !state.recorded) {
    state.pending = changes(from_document(stored.back()).snapshot, current);
  }
  if (state.versions.empty() || !state.recorded) {
    const std::int64_t last = stored.empty() ? 0 : stored.back().version;
    const Instant since =
        state.versions.empty() ? now : std::max(now, state.versions.back().in_force_from);
    state.versions.push_back({.number = state.recorded ? last : last + 1,
                              .in_force_from = since,
                              .snapshot = std::move(current)});
  }
  return state;
}

namespace {

/// Whoever puts other keys, another time or another policy under an approved digest has approved
/// nothing.
bool gives_its_digest(Database& database,
                      const PolicyState& policy,
                      const SavedPlan& plan,
                      KeySet& keys) {
  const RuleBook rules(policy.current().snapshot, plan.as_of);
  const std::string digest = plan_digest(
      database,
      {.policy_digest = plan.policy_digest, .hold_digest = plan.hold_digest, .rules = rules},
      keys);
  keys.rewind();
  return digest == plan.digest;
}

}  // namespace

std::string archive_warning(const Settings& settings) {
  return "archive_not_writable: " + (settings.archive ? settings.archive->fault : std::string{}) +
         "; every row that is due stays as not_archived until that is mended";
}

DecisionContext::DecisionContext(Database& database,
                                 const Settings& settings,
                                 const PolicyState& policy,
                                 const RunClock& clock)
    : database_(database), policy_(policy) {
  adopt_approval(policy, clock.system_now);
  build_frame(settings, clock);
}

DecisionContext::DecisionContext(Database& database,
                                 const Settings& settings,
                                 const PolicyState& policy,
                                 const RunClock& clock,
                                 WithoutApproval /*without_approval*/)
    : database_(database), policy_(policy) {
  build_frame(settings, clock);
}

void DecisionContext::adopt_approval(const PolicyState& policy, Instant system_now) {
  std::optional<Approval> approval = database_.plans().open_approval();
  if (!approval) {
    return;
  }
  const std::string name = "approval of plan " + approval->plan.digest.substr(0, 12);
  const Instant last = std::max(approval->approved_at, approval->last_used_at);
  if (approval->plan.policy_digest != policy.digest) {
    approval_doubt_ = name +
                      " does not count: the policy is another one now; save a new plan and "
                      "have it approved";
  } else if (last + kApprovalLife < system_now) {
    approval_doubt_ = name + " lapsed on " + to_rfc3339(last + kApprovalLife) +
                      ": save a new plan and have it approved";
  } else if (auto keys = database_.plans().keys(approval->plan.id);
             !gives_its_digest(database_, policy, approval->plan, *keys)) {
    approval_doubt_ = name +
                      " does not count: what is stored of the plan does not give its digest, so it "
                      "is not what was approved, or the clock was set back; save a new plan and "
                      "have it approved";
  } else {
    approved_keys_ = std::move(keys);
    approval_ = std::move(approval);
  }
}

void DecisionContext::build_frame(const Settings& settings, const RunClock& clock) {
  frame_.clock = clock;
  const Instant cutoffs_of = approval_ ? std::min(clock.as_of, approval_->plan.as_of) : clock.as_of;
  in_force_ = versions_in_force(policy_.versions, frame_.clock.guard_now());
  safety_ = strictest_safety(in_force_);
  for (const PolicyVersion* version : in_force_) {
    books_.push_back(std::make_unique<RuleBook>(version->snapshot, cutoffs_of));
    frame_.older_mapping_differs |=
        version->snapshot.mapping != in_force_.front()->snapshot.mapping;
    if (books_.size() > 1) {
      frame_.older_policies.push_back(books_.back().get());
    }
  }
  frame_.policy = books_.front().get();
  frame_.time_format = settings.events.time_format;
  frame_.earliest_plausible = settings.earliest_plausible;
  frame_.hold_release_grace = safety_.hold_release_grace;
  frame_.ordered_keys = database_.audit_log().shape().ordered_keys;
  frame_.archive_missing = settings.archive && !settings.archive->fault.empty();
  read_bookmarks();
  read_holds();
}

void DecisionContext::read_bookmarks() {
  frame_.lowest_bookmark.reset();
  for (const Bookmark& bookmark : database_.bookmarks().all()) {
    frame_.lowest_bookmark = frame_.lowest_bookmark
                                 ? std::min(*frame_.lowest_bookmark, bookmark.event_id)
                                 : bookmark.event_id;
  }
}

void DecisionContext::read_holds() {
  hold_version_ = database_.holds().version();
  std::vector<LegalHold> holds = database_.holds().all();
  hold_digest_ = hold_set_digest(holds);
  const AnsweredTerms columns = answered_terms(database_.audit_log().shape());
  for (LegalHold& hold : holds) {
    hold.scope = bound_to(std::move(hold.scope), columns);
  }
  // A hold whose grace is over frees its rows for good, and is left out of every look-up.
  std::erase_if(holds, [this](const LegalHold& hold) {
    return hold.over(frame_.hold_release_grace, frame_.clock.guard_now());
  });
  holds_ = HoldIndex(std::move(holds));
  frame_.holds = &holds_;
}

bool DecisionContext::refresh_holds() {
  // The version first: inside a write, what it stands for stays as it is from then on.
  const bool same = database_.holds().version() == hold_version_;
  read_bookmarks();
  if (same) {
    return false;
  }
  read_holds();
  return true;
}

void DecisionContext::close_limit_gate(TallyPlaceSet over_limit) {
  over_limit_ = std::move(over_limit);
  frame_.limited = &over_limit_;
}

RowFacts DecisionContext::complete(const RowFacts& row, FirstSeenRegister& first_seen) const {
  RowFacts known = row;
  if (has_bad_time(row, frame_)) {
    known.first_seen = first_seen.find(row);
  }
  if (approved_keys_ != nullptr && row.key != nullptr) {
    known.plan = approved_keys_->contains(*row.key) ? PlanCover::covered : PlanCover::outside;
  }
  return known;
}

Decision DecisionContext::decide_row(const RowFacts& row) {
  return decide_row(row, database_.first_seen());
}

Decision DecisionContext::decide_row(const RowFacts& row, FirstSeenRegister& first_seen) const {
  if (approved_keys_ == nullptr) {
    // Of a row with a sane time nothing more can be looked up.
    const Decision decision = decide(row, frame_);
    if (!decision.bad_time) {
      return decision;
    }
  }
  return decide(complete(row, first_seen), frame_);
}

DecisionTrace DecisionContext::explain_row(const RowFacts& row) {
  return explain(complete(row, database_.first_seen()), frame_);
}

}  // namespace holdfast
