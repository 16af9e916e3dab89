// SPDX-License-Identifier: Apache-2.0
// The registers of holds, erasures and exports as an evidence pack shows them: without the names of
// those whom they are about.
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

bool concerns(const auto& request, const EvidencePeriod& period) {
  return request.requested_at < period.until &&
         (!request.ended_at || *request.ended_at >= period.from);
}

/// A copy with who did what to it and when; of its file size and SHA-256, not where it is.
json export_line(const ExportRequest& request) {
  json line = {{"subject", utf8_text(request.subject)},
               {"requested_by", utf8_text(request.requested_by)},
               {"made_by", utf8_text(request.made_by)},
               {"ended_by", utf8_text(request.ended_by)}};
  if (!is_erasure_token(request.subject)) {
    take_out_names(line, {request.subject});
  }
  line.update({{"id", request.id},
               {"tenant", json_or_null(request.tenant)},
               {"state", to_token(request.state)},
               {"requested_at", to_rfc3339(request.requested_at)},
               {"made_at", json_time(request.made_at)},
               {"expires_at", json_time(request.expires_at)},
               {"bytes", request.bytes},
               {"sha256", request.sha256},
               {"rows", request.rows},
               {"downloads", request.downloads},
               {"downloaded_at", json_time(request.downloaded_at)},
               {"ended_at", json_time(request.ended_at)},
               {"end_reason", request.end_reason}});
  return line;
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

json export_register_document(const Desk& desk, const EvidencePeriod& period) {
  json list = json::array();
  for (const ExportRequest& request : desk.database.exports().all()) {
    if (concerns(request, period)) {
      list.push_back(export_line(request));
    }
  }
  return {{"exports", std::move(list)}};
}

}  // namespace holdfast
