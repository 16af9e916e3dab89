// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/hold_register.h"
#include "storage/registers/register_query.h"

namespace holdfast {

/// The register of holds in holdfast_hold and holdfast_hold_term; triggers keep its version. The
/// terms of a scope come back sorted and without repeats.
class SqlHoldRegister : public HoldRegister {
 public:
  explicit SqlHoldRegister(const RegisterHome& home);

  [[nodiscard]] std::int64_t version() override;
  void for_each(const std::function<void(LegalHold&&)>& visit) override;
  [[nodiscard]] std::vector<LegalHold> all() override;
  /// Errors: StorageError for a scope without any term, which would cover nothing.
  std::int64_t place(const LegalHold& hold) override;
  [[nodiscard]] bool release(std::int64_t id, const Signature& by) override;
  [[nodiscard]] bool review(std::int64_t id, Instant until, const Signature& by) override;
  void add_person_term(std::int64_t id, PersonTerm kind, const std::string& value) override;
  void drop_person_term(std::int64_t id, PersonTerm kind, const std::string& value) override;

 private:
  void read_terms(RegisterQuery& terms, bool& more, LegalHold& hold) const;
  void require_sense(const LegalHold& hold) const;
  [[noreturn]] void refuse(std::int64_t id, const std::string& why) const;
  [[noreturn]] void refuse_orphan(std::int64_t id) const;

  RegisterHome home_;
  RegisterQuery version_;
  RegisterQuery locked_version_;
};

}  // namespace holdfast
