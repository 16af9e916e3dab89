// SPDX-License-Identifier: Apache-2.0
// The registers of holds and erasures as an evidence pack shows them: without the names of those
// whom they are about.
#include <algorithm>
#include <string>
#include <vector>

#include "jobs/erasure_document.h"
#include "jobs/erasure_keys.h"
#include "jobs/evidence_documents.h"
#include "jobs/hold_document.h"
#include "jobs/json_text.h"
#include "jobs/name_removal.h"

namespace holdfast {
namespace {

using nlohmann::json;

json hold_line(const LegalHold& hold) {
  const HoldPersons persons = persons_of(hold.scope);
  json line = hold_json(hold, HoldDetail::without_names);
  for (const char* text : {"matter", "reason", "basis", "release_reason"}) {
    take_out_names(line[text], persons.names);
  }
  line["tokens"] = persons.tokens;
  return line;
}

bool concerns(const ErasureRequest& request, const EvidencePeriod& period) {
  return request.requested_at < period.until &&
         (!request.ended_at || *request.ended_at >= period.from);
}

}  // namespace

json hold_register_document(const Desk& desk, const EvidencePeriod& period) {
  json list = json::array();
  for (const LegalHold& hold : desk.database.holds().all()) {
    if (hold.placed_at < period.until && (!hold.released_at || *hold.released_at >= period.from)) {
      list.push_back(hold_line(hold));
    }
  }
  return {{"holds", std::move(list)}};
}

json erasure_register_document(const Desk& desk, const EvidencePeriod& period) {
  ErasureRegister& erasures = desk.database.erasures();
  json list = json::array();
  for (const ErasureRequest& request : erasures.all()) {
    if (!concerns(request, period)) {
      continue;
    }
    json line = request_json(request, period.until);
    line.erase("answer");
    line["attempts"] = json::array();
    for (const ErasureAttempt& attempt : erasures.attempts(request.id)) {
      line["attempts"].push_back(attempt_json(attempt));
    }
    const auto receipt = erasures.receipt(request.id);
    line["receipt"] = receipt ? json::parse(*receipt, nullptr, false) : json(nullptr);
    if (!is_erasure_token(request.subject)) {
      take_out_names(line, {request.subject});
    }
    list.push_back(std::move(line));
  }
  return {{"erasures", std::move(list)}};
}

}  // namespace holdfast
