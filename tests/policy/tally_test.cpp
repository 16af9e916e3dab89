// SPDX-License-Identifier: Apache-2.0
#include "policy/tally.h"

#include <optional>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/policy/policy_builders.h"

using namespace holdfast;

namespace {

std::string places_of(const Tally& tally) {
  std::string text;
  for (const auto* entry : tally.places_in_order()) {
    const auto& [place, counts] = *entry;
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

TEST_CASE("a tally that is given away adds up like one that is kept", "[tally]") {
  const auto made = [](std::int64_t rows) {
    Tally tally;
    tally.add("acme", "account", Reason::expired, rows);
    tally.add(std::nullopt, "mfa-" + std::to_string(rows), Reason::hold);
    tally.add_code("A", Reason::expired, rows);
    tally.add_code("B" + std::to_string(rows), Reason::unknown_code);
    return tally;
  };
  Tally kept = made(2);
  kept.add(made(5));
  Tally given = made(2);
  Tally other = made(5);
  given.add(std::move(other));
  CHECK(places_of(given) == "-/mfa-2=1 -/mfa-5=1 acme/account=7 ");
  CHECK(places_of(given) == places_of(kept));
  CHECK(given.codes() == kept.codes());
  CHECK(given.codes().at("A")[Reason::expired] == 7);
  CHECK(given.codes().size() == 3);
}

TEST_CASE("the counts of a place are zeros at first, and stay where they are", "[tally]") {
  Tally tally;
  ReasonCounts& counts = tally.at("acme", "account");
  CHECK(counts.total() == 0);
  for (int number = 0; number < 1000; ++number) {
    tally.add("tenant-" + std::to_string(number), "account", Reason::window);
  }
  ++counts[Reason::hold];
  CHECK(&tally.at("acme", "account") == &counts);
  CHECK(tally.totals().total() == 1001);
}

TEST_CASE("places without a tenant, with an empty one and with another are three", "[tally]") {
  PlaceTimes times;
  const auto at = [](std::int64_t ms) {
    return from_unix_ms(ms);
  };
  note_newest(times, {.tenant = std::nullopt, .category = "mfa"}, at(1));
  note_newest(times, {.tenant = "", .category = "mfa"}, at(2));
  note_newest(times, {.tenant = "mfa", .category = ""}, at(3));
  CHECK(times.size() == 3);
  note_newest(times, {.tenant = "", .category = "mfa"}, at(1));
  CHECK(times.find(TallyPlaceView{.tenant = "", .category = "mfa"})->second == at(2));
  PlaceTimes others;
  note_newest(others, {.tenant = "", .category = "mfa"}, at(9));
  note_newest(others, {.tenant = "acme", .category = "mfa"}, at(4));
  note_newest(times, std::move(others));
  CHECK(times.size() == 4);
  CHECK(times.find(TallyPlaceView{.tenant = "", .category = "mfa"})->second == at(9));
  CHECK(times.find(TallyPlaceView{.tenant = "acme", .category = "mfa"})->second == at(4));
}
