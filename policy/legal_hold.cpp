// SPDX-License-Identifier: Apache-2.0
#include "policy/legal_hold.h"

#include <algorithm>
#include <array>
#include <utility>

namespace holdfast {
namespace {

constexpr std::array<std::pair<HoldKind, std::string_view>, 3> kKinds = {{
    {HoldKind::legal, "legal"},
    {HoldKind::regulatory, "regulatory"},
    {HoldKind::restriction, "restriction"},
}};

bool contains(const std::vector<std::string>& words, std::optional<std::string_view> value) {
  return value && std::find(words.begin(), words.end(), *value) != words.end();
}

/// A kind of term without entries asks nothing.
bool allows(const std::vector<std::string>& words, std::optional<std::string_view> value) {
  return words.empty() || contains(words, value);
}

bool covers_person(const HoldScope& scope, const RowFacts& row) {
  return scope.persons.empty() || contains(scope.persons, row.actor) ||
         contains(scope.persons, row.subject);
}

bool covers_code(const HoldScope& scope, const HoldCandidate& candidate) {
  return scope.codes.empty() || contains(scope.codes, candidate.row->code) ||
         contains(scope.codes, candidate.known_code);
}

/// A code that moved to another category since stays held, and so does a row whose own category says
/// something else than the catalogue.
bool covers_category(const HoldScope& scope, const HoldCandidate& candidate) {
  return scope.categories.empty() || contains(scope.categories, candidate.category) ||
         contains(scope.categories, candidate.row->stored_category) ||
         contains(scope.category_codes, candidate.row->code) ||
         contains(scope.category_codes, candidate.known_code);
}

bool covers_time(const HoldScope& scope, std::optional<Instant> time) {
  if (!time) {
    return true;
  }
  return (!scope.from || *scope.from <= *time) && (!scope.until || *time < *scope.until);
}

bool covers_event(const HoldScope& scope, const RowKey* key) {
  return scope.event_ids.empty() || (key != nullptr && contains(scope.event_ids, key->display()));
}

bool asks_anything(const HoldScope& scope) {
  return scope.from || scope.until || !scope.tenants.empty() || !scope.persons.empty() ||
         !scope.actors.empty() || !scope.subjects.empty() || !scope.categories.empty() ||
         !scope.codes.empty() || !scope.event_ids.empty();
}

}  // namespace

std::string_view to_token(HoldKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind)).second;
}

std::optional<HoldKind> parse_hold_kind(std::string_view word) {
  for (const auto& [kind, token] : kKinds) {
    if (token == word) {
      return kind;
    }
  }
  return std::nullopt;
}

bool covers(const HoldScope& scope, const HoldCandidate& candidate) {
  const RowFacts& row = *candidate.row;
  if (!scope.everything && !asks_anything(scope)) {
    return false;
  }
  return allows(scope.tenants, row.tenant) && covers_person(scope, row) &&
         allows(scope.actors, row.actor) && allows(scope.subjects, row.subject) &&
         covers_code(scope, candidate) && covers_category(scope, candidate) &&
         covers_time(scope, candidate.time) && covers_event(scope, row.key);
}

HoldIndex::HoldIndex(std::vector<LegalHold> holds) : holds_(std::move(holds)) {
  for (std::uint32_t place = 0; place < holds_.size(); ++place) {
    index_one(place);
  }
}

void HoldIndex::index_one(std::uint32_t place) {
  const HoldScope& scope = holds_[place].scope;
  const auto add = [place](Lookup& lookup, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      Places& places = lookup[value];
      if (places.empty() || places.back() != place) {
        places.push_back(place);
      }
    }
  };
  if (!scope.event_ids.empty()) {
    add(by_event_id_, scope.event_ids);
  } else if (!scope.persons.empty()) {
    add(by_actor_, scope.persons);
    add(by_subject_, scope.persons);
  } else if (!scope.subjects.empty()) {
    add(by_subject_, scope.subjects);
  } else if (!scope.actors.empty()) {
    add(by_actor_, scope.actors);
  } else if (!scope.codes.empty()) {
    add(by_code_, scope.codes);
  } else if (!scope.tenants.empty()) {
    add(by_tenant_, scope.tenants);
  } else {
    others_.push_back(place);
  }
}

const HoldIndex::Places* HoldIndex::find(const Lookup& lookup,
                                         std::optional<std::string_view> value) {
  if (!value || lookup.empty()) {
    return nullptr;
  }
  const auto found = lookup.find(*value);
  return found == lookup.end() ? nullptr : &found->second;
}

}  // namespace holdfast
