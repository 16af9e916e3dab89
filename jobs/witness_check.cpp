// SPDX-License-Identifier: Apache-2.0
#include "jobs/witness_check.h"

#include "jobs/json_text.h"

namespace holdfast {

nlohmann::json witness_status(const Desk& desk) {
  nlohmann::json status = {{"state", "none"},
                           {"file", nullptr},
                           {"lines", 0},
                           {"beside_database", desk.settings.witness_beside_database},
                           {"message", nullptr}};
  if (desk.witness == nullptr || !desk.database.is_set_up()) {
    return status;
  }
  const WitnessComparison found = compare_witness(desk.database, *desk.witness);
  status["state"] = to_token(found.state);
  status["file"] = utf8_text(desk.witness->name());
  status["lines"] = found.in_file;
  if (!found.agrees()) {
    status["message"] = utf8_text(found.sentence);
  } else if (found.state == WitnessState::repaired) {
    status["message"] = std::to_string(found.lacking.size()) +
                        " lines are to be appended to the witness file: the next run does it";
  }
  return status;
}

}  // namespace holdfast
