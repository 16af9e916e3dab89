// SPDX-License-Identifier: Apache-2.0
// What the policy says about erasures waits when it is loosened.
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/policy_versions.h"
#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

using Names = std::set<std::string>;

/// Versions that are in force together, newest first.
class InForce {
 public:
  explicit InForce(const std::vector<ErasurePolicy>& newest_first) {
    versions_.resize(newest_first.size());
    for (std::size_t i = 0; i < newest_first.size(); ++i) {
      versions_.at(i).snapshot.erasure = newest_first.at(i);
      pointers_.push_back(&versions_.at(i));
    }
  }
  [[nodiscard]] const std::vector<const PolicyVersion*>& all() const { return pointers_; }

 private:
  std::vector<PolicyVersion> versions_;
  std::vector<const PolicyVersion*> pointers_;
};

Names waiting(const std::vector<ErasurePolicy>& newest_first) {
  const InForce in_force{newest_first};
  return waiting_hold_sources(in_force.all());
}

std::string one_change(const std::function<void(ErasurePolicy&)>& change) {
  PolicySnapshot from = no_windows();
  from.erasure.trusted_services = {"portal"};
  from.erasure.hold_sources = {{"billing", "ask"}};
  PolicySnapshot to = from;
  change(to.erasure);
  std::string text;
  for (const PolicyChange& each : changes(from, to)) {
    text += each.where + ": " + each.from + " -> " + each.to + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("the longest cool-off counts, whichever version has it", "[versions][erasure]") {
  const ErasurePolicy usual;
  const ErasurePolicy none{.cool_off = milliseconds{0}};
  const ErasurePolicy longer{.cool_off = hours{24 * 30}};
  CHECK(strictest_cool_off(InForce{{none, usual}}.all()) == hours{24 * 14});
  CHECK(strictest_cool_off(InForce{{usual, none}}.all()) == hours{24 * 14});
  CHECK(strictest_cool_off(InForce{{none, longer, usual}}.all()) == hours{24 * 30});
  CHECK(strictest_cool_off(InForce{{none}}.all()) == milliseconds{0});
}

TEST_CASE("a service has to be trusted by every version in force", "[versions][erasure]") {
  const ErasurePolicy wide{.trusted_services = {"portal", "shop", "crm"}};
  const ErasurePolicy narrow{.trusted_services = {"portal", "crm"}};
  CHECK(common_services(InForce{{wide, narrow}}.all()) == Names{"crm", "portal"});
  CHECK(common_services(InForce{{narrow, wide}}.all()) == Names{"crm", "portal"});
  CHECK(common_services(InForce{{wide}}.all()) == Names{"crm", "portal", "shop"});
  CHECK(common_services(InForce{{wide, ErasurePolicy{}}}.all()).empty());
  CHECK(common_services(InForce{{wide, narrow, {.trusted_services = {"crm", "x"}}}}.all()) ==
        Names{"crm"});
}

TEST_CASE("a module that would have been asked otherwise, or is gone, counts as unanswered",
          "[versions][erasure]") {
  const ErasurePolicy asks{.hold_sources = {{"billing", "sql"}, {"crm", "command"}}};
  CHECK(waiting({asks}).empty());
  CHECK(waiting({asks, asks}).empty());
  SECTION("told to say none") {
    CHECK(waiting({{.hold_sources = {{"billing", "none"}, {"crm", "command"}}}, asks}) ==
          Names{"billing"});
  }
  SECTION("taken out, one or all") {
    CHECK(waiting({{.hold_sources = {{"billing", "sql"}}}, asks}) == Names{"crm"});
    CHECK(waiting({ErasurePolicy{}, asks}) == Names{"billing", "crm"});
  }
  SECTION("given another name") {
    CHECK(waiting({{.hold_sources = {{"billing2", "sql"}, {"crm", "command"}}}, asks}) ==
          Names{"billing"});
  }
  SECTION("a new one does not wait: it can only add holds") {
    CHECK(waiting({asks, ErasurePolicy{}}).empty());
  }
  SECTION("two edits do not get round the older of them") {
    const ErasurePolicy none{.hold_sources = {{"billing", "none"}, {"crm", "command"}}};
    CHECK(waiting({none, none, asks}) == Names{"billing"});
    CHECK(waiting({asks, none, asks}) == Names{"billing"});
  }
}

TEST_CASE("every part of the erasure policy shows up as a change of its own place",
          "[versions][erasure]") {
  CHECK(one_change([](auto&) {}).empty());
  CHECK(one_change([](auto& erasure) { erasure.cool_off = milliseconds{5}; }) ==
        "erasure.cool_off: 1209600000 ms -> 5 ms\n");
  CHECK(one_change([](auto& erasure) { erasure.trusted_services.insert("shop"); }) ==
        "identity.services: \"portal\" -> \"portal\", \"shop\"\n");
  CHECK(one_change([](auto& erasure) { erasure.trusted_services.clear(); }) ==
        "identity.services: \"portal\" -> \n");
  CHECK(one_change([](auto& erasure) { erasure.hold_sources["billing"] = "none"; }) ==
        "erasure.module.billing: ask -> none\n");
  CHECK(one_change([](auto& erasure) { erasure.hold_sources.clear(); }) ==
        "erasure.module.billing: ask -> \n");
  CHECK(one_change([](auto& erasure) { erasure.hold_sources["crm"] = "ask"; }) ==
        "erasure.module.crm:  -> ask\n");
}

TEST_CASE("no two sets of services read the same", "[versions][erasure]") {
  PolicySnapshot two = no_windows();
  two.erasure.trusted_services = {"a", "b"};
  PolicySnapshot one = no_windows();
  one.erasure.trusted_services = {R"(a", "b)"};
  CHECK(changes(two, one).size() == 1);
  one.erasure.trusted_services = {R"(a\", \"b)"};
  CHECK(changes(two, one).size() == 1);
}
