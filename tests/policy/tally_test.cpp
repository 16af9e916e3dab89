// SPDX-License-Identifier: Apache-2.0
#include "policy/tally.h"

#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include "tests/policy/policy_builders.h"

using namespace holdfast;

namespace {

std::string places_of(const Tally& tally) {
  std::string text;
  for (const auto& [place, counts] : tally.places()) {
    text += place.tenant.value_or("-") + "/" + place.category + "=" +
            std::to_string(counts.total()) + " ";
  }
  return text;
}

}  // namespace

TEST_CASE("what is deleted and what is kept add up to all", "[tally]") {
  ReasonCounts counts;
  CHECK(counts.total() == 0);
  counts[Reason::expired] = 3;
  counts[Reason::hold] = 2;
  counts[Reason::not_reached] += 5;
  CHECK(counts.total() == 10);
  CHECK(counts.deleted() == 3);
  CHECK(counts.kept() == 7);
  ReasonCounts more;
  more[Reason::hold] = 1;
  more[Reason::bad_time] = 4;
  counts += more;
  CHECK(counts[Reason::hold] == 3);
  CHECK(counts[Reason::bad_time] == 4);
  CHECK(counts.total() == 15);
}

TEST_CASE("each reason is counted in a place of its own", "[tally]") {
  ReasonCounts counts;
  for (const Reason reason : kAllReasons) {
    ++counts[reason];
  }
  CHECK(counts.total() == static_cast<std::int64_t>(kReasons));
  for (const Reason reason : kAllReasons) {
    CAPTURE(reason);
    CHECK(counts[reason] == 1);
  }
}

TEST_CASE("a tally counts by tenant and category, those without a tenant first", "[tally]") {
  Tally tally;
  tally.add("globex", "account", Reason::expired);
  tally.add("acme", "mfa", Reason::window, 4);
  tally.add(std::nullopt, "account", Reason::hold);
  tally.add("acme", "account", Reason::expired);
  tally.add("acme", "account", Reason::hold, 2);
  tally.add("", "account", Reason::window);
  tally.add(std::nullopt, "", Reason::unknown_code);
  tally.mention("acme", "scim");
  tally.mention("acme", "mfa");
  CHECK(places_of(tally) ==
        "-/=1 -/account=1 /account=1 acme/account=3 acme/mfa=4 acme/scim=0 globex/account=1 ");
  CHECK(tally.totals().total() == 11);
  CHECK(tally.totals().deleted() == 2);
  CHECK(tally.totals()[Reason::hold] == 3);
  CHECK(tally.codes().empty());
}

TEST_CASE("tallies add up place by place and code by code", "[tally]") {
  Tally one;
  one.add("acme", "account", Reason::expired, 2);
  one.add_code("A", Reason::expired, 2);
  Tally two;
  two.add("acme", "account", Reason::hold);
  two.add("globex", "account", Reason::expired);
  two.add_code("A", Reason::expired);
  two.add_code("B", Reason::unknown_code);
  one.add(two);
  CHECK(places_of(one) == "acme/account=3 globex/account=1 ");
  REQUIRE(one.codes().size() == 2);
  CHECK(one.codes().at("A")[Reason::expired] == 3);
  CHECK(one.codes().at("B")[Reason::unknown_code] == 1);
  CHECK(one.codes().at("B")[Reason::expired] == 0);
}

TEST_CASE("a set of places is asked by names that nobody owns", "[tally]") {
  const TallyPlaceSet places{{.tenant = "acme", .category = "account"},
                             {.tenant = std::nullopt, .category = "mfa"}};
  const auto has = [&places](std::optional<std::string_view> tenant, std::string_view category) {
    return places.contains(TallyPlaceView{.tenant = tenant, .category = category});
  };
  CHECK(has("acme", "account"));
  CHECK(has(std::nullopt, "mfa"));
  CHECK_FALSE(has("acme", "mfa"));
  CHECK_FALSE(has(std::nullopt, "account"));
  CHECK_FALSE(has("", "mfa"));
}
