// SPDX-License-Identifier: Apache-2.0
#include "jobs/hold_document.h"

#include "jobs/json_text.h"

namespace holdfast {
namespace {

nlohmann::json words(const std::vector<std::string>& values) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::string& value : values) {
    list.push_back(utf8_text(value));
  }
  return list;
}

nlohmann::json people(const std::vector<std::string>& values, HoldDetail detail) {
  return detail == HoldDetail::with_names ? words(values) : nlohmann::json(values.size());
}

}  // namespace

nlohmann::json hold_json(const LegalHold& hold, HoldDetail detail) {
  const HoldScope& scope = hold.scope;
  nlohmann::json covers = {{"tenant", words(scope.tenants)},
                           {"person", people(scope.persons, detail)},
                           {"actor", people(scope.actors, detail)},
                           {"subject", people(scope.subjects, detail)},
                           {"category", words(scope.categories)},
                           {"code", words(scope.codes)},
                           {"event_id", words(scope.event_ids)},
                           {"from", json_time(scope.from)},
                           {"until", json_time(scope.until)},
                           {"everything", scope.everything}};
  return {{"hold", hold.id},
          {"matter", utf8_text(hold.matter)},
          {"reason", utf8_text(hold.reason)},
          {"basis", utf8_text(hold.basis)},
          {"kind", to_token(hold.kind)},
          {"locked", hold.locked},
          {"covers", std::move(covers)},
          {"placed_by", utf8_text(hold.placed_by)},
          {"placed_at", to_rfc3339(hold.placed_at)},
          {"review_by", json_time(hold.review_by)},
          {"released_at", json_time(hold.released_at)},
          {"released_by", utf8_text(hold.released_by)},
          {"release_reason", utf8_text(hold.release_reason)},
          {"active", hold.active()}};
}

}  // namespace holdfast
