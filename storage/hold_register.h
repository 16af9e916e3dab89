// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "policy/legal_hold.h"

namespace holdfast {

/// Who did something, when, and why: the end of every line of a register.
struct Signature {
  std::string who;
  Instant at;
  std::string reason;
};

/// The kinds of term that name a person.
enum class PersonTerm { person, actor, subject };

/// The register of legal and regulatory holds. Lines are never taken out, only released.
class HoldRegister {
 public:
  HoldRegister() = default;
  HoldRegister(const HoldRegister&) = delete;
  HoldRegister& operator=(const HoldRegister&) = delete;
  HoldRegister(HoldRegister&&) = delete;
  HoldRegister& operator=(HoldRegister&&) = delete;
  virtual ~HoldRegister() = default;

  /// Goes up with every change of the register, in the transaction of the change.
  [[nodiscard]] virtual std::int64_t version() = 0;
  /// Visits all holds by ascending id, released ones too, one at a time. Errors: StorageError where
  /// a line cannot be read, once the ones before it were visited: a hold that cannot be read may
  /// cover anything. The visitor must not change the register.
  virtual void for_each(const std::function<void(LegalHold&&)>& visit) = 0;
  /// The same as a list, for the few places that need all of them at once.
  [[nodiscard]] virtual std::vector<LegalHold> all() = 0;

  /// Adds a hold and returns its id; `hold.id` is ignored.
  virtual std::int64_t place(const LegalHold& hold) = 0;
  /// Marks an active hold released. Returns false where it is not there or released already.
  [[nodiscard]] virtual bool release(std::int64_t id, const Signature& by) = 0;
  /// Sets a new review date. Returns false where there is no such active hold.
  [[nodiscard]] virtual bool review(std::int64_t id, Instant until, const Signature& by) = 0;

  /// Adds another name of a person to a hold: the token that stands for them after an erasure.
  virtual void add_person_term(std::int64_t id, PersonTerm kind, const std::string& value) = 0;
  /// Takes a name out of a hold that was released. Errors: StorageError where it is active.
  virtual void drop_person_term(std::int64_t id, PersonTerm kind, const std::string& value) = 0;
};

}  // namespace holdfast
