// SPDX-License-Identifier: Apache-2.0
#include "jobs/hold_document.h"

#include "jobs/json_object_text.h"
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

void add_words(const std::vector<std::string>& values, std::string& out) {
  add_json_array(
      values, out, [](const std::string& value, std::string& to) { add_json_text(value, to); });
}

void add_covers(const HoldScope& scope, std::string& out) {
  JsonObjectText covers{out};
  add_words(scope.actors, covers.key("actor"));
  add_words(scope.categories, covers.key("category"));
  add_words(scope.codes, covers.key("code"));
  add_words(scope.event_ids, covers.key("event_id"));
  covers.flag("everything", scope.everything);
  covers.time("from", scope.from);
  add_words(scope.persons, covers.key("person"));
  add_words(scope.subjects, covers.key("subject"));
  add_words(scope.tenants, covers.key("tenant"));
  covers.time("until", scope.until);
  covers.end();
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

std::string hold_text(const LegalHold& hold) {
  std::string out;
  JsonObjectText object{out};
  object.flag("active", hold.active());
  object.text("basis", hold.basis);
  add_covers(hold.scope, object.key("covers"));
  object.number("hold", hold.id);
  object.text("kind", to_token(hold.kind));
  object.flag("locked", hold.locked);
  object.text("matter", hold.matter);
  object.time("placed_at", hold.placed_at);
  object.text("placed_by", hold.placed_by);
  object.text("reason", hold.reason);
  object.text("release_reason", hold.release_reason);
  object.time("released_at", hold.released_at);
  object.text("released_by", hold.released_by);
  object.time("review_by", hold.review_by);
  object.end();
  return out;
}

}  // namespace holdfast
