// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "policy/run_clock.h"
#include "storage/database.h"

namespace holdfast {

/// The machine's clock, and beside it the one of the server that the database lives on.
struct WitnessedClock {
  Instant machine;
  std::optional<Instant> server;  ///< none where there is no server

  /// True where one of them is wrong by more than a run can pass over.
  [[nodiscard]] bool apart() const;
  /// What is counted with: no cut-off is later than either clock allows, but for the five minutes
  /// by which a run clock never goes back.
  [[nodiscard]] Instant earlier() const;
  /// What both say, and what to do where they are apart.
  [[nodiscard]] std::string sentence() const;
};

/// Asks the server, once. Errors: StorageError.
[[nodiscard]] WitnessedClock witness_clock(Database& database, Instant machine);

}  // namespace holdfast
