// SPDX-License-Identifier: Apache-2.0
#include "policy/legal_hold.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace holdfast {
namespace {

constexpr std::array<std::pair<HoldKind, std::string_view>, 3> kKinds = {{
    {HoldKind::legal, "legal"},
    {HoldKind::regulatory, "regulatory"},
    {HoldKind::restriction, "restriction"},
}};

bool listed(const std::vector<std::string>& words, std::string_view value) {
  return std::find(words.begin(), words.end(), value) != words.end();
}

bool listed_in_order(const std::vector<std::string>& words, std::string_view value) {
  return std::binary_search(words.begin(), words.end(), value, std::less<>{});
}

/// How a list of terms is searched.
using Search = bool (*)(const std::vector<std::string>&, std::string_view);

/// The kinds of term of one scope against one row.
class ScopeMatch {
 public:
  ScopeMatch(const HoldScope& scope, const HoldCandidate& candidate, Search search)
      : scope_(scope), candidate_(candidate), row_(*candidate.row), search_(search) {}

  [[nodiscard]] bool all() const {
    return allows(scope_.tenants, row_.tenant) && person() && allows(scope_.actors, row_.actor) &&
           allows(scope_.subjects, row_.subject) && code() && category() && time() && event();
  }

 private:
  [[nodiscard]] bool contains(const std::vector<std::string>& words,
                              std::optional<std::string_view> value) const {
    return value && search_(words, *value);
  }

  /// A kind of term without entries asks nothing.
  [[nodiscard]] bool allows(const std::vector<std::string>& words,
                            std::optional<std::string_view> value) const {
    return words.empty() || contains(words, value);
  }

  [[nodiscard]] bool person() const {
    return scope_.persons.empty() || contains(scope_.persons, row_.actor) ||
           contains(scope_.persons, row_.subject);
  }

  [[nodiscard]] bool code() const {
    return scope_.codes.empty() || contains(scope_.codes, row_.code) ||
           contains(scope_.codes, candidate_.known_code);
  }

  /// A code that moved to another category since stays held, and so does a row whose own category
  /// says something else than the catalogue. A hold on a category to come may have its name.
  [[nodiscard]] bool category() const {
    return scope_.categories.empty() || contains(scope_.categories, candidate_.category) ||
           contains(scope_.categories, candidate_.own_category) ||
           contains(scope_.categories, candidate_.category_name) ||
           contains(scope_.categories, candidate_.own_category_name) ||
           contains(scope_.categories, row_.stored_category) ||
           contains(scope_.category_codes, row_.code) ||
           contains(scope_.category_codes, candidate_.known_code);
  }

  [[nodiscard]] bool time() const {
    const auto& when = candidate_.time;
    return !when ||
           ((!scope_.from || *scope_.from <= *when) && (!scope_.until || *when < *scope_.until));
  }

  [[nodiscard]] bool event() const {
    return scope_.event_ids.empty() ||
           (row_.key != nullptr && contains(scope_.event_ids, row_.key->display()));
  }

  const HoldScope& scope_;
  const HoldCandidate& candidate_;
  const RowFacts& row_;
  Search search_;
};

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
  return (scope.everything || asks_anything(scope)) && ScopeMatch(scope, candidate, listed).all();
}

bool covers_sorted(const HoldScope& scope, const HoldCandidate& candidate) {
  return (scope.everything || asks_anything(scope)) &&
         ScopeMatch(scope, candidate, listed_in_order).all();
}

namespace {

void add_place(std::vector<std::uint32_t>& places, std::uint32_t place) {
  if (places.empty() || places.back() != place) {
    places.push_back(place);
  }
}

}  // namespace

HoldScope bound_to(HoldScope scope, const AnsweredTerms& columns) {
  bool widened = false;
  const auto leave_out = [&widened](std::vector<std::string>& terms, bool answered) {
    if (!answered && !terms.empty()) {
      terms.clear();
      widened = true;
    }
  };
  leave_out(scope.tenants, columns.tenant);
  leave_out(scope.actors, columns.actor);
  leave_out(scope.subjects, columns.subject);
  leave_out(scope.persons, columns.actor || columns.subject);
  const bool nothing_left = scope.tenants.empty() && scope.persons.empty() &&
                            scope.actors.empty() && scope.subjects.empty() &&
                            scope.categories.empty() && scope.codes.empty() &&
                            scope.event_ids.empty() && !scope.from && !scope.until;
  scope.everything = scope.everything || (widened && nothing_left);
  return scope;
}

HoldIndex::HoldIndex(std::vector<LegalHold> holds) : holds_(std::move(holds)) {
  for (std::uint32_t place = 0; place < holds_.size(); ++place) {
    HoldScope& scope = holds_[place].scope;
    any_released_ = any_released_ || !holds_[place].active();
    for (auto* words : {&scope.tenants,
                        &scope.persons,
                        &scope.actors,
                        &scope.subjects,
                        &scope.categories,
                        &scope.category_codes,
                        &scope.codes,
                        &scope.event_ids}) {
      std::sort(words->begin(), words->end());
    }
    index_one(place);
  }
}

void HoldIndex::index_one(std::uint32_t place) {
  const HoldScope& scope = holds_[place].scope;
  const auto add = [place](Lookup& lookup, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      add_place(lookup[value], place);
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
