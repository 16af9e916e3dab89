// SPDX-License-Identifier: Apache-2.0
#include "policy/legal_hold.h"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// A row as holds look at it. As it stands: key 7 of tenant acme, by ann about bob, in 2020.
struct Candidate {
  RowKey key = RowKey::integer(7);
  RowFacts row{.code = "V1", .tenant = "acme", .actor = "ann", .subject = "bob"};
  HoldCandidate as_held{
      .time = at("2020-06-01"), .category = "account", .known_code = "ACCOUNT_PROFILE_UPDATE"};
};

HoldCandidate looked_at(const Candidate& candidate) {
  HoldCandidate looked = candidate.as_held;
  looked.row = &candidate.row;
  return looked;
}

bool covered(const HoldScope& scope, Candidate candidate = {}) {
  candidate.row.key = &candidate.key;
  return covers(scope, looked_at(candidate));
}

struct ScopeLine {
  const char* what;
  HoldScope scope;
  bool covers;
};

}  // namespace

TEST_CASE("a term that no row can answer widens a hold", "[hold]") {
  const AnsweredTerms nobody{.actor = false, .subject = false};
  CHECK(bound_to({.persons = {"u-1"}}, nobody).everything);
  CHECK(bound_to({.persons = {"u-1"}, .codes = {"C"}}, nobody) == HoldScope{.codes = {"C"}});
  CHECK(bound_to({.persons = {"u-1"}}, {.actor = false}) == HoldScope{.persons = {"u-1"}});
  CHECK(bound_to({.actors = {"u-1"}}, {.actor = false}).everything);
  CHECK(bound_to({.subjects = {"u-1"}}, {.subject = false}).everything);
  CHECK(bound_to({.tenants = {"t"}}, {.tenant = false}).everything);
  CHECK_FALSE(bound_to({}, nobody).everything);
  const HoldScope whole{.tenants = {"t"}, .persons = {"u-1"}};
  CHECK(bound_to(whole, {}) == whole);
}

TEST_CASE("repeats of one kind of term are ORed and kinds are ANDed", "[hold]") {
  const std::vector<ScopeLine> lines{
      {"a tenant", {.tenants = {"acme"}}, true},
      {"another tenant", {.tenants = {"globex"}}, false},
      {"one of two tenants", {.tenants = {"globex", "acme"}}, true},
      {"letter case", {.tenants = {"Acme"}}, false},
      {"the actor", {.actors = {"ann"}}, true},
      {"the subject as actor", {.actors = {"bob"}}, false},
      {"the subject", {.subjects = {"bob"}}, true},
      {"the actor as subject", {.subjects = {"ann"}}, false},
      {"a person who acted", {.persons = {"ann"}}, true},
      {"a person who was acted on", {.persons = {"bob"}}, true},
      {"somebody else", {.persons = {"cy"}}, false},
      {"the stored code", {.codes = {"V1"}}, true},
      {"the code it stands for", {.codes = {"ACCOUNT_PROFILE_UPDATE"}}, true},
      {"another code", {.codes = {"ACCOUNT_PAT_CREATED"}}, false},
      {"the category", {.categories = {"account"}}, true},
      {"another category", {.categories = {"mfa"}}, false},
      {"the row's id", {.event_ids = {"7"}}, true},
      {"another id", {.event_ids = {"07"}}, false},
      {"tenant and actor", {.tenants = {"acme"}, .actors = {"ann"}}, true},
      {"tenant and another actor", {.tenants = {"acme"}, .actors = {"cy"}}, false},
      {"another tenant and the actor", {.tenants = {"globex"}, .actors = {"ann"}}, false},
      {"person and subject", {.persons = {"ann"}, .subjects = {"bob"}}, true},
      {"person and another subject", {.persons = {"ann"}, .subjects = {"cy"}}, false},
      {"id and category", {.categories = {"mfa"}, .event_ids = {"7"}}, false},
      {"id and time", {.event_ids = {"7"}, .from = at("2021-01-01")}, false},
      {"everything", {.everything = true}, true},
      {"everything of a tenant", {.tenants = {"globex"}, .everything = true}, false},
  };
  for (const ScopeLine& line : lines) {
    CAPTURE(line.what);
    CHECK(covered(line.scope) == line.covers);
  }
}

TEST_CASE("a scope that asks nothing covers nothing", "[hold]") {
  CHECK_FALSE(covered({}));
  CHECK_FALSE(covered({.category_codes = {"V1"}}));
  CHECK(covered({.everything = true}));
}

TEST_CASE("a time range covers its first instant and not its last", "[hold]") {
  struct Line {
    const char* time;
    bool covers;
  };
  const HoldScope year{.from = at("2020-01-01"), .until = at("2021-01-01")};
  for (const Line& line : std::vector<Line>{{"2019-12-31T23:59:59.999Z", false},
                                            {"2020-01-01", true},
                                            {"2020-01-01T00:00:00.001Z", true},
                                            {"2020-12-31T23:59:59.999Z", true},
                                            {"2021-01-01", false}}) {
    CAPTURE(line.time);
    Candidate candidate;
    candidate.as_held.time = at(line.time);
    CHECK(covered(year, candidate) == line.covers);
  }
  CHECK(covered({.from = at("2020-06-01")}));
  CHECK_FALSE(covered({.from = at("2020-06-01T00:00:00.001Z")}));
  CHECK_FALSE(covered({.until = at("2020-06-01")}));
  CHECK(covered({.until = at("2020-06-01T00:00:00.001Z")}));
}

TEST_CASE("a row with a bad time is inside every time range", "[hold]") {
  Candidate candidate;
  candidate.as_held.time = std::nullopt;
  CHECK(covered({.from = at("2020-01-01"), .until = at("2020-01-02")}, candidate));
  CHECK(covered({.from = at("2090-01-01")}, candidate));
  CHECK_FALSE(covered({.tenants = {"globex"}, .from = at("2090-01-01")}, candidate));
}

TEST_CASE("a term about a value that the row has not got does not cover it", "[hold]") {
  Candidate bare;
  bare.row = {};
  bare.as_held.category = {};
  bare.as_held.known_code = {};
  for (const HoldScope& scope : std::vector<HoldScope>{{.tenants = {"", "acme"}},
                                                       {.persons = {"", "ann"}},
                                                       {.actors = {"", "ann"}},
                                                       {.subjects = {"", "bob"}},
                                                       {.codes = {"V1"}},
                                                       {.categories = {"account"}}}) {
    CHECK_FALSE(covered(scope, bare));
  }
  CHECK(covered({.everything = true}, bare));
  bare.row.key = nullptr;
  CHECK_FALSE(covers({.event_ids = {"7"}}, looked_at(bare)));
}

TEST_CASE("a hold on a category keeps the rows it had when it was placed", "[hold]") {
  const HoldScope scope{.categories = {"mfa"}, .category_codes = {"ACCOUNT_PROFILE_UPDATE"}};
  CHECK(covered(scope));
  Candidate stored;
  stored.row.code = "ACCOUNT_PAT_CREATED";
  stored.as_held.known_code = "ACCOUNT_PAT_CREATED";
  CHECK_FALSE(covered(scope, stored));
  stored.row.stored_category = "mfa";
  CHECK(covered(scope, stored));
  Candidate alias;
  alias.as_held.known_code = {};
  CHECK(covered({.categories = {"mfa"}, .category_codes = {"V1"}}, alias));
}

TEST_CASE("a hold on a category to come may have its name instead of its slug", "[hold]") {
  const HoldScope scope{.categories = {"Payment events"}};
  Candidate named;
  named.as_held.category = "payment-events";
  CHECK_FALSE(covered(scope, named));
  named.as_held.category_name = "Payment events";
  CHECK(covered(scope, named));
  named.as_held.category_name = "Account";
  CHECK_FALSE(covered(scope, named));
  named.as_held.own_category_name = "Payment events";
  CHECK(covered(scope, named));
}

TEST_CASE("a hold on an event names its key as people type it", "[hold]") {
  Candidate candidate;
  const std::array<StoredView, 2> columns{StoredView{std::string_view{"eu"}},
                                          StoredView{std::int64_t{12}}};
  candidate.key = RowKey::composite(columns);
  CHECK(covered({.event_ids = {"eu,12"}}, candidate));
  CHECK_FALSE(covered({.event_ids = {"eu"}}, candidate));
  CHECK_FALSE(covered({.event_ids = {"12"}}, candidate));
}

TEST_CASE("a hold is active until it is released", "[hold]") {
  CHECK(hold(1, {}).active());
  CHECK_FALSE(released(hold(1, {}), at("2026-01-01")).active());
}

TEST_CASE("a kind of hold is read back from its token", "[hold]") {
  for (const HoldKind kind : {HoldKind::legal, HoldKind::regulatory, HoldKind::restriction}) {
    CHECK(parse_hold_kind(to_token(kind)) == kind);
  }
  CHECK(to_token(HoldKind::restriction) == "restriction");
  CHECK_FALSE(parse_hold_kind("Legal").has_value());
  CHECK_FALSE(parse_hold_kind("").has_value());
}

namespace {

constexpr std::array<const char*, 4> kWords{"a", "b", "c", ""};

/// Draws scopes and rows from so few words that most of them meet.
class RandomHolds {
 public:
  LegalHold any_hold(std::int64_t id) {
    HoldScope scope{.tenants = words(3),
                    .persons = words(4),
                    .actors = words(5),
                    .subjects = words(5),
                    .categories = words(4),
                    .category_codes = words(4),
                    .codes = words(4)};
    while (chance_.one_in(5)) {
      scope.event_ids.push_back(std::to_string(chance_.between(1, 4)));
    }
    if (chance_.one_in(4)) {
      scope.from = at("2020-01-01") + std::chrono::hours{chance_.between(0, 4)};
    }
    if (chance_.one_in(4)) {
      scope.until = at("2020-01-01") + std::chrono::hours{chance_.between(0, 4)};
    }
    scope.everything = chance_.one_in(12);
    return chance_.one_in(3) ? released(hold(id, scope), at("2026-01-01")) : hold(id, scope);
  }

  Candidate any_row() {
    Candidate each;
    each.key = RowKey::integer(chance_.between(1, 4));
    each.row = {.code = word(),
                .tenant = word(),
                .actor = word(),
                .subject = word(),
                .stored_category = word()};
    each.as_held.time = at("2020-01-01") + std::chrono::hours{chance_.between(0, 4)};
    if (chance_.one_in(5)) {
      each.as_held.time = std::nullopt;
    }
    each.as_held.category = word().value_or("");
    each.as_held.own_category = word().value_or("");
    each.as_held.known_code = word().value_or("");
    return each;
  }

  std::int64_t how_many() { return chance_.between(0, 12); }

 private:
  std::optional<std::string_view> word() {
    return chance_.one_in(5) ? std::nullopt
                             : std::optional<std::string_view>{chance_.one_of(kWords)};
  }

  std::vector<std::string> words(std::int64_t rarity) {
    std::vector<std::string> some;
    while (chance_.one_in(rarity)) {
      some.emplace_back(chance_.one_of(kWords));
    }
    return some;
  }

  Chance chance_;
};

std::set<std::int64_t> found_by(const HoldIndex& index, const HoldCandidate& candidate) {
  std::set<std::int64_t> ids;
  index.for_each_match(candidate, [&ids](const LegalHold& each) {
    ids.insert(each.id);
    return true;
  });
  return ids;
}

std::set<std::int64_t> found_by_asking_each(const std::vector<LegalHold>& holds,
                                            const HoldCandidate& candidate) {
  std::set<std::int64_t> ids;
  for (const LegalHold& each : holds) {
    if (covers(each.scope, candidate)) {
      ids.insert(each.id);
    }
  }
  return ids;
}

}  // namespace

TEST_CASE("the index finds exactly the holds that cover a row", "[hold]") {
  RandomHolds random;
  std::size_t matches = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<LegalHold> holds;
    const std::int64_t count = random.how_many();
    for (std::int64_t id = 1; id <= count; ++id) {
      holds.push_back(random.any_hold(id));
    }
    const HoldIndex index{holds};
    REQUIRE(index.empty() == holds.empty());
    for (int look = 0; look < 30; ++look) {
      Candidate candidate = random.any_row();
      candidate.row.key = &candidate.key;
      const auto expected = found_by_asking_each(holds, looked_at(candidate));
      matches += expected.size();
      if (found_by(index, looked_at(candidate)) != expected) {
        FAIL("round " << round << ", row " << look << ": the index finds other holds");
      }
    }
  }
  CHECK(matches > 2000);
}

TEST_CASE("a look-up ends when the visitor has seen enough", "[hold]") {
  const HoldIndex index{{hold(1, {.everything = true}),
                         hold(2, {.tenants = {"acme"}}),
                         hold(3, {.tenants = {"acme"}})}};
  const Candidate candidate;
  int visited = 0;
  index.for_each_match(looked_at(candidate), [&visited](const LegalHold&) {
    ++visited;
    return visited < 2;
  });
  CHECK(visited == 2);
  CHECK(HoldIndex{}.empty());
}
