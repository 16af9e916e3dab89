// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy/erasure_request.h"
#include "policy/hold_answer.h"
#include "storage/erasure_register.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// One request as JSON. Only the register's own verbs print the subject; reports name the id.
[[nodiscard]] nlohmann::json request_json(const ErasureRequest& request, Instant system_now);

/// The answers of all modules as JSON: [{module, status, holds: [{id, basis, locked, review_by}],
/// problem}].
[[nodiscard]] nlohmann::json answer_json(const HoldAnswer& answer);

[[nodiscard]] nlohmann::json attempt_json(const ErasureAttempt& attempt);

/// The holds alone, as the metadata of an audit row names them: [{module, id}], at most 100.
[[nodiscard]] nlohmann::json named_holds_json(const HoldAnswer& answer);

}  // namespace holdfast
