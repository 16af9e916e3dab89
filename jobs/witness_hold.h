// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/legal_hold.h"
#include "storage/witness_outbox.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// A whole hold with all its terms, names too, so that it can be placed again. Text that is not
/// UTF-8 stands as {"hex": digits}, instants in milliseconds.
[[nodiscard]] nlohmann::json witnessed_hold(const LegalHold& hold);

/// What compact() makes of witnessed_hold().
[[nodiscard]] std::string witnessed_hold_text(const LegalHold& hold);

/// The hold of a line as it stands there, and the rest of the line; lives as long as the line.
struct HoldInLine {
  const WitnessLine* line = nullptr;
  std::int64_t id = 0;
  std::string_view text;

  /// True where the hold is written there just as it is now, and the line ends as such a line
  /// does, so that it need not be taken apart.
  [[nodiscard]] bool is(const LegalHold& hold) const;
};
/// None where it does not stand where it does in a line about a hold.
[[nodiscard]] std::optional<HoldInLine> hold_in_line(const WitnessLine& line);

/// The hold that witnessed_hold() wrote down. Errors: nlohmann::json::exception where it is none.
[[nodiscard]] LegalHold hold_of_witness(const nlohmann::json& body);

/// True where a hold of the register is what was written down. Tokens that an erasure added do not
/// count, and in a released hold no person does: their names may have been taken out.
[[nodiscard]] bool as_witnessed(const LegalHold& witnessed, const LegalHold& now);

/// True where what was written down is what this hold was when it was placed, scope and all. Under
/// another number the persons have to be the same even where one of the two is released, and a
/// token that was written down has to be there: only what covers the same may stand for it.
[[nodiscard]] bool placed_as_one(const LegalHold& witnessed, const LegalHold& now);

}  // namespace holdfast
