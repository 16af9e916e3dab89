// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "storage/postgres/postgres_connection.h"
#include "storage/postgres/postgres_scopes.h"
#include "storage/registers/sql_hold_register.h"

namespace holdfast {

/// Reads lines and terms in one snapshot: outside of a write each statement would otherwise see
/// what is committed when it begins, and so a hold without its terms. Inside one, the lock on the
/// version keeps the register as it is.
class PostgresHoldRegister final : public SqlHoldRegister {
 public:
  PostgresHoldRegister(PostgresConnection& connection, const RegisterHome& home)
      : SqlHoldRegister(home), connection_(connection) {}

  void for_each(const std::function<void(LegalHold&&)>& visit) override {
    const PostgresReadScope view{connection_};
    SqlHoldRegister::for_each(visit);
  }

 private:
  PostgresConnection& connection_;
};

}  // namespace holdfast
