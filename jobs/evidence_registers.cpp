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

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::string_view kInPlaceOfName = "[subject]";
// A name of one or two letters would be found inside other words.
constexpr std::size_t kShortestName = 3;

void take_out_name(std::string& text, const std::string& name) {
  for (std::size_t at = text.find(name); at != std::string::npos;
       at = text.find(name, at + kInPlaceOfName.size())) {
    text.replace(at, name.size(), kInPlaceOfName);
  }
}

/// Every text inside the value without the names; tokens stay.
void take_out_names(json& value, const std::vector<std::string>& names) {
  if (value.is_structured()) {
    for (json& entry : value) {
      take_out_names(entry, names);
    }
  } else if (value.is_string()) {
    for (const std::string& name : names) {
      auto& text = value.get_ref<std::string&>();
      if (text == utf8_text(name)) {
        text = kInPlaceOfName;
      } else if (name.size() >= kShortestName) {
        take_out_name(text, utf8_text(name));
      }
    }
  }
}

/// The terms of one kind that name a person, and apart from them those that are tokens.
struct PersonNames {
  std::vector<std::string> names;
  json tokens = json::array();

  void add(const std::vector<std::string>& terms) {
    for (const std::string& term : terms) {
      if (is_erasure_token(term)) {
        tokens.push_back(term);
      } else if (!term.empty()) {
        names.push_back(term);
      }
    }
  }
};

json hold_line(const LegalHold& hold) {
  PersonNames persons;
  persons.add(hold.scope.persons);
  persons.add(hold.scope.actors);
  persons.add(hold.scope.subjects);
  json line = hold_json(hold, HoldDetail::without_names);
  for (const char* text : {"matter", "reason", "basis", "release_reason"}) {
    take_out_names(line[text], persons.names);
  }
  line["tokens"] = std::move(persons.tokens);
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
