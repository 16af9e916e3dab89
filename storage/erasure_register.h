// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/erasure_request.h"
#include "policy/row_key.h"
#include "storage/hold_register.h"

namespace holdfast {

/// Whose data: one person of one tenant. No tenant, NULL and empty text are the same empty tenant.
struct Subject {
  std::optional<std::string> tenant;
  std::string person;
};

/// One attempt at a deed that left a trace: a blocked completion, or a step that was taken.
struct ErasureAttempt {
  std::int64_t id = 0;
  std::int64_t erasure = 0;
  Instant at;
  std::string who;
  std::string deed;         ///< to_token(ErasureDeed)
  std::string outcome;      ///< "done", or the token of the guard: "cool_off", "holds"
  std::string hold_digest;  ///< of the hold set that was seen; empty where nobody was asked
  std::string report;       ///< the answers of the modules as JSON, without the subject
};

/// The key of one tenant, of which the register knows everything but the key itself.
struct ErasureKeyLine {
  std::int64_t id = 0;
  std::optional<std::string> tenant;
  Instant made_at;
  std::string check;  ///< what the key makes of a fixed text: tells the right file from another
  std::optional<Instant> forgotten_at;
  std::string forgotten_by;
  std::string forget_reason;
};

/// The register of right-to-erasure requests, their attempts and the tenants' keys. Lines are never
/// taken out. All calls that write belong inside a write.
class ErasureRegister {
 public:
  ErasureRegister() = default;
  ErasureRegister(const ErasureRegister&) = delete;
  ErasureRegister& operator=(const ErasureRegister&) = delete;
  ErasureRegister(ErasureRegister&&) = delete;
  ErasureRegister& operator=(ErasureRegister&&) = delete;
  virtual ~ErasureRegister() = default;

  /// Adds a request and returns its id; `request.id` is ignored. Errors: StorageError where the
  /// subject has an open one in the tenant already.
  virtual std::int64_t open(const ErasureRequest& request) = 0;
  /// Stores every field of a request. Errors: StorageError where the line is not there.
  virtual void store(const ErasureRequest& request) = 0;
  [[nodiscard]] virtual std::optional<ErasureRequest> find(std::int64_t id) = 0;
  [[nodiscard]] virtual std::optional<ErasureRequest> find_open(const Subject& subject) = 0;
  /// The newest request of any state whose subject is this value (or token); none where there is
  /// none.
  [[nodiscard]] virtual std::optional<ErasureRequest> find_newest(const Subject& subject) = 0;
  /// All requests by ascending id.
  [[nodiscard]] virtual std::vector<ErasureRequest> all() = 0;

  virtual void add_attempt(const ErasureAttempt& attempt) = 0;
  /// The attempts at one request, ascending.
  [[nodiscard]] virtual std::vector<ErasureAttempt> attempts(std::int64_t erasure) = 0;
  /// Puts `token` in the place of `name` wherever an attempt at this request names who acted.
  virtual void rename_in_attempts(std::int64_t erasure,
                                  const std::string& name,
                                  const std::string& token) = 0;

  /// The receipt of a completed request as JSON, and the keys of the audit rows that it deleted.
  virtual void store_receipt(std::int64_t erasure,
                             const std::string& receipt,
                             const std::vector<RowKey>& deleted) = 0;
  [[nodiscard]] virtual std::optional<std::string> receipt(std::int64_t erasure) = 0;
  [[nodiscard]] virtual std::vector<RowKey> deleted_keys(std::int64_t erasure) = 0;
  /// The request whose completion deleted this row, none where no receipt says so.
  [[nodiscard]] virtual std::optional<std::int64_t> erasure_that_deleted(
      const std::string& typed) = 0;

  /// All keys ever made, ascending.
  [[nodiscard]] virtual std::vector<ErasureKeyLine> keys() = 0;
  virtual std::int64_t add_key(const ErasureKeyLine& key) = 0;
  /// Marks a key forgotten. Returns false where it is not there or forgotten already.
  [[nodiscard]] virtual bool forget_key(std::int64_t id, const Signature& by) = 0;
};

}  // namespace holdfast
