// SPDX-License-Identifier: Apache-2.0
// The erasures and keys that a restored backup has forgotten.

#include <optional>
#include <string>
#include <vector>

#include "jobs/erasure_keys.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/metadata_filter.h"
#include "jobs/recovery.h"
#include "jobs/tenant_keys.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// A completed erasure, as the witness tells it.
struct LostErasure {
  std::int64_t id = 0;
  std::optional<std::string> tenant;
  std::string token;
  Instant completed_at;
  std::string completed_by;
  std::string approved_by;
  json key;
};

LostErasure lost_erasure(const json& body) {
  const json& at = body.at("completed_at");
  return {.id = whole_number(body.at("request_id")),
          .tenant = tenant_of_witness(body.at("tenant")),
          .token = body.at("token"),
          .completed_at =
              at.is_null() ? Instant{} : parse_rfc3339(at.get<std::string>()).value_or(Instant{}),
          .completed_by = body.at("completed_by"),
          .approved_by = body.at("approved_by"),
          .key = body.at("key")};
}

std::optional<ErasureKeyLine> known_key(ErasureRegister& erasures, const std::string& check) {
  for (ErasureKeyLine& line : erasures.keys()) {
    if (line.check == check) {
      return std::move(line);
    }
  }
  return std::nullopt;
}

/// The register knows the key again. Its file is named after the number, which may be another now.
/// Returns false where there is no file: then nobody can be matched to a token.
bool put_back_key(const Desk& desk, const json& body) {
  if (body.is_null()) {
    return false;
  }
  const ErasureKeyLine lost = key_of_witness(body);
  if (const auto known = known_key(desk.database.erasures(), lost.check)) {
    return !known->forgotten_at && desk.keys->read(*known).has_value();
  }
  const auto key = desk.keys->read(lost);
  if (!key) {
    return false;
  }
  ErasureKeyLine line = lost;
  line.id = desk.database.erasures().add_key(lost);
  if (line.id != lost.id && !desk.keys->read(line)) {
    desk.keys->write(line, *key);
  }
  return true;
}

bool same_tenant(const std::optional<std::string>& one, const std::optional<std::string>& other) {
  return one.value_or(std::string{}) == other.value_or(std::string{});
}

/// Requests of the person under their name get the token, and the one that was completed ends.
bool end_known_request(const Desk& desk, const LostErasure& lost) {
  bool ended = false;
  for (ErasureRequest& request : desk.database.erasures().all()) {
    if (!same_tenant(request.tenant, lost.tenant) || is_erasure_token(request.subject) ||
        lost.completed_at < request.requested_at ||
        token_of(desk.database, *desk.keys, {request.tenant, request.subject}) != lost.token) {
      continue;
    }
    const std::string person = request.subject;
    request.subject = lost.token;
    request.requested_by = request.requested_by == person ? lost.token : request.requested_by;
    request.ended_by = request.ended_by == person ? lost.token : request.ended_by;
    request.end_reason = without_person(std::move(request.end_reason), person, lost.token);
    desk.database.erasures().rename_in_attempts(request.id, person, lost.token);
    if (request.open()) {
      request.state = ErasureState::completed;
      request.approved_by = lost.approved_by;
      request.ended_by = lost.completed_by;
      request.ended_at = lost.completed_at;
      ended = true;
    }
    desk.database.erasures().store(request);
  }
  return ended;
}

/// Empty where the register has the erasure now, otherwise why nobody can be matched to it.
std::string put_back_erasure(const Desk& desk, const LostErasure& lost) {
  ErasureRegister& erasures = desk.database.erasures();
  const bool key_is_there = put_back_key(desk, lost.key);
  const auto known = erasures.find_newest({lost.tenant, lost.token});
  if (!known || known->state != ErasureState::completed) {
    if (!key_is_there || !end_known_request(desk, lost)) {
      (void)erasures.open({.tenant = lost.tenant,
                           .subject = lost.token,
                           .state = ErasureState::completed,
                           .requested_by = lost.token,
                           .requested_at = lost.completed_at,
                           .deadline = lost.completed_at,
                           .approved_by = lost.approved_by,
                           .ended_by = lost.completed_by,
                           .ended_at = lost.completed_at,
                           .end_reason = "put back by recover"});
    }
    note_in_journal(desk,
                    "erasure_put_back",
                    compact({{"token", lost.token}, {"had_number", lost.id}}),
                    "a restored backup had forgotten it");
  }
  return key_is_there ? std::string{} : "key_missing";
}

std::vector<json> bodies_of(const std::vector<WitnessLine>& lines, const char* kind) {
  std::vector<json> bodies;
  for (const WitnessLine& line : lines) {
    if (line.kind == kind) {
      bodies.push_back(witness_body(line));
    }
  }
  return bodies;
}

void forget(const Desk& desk, const ErasureKeyLine& line, const json& body) {
  const auto write = desk.database.begin_write(Durability::full);
  if (desk.database.erasures().forget_key(
          line.id,
          {.who = desk.who, .at = desk.now, .reason = body.at("reason").get<std::string>()})) {
    note_in_journal(desk,
                    "erasure_key_forgotten",
                    compact({{"key", line.id}}),
                    "it was destroyed before a backup was restored");
  }
  write->commit();
}

}  // namespace

json put_back_erasures(const Desk& desk, const std::vector<WitnessLine>& lines) {
  // A key that is destroyed and that the register still counts on would stop everything else.
  for (const json& body : bodies_of(lines, "key_forgotten")) {
    const auto line = known_key(desk.database.erasures(), body.at("check"));
    if (line && !line->forgotten_at && !desk.keys->read(*line)) {
      forget(desk, *line, body);
    }
  }
  json unmatched = json::array();
  const auto write = desk.database.begin_write(Durability::full);
  for (const json& body : bodies_of(lines, "erasure")) {
    const std::string why = put_back_erasure(desk, lost_erasure(body));
    if (!why.empty()) {
      unmatched.push_back({{"tenant", body.at("tenant")},
                           {"token", body.at("token")},
                           {"completed_at", body.at("completed_at")},
                           {"why", why}});
    }
  }
  write->commit();
  return unmatched;
}

json forget_lost_keys(const Desk& desk, const std::vector<WitnessLine>& lines) {
  json forgotten = json::array();
  for (const json& body : bodies_of(lines, "key_forgotten")) {
    const auto line = known_key(desk.database.erasures(), body.at("check"));
    if (!line) {
      continue;
    }
    if (!line->forgotten_at) {
      forget(desk, *line, body);
    }
    (void)desk.keys->destroy(*line);
    forgotten.push_back({{"tenant", body.at("tenant")}, {"key", line->id}});
  }
  return forgotten;
}

}  // namespace holdfast
