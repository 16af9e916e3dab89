// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/hold_answer.h"
#include "policy/instant.h"

namespace holdfast {

/// Where a right-to-erasure request stands. "Blocked" is an attempt and no state.
enum class ErasureState { requested, approved, completed, rejected, cancelled };

/// "requested", "approved", …: as register, JSON and reports spell them.
[[nodiscard]] std::string_view to_token(ErasureState state);
[[nodiscard]] std::optional<ErasureState> parse_erasure_state(std::string_view token);
/// True for the three states that nothing leads out of.
[[nodiscard]] bool is_terminal(ErasureState state);

/// One request, as the register keeps it.
struct ErasureRequest {
  std::int64_t id = 0;
  std::optional<std::string> tenant;
  std::string subject;  ///< the person's id; from completion on the token that stands for it
  ErasureState state = ErasureState::requested;
  std::string requested_by;
  Instant requested_at;
  Instant deadline;  ///< the answer is due before it
  bool extended = false;
  std::string approved_by;
  std::optional<Instant> approved_at;
  std::optional<Instant> cooloff_until;
  std::string confirmed_by;  ///< who asked for completion when due
  std::optional<Instant> confirmed_at;
  std::string ended_by;
  std::optional<Instant> ended_at;
  std::string end_reason;

  [[nodiscard]] bool open() const { return !is_terminal(state); }
};

/// What somebody wants to do with a request. `nightly` is the run that carries a confirmed
/// completion out: the same guards, in the name of who confirmed it.
enum class ErasureDeed {
  request,
  approve,
  reject,
  cancel,
  extend,
  complete,
  complete_when_due,
  nightly
};

[[nodiscard]] std::string_view to_token(ErasureDeed deed);

/// What the deed depends on beside the request: who acts, when, and what the modules answered.
struct ErasureFacts {
  std::string who;
  bool administrator = false;  ///< of every policy version in force
  bool is_subject = false;
  bool trusted_service = false;  ///< may request in a subject's name
  Instant system_now;
  Instant guard_now;  ///< min(run clock, system now): what opens something
  std::chrono::milliseconds cool_off = std::chrono::hours{24 * 14};
  std::string reason;
  bool subject_data_there = false;    ///< for a new request after a completed one
  std::string override_digest;        ///< empty: no override wanted
  const HoldAnswer* holds = nullptr;  ///< null until step_erasure() asks for it
  std::string holds_digest;           ///< of `holds`, as `erasure show` prints it
  /// The copy of the subject's data that somebody is still to get; 0: there is none.
  std::int64_t open_export = 0;
};

/// One audit row that a step leaves.
struct ErasureEvent {
  std::string_view code;
  std::string_view severity;
  bool stamped_ten_years = false;
};

/// What became of a deed.
struct ErasureStep {
  enum class Kind {
    refused,    ///< not allowed, or not in this state: no audit row
    unchanged,  ///< nothing to do, and that is an answer
    blocked,    ///< a guard stopped a completion: an audit row, no new state
    done,       ///< the state is new, or something was stored
    ask_holds   ///< every earlier guard is open: ask the modules, and step again with the answer
  };
  Kind kind = Kind::refused;
  int line = 0;  ///< of the table in policy/README.md; 0 where it has no line, and to ask for holds
  ErasureState state = ErasureState::requested;  ///< afterwards; says nothing without a request
  /// Why it is refused, unchanged or blocked, a token: "not_administrator", "cool_off", "holds",
  /// "override_stale". Empty where it is done.
  std::string reason;
  std::vector<ErasureEvent> events;
  bool new_request = false;              ///< open one; `deadline` says when its answer is due
  bool store_confirmation = false;       ///< complete --when-due
  bool erase = false;                    ///< carry the erasure out in the same transaction
  bool suspends_holds = false;           ///< the override was needed and holds
  std::optional<Instant> cooloff_until;  ///< to be stored with the approver
  std::optional<Instant> deadline;       ///< new, or extended
};

/// The state machine: what `deed` does to `request`, the newest one of its subject in the tenant
/// (null: there is none). Every pair of state and deed that the table does not have is refused.
/// Guards of a completion in this order: dual control, cool-off, copy, holds; so who is barred
/// learns nothing about holds, and one attempt leaves one audit row, two on an override. The row of
/// a blocked nightly run is the caller's to leave out where it would repeat the last one. Never
/// throws. Source: the table of erasures in policy/README.md; its line 23 is deadline_state().
[[nodiscard]] ErasureStep step_erasure(const ErasureRequest* request,
                                       ErasureDeed deed,
                                       const ErasureFacts& facts);

/// The end of the day one month after the UTC day of receipt: the answer is due before it. A day
/// that the month lacks becomes its last. Source: GDPR art. 12(3), counted after Reg. 1182/71
/// art. 3.
[[nodiscard]] Instant answer_deadline(Instant requested_at);
/// Two further months from a deadline, counted the same way. Source: GDPR art. 12(3).
[[nodiscard]] Instant extended_deadline(Instant deadline);
/// The later of `cool_off` after the request and 24 hours after the approval. Never overflows: a
/// negative cool-off counts as none, one beyond the calendar gives kEndOfTime.
[[nodiscard]] Instant cooloff_end(Instant requested_at,
                                  Instant approved_at,
                                  std::chrono::milliseconds cool_off);

/// How near the answer is: open requests at most 7 days before their deadline, or not before it any
/// more. A request that has ended is far.
enum class DeadlineState { far, due_soon, overdue };
[[nodiscard]] DeadlineState deadline_state(const ErasureRequest& request, Instant system_now);

/// The reasons that a rejection may give, in the words of GDPR art. 12 and 17.
[[nodiscard]] const std::vector<std::string>& rejection_reasons();

/// An override says why in at least this many characters of UTF-8, blanks around it not counted.
inline constexpr std::size_t kShortestOverrideReason = 20;

}  // namespace holdfast
