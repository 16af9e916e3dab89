// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "jobs/witness.h"
#include "policy/erasure_request.h"
#include "policy/legal_hold.h"
#include "storage/database.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What one command notes for the witness file. Where file and database do not agree it notes
/// nothing, because two lines with one number could never be told apart again: the first run after
/// `recover` notes the holds, erasures and runs that are missing.
class WitnessNotes {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// Compares file and database, begins the file where both are new, repairs a file that a crash
  /// left behind, and warns. A null witness means that there is no file: notes stay in the outbox.
  /// Call it outside a transaction. Errors: StorageError alone.
  WitnessNotes(Database& database, Witness* witness, Warn warn);

  [[nodiscard]] const WitnessComparison& comparison() const { return found_; }
  /// Adds a line to the outbox. Call inside the write that it speaks of.
  void note(Instant at, const std::string& kind, const nlohmann::json& body);
  /// Notes the holds, completed erasures and closed runs that the outbox does not know as they are
  /// now: placed with another program, or while file and database did not agree. A write of its
  /// own.
  void catch_up(Instant at);
  /// Appends to the file what it lacks. Call after the commit. Never throws: what cannot be written
  /// stays in the outbox, and the warning witness_not_written says so.
  void flush() noexcept;

 private:
  [[nodiscard]] bool keeps_notes() const { return keeps_notes_; }
  void begin_file();
  void repair();

  Database& database_;
  Witness* witness_;
  Warn warn_;
  WitnessComparison found_;
  bool keeps_notes_ = true;
};

/// How a run ended, as the witness is told. `rows_after` is not known of a run found dead.
struct WitnessedRun {
  std::int64_t id = 0;
  RunClosing closing;
  std::optional<std::int64_t> rows_after;
};
/// {run_id, run_hash, previous_run_hash, outcome, error_reason, as_of, system_now, closed_at,
/// deleted, rows_after, started_by, host, clock}; clock is the one that the next run starts from.
/// Call it inside the write that closes the run.
[[nodiscard]] nlohmann::json run_witness_body(Database& database, const WitnessedRun& run);

/// {deed, hold}; the deed is placed, released, reviewed or met.
[[nodiscard]] nlohmann::json hold_witness_body(const std::string& deed, const LegalHold& hold);

/// {request_id, tenant, token, completed_at, completed_by, approved_by, key}: never the person.
[[nodiscard]] nlohmann::json erasure_witness_body(ErasureRegister& erasures,
                                                  const ErasureRequest& request);

/// A key of the register without the key itself: {id, tenant, check, made_at_ms}.
[[nodiscard]] nlohmann::json key_witness_body(const ErasureKeyLine& line);

/// A time in the body of a line, the epoch where the text is none. Errors: nlohmann's.
[[nodiscard]] Instant instant_of(const nlohmann::json& body, const char* key);

/// A version of the policy, whole: a restored backup knows neither it nor what its changes wait
/// for.
[[nodiscard]] nlohmann::json policy_witness_body(const StoredPolicy& policy);
/// The version that policy_witness_body() wrote down. Errors: nlohmann's where it is none.
[[nodiscard]] StoredPolicy policy_of_witness(const nlohmann::json& body);

/// The line that key_witness_body() wrote down.
[[nodiscard]] ErasureKeyLine key_of_witness(const nlohmann::json& body);

/// A tenant as it stands in a body: text, {"hex": digits} where it is not UTF-8, or null.
[[nodiscard]] nlohmann::json witnessed_tenant(const std::optional<std::string>& tenant);
[[nodiscard]] std::optional<std::string> tenant_of_witness(const nlohmann::json& value);

}  // namespace holdfast
