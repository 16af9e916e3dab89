// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "policy/legal_hold.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// Whether a document may name the persons that a hold is about. Reports and logs never do.
enum class HoldDetail { with_names, without_names };

/// One hold as JSON; without names, the persons, actors and subjects are counted only.
[[nodiscard]] nlohmann::json hold_json(const LegalHold& hold, HoldDetail detail);

/// What compact() makes of hold_json() with names: what the digest of a hold set is made of.
[[nodiscard]] std::string hold_text(const LegalHold& hold);

}  // namespace holdfast
