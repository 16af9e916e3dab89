// SPDX-License-Identifier: Apache-2.0
#include "jobs/policy_document.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/digest.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using std::chrono::milliseconds;

namespace {

constexpr std::array<const char*, 6> kWindows{
    "1 day", "13 months", "10 years", "146097 days", "400 years", "forever"};
constexpr std::array<const char*, 6> kNames{
    "account", "a.b", "", "with \"quotes\"", "Zo\xC3\xAB", "line\nbreak"};

constexpr std::int64_t kLongestWait = milliseconds{std::chrono::hours{24} * 146'097}.count();

StoredPolicy stored(const std::string& document) {
  return {.version = 3, .in_force_from = at("2026-01-01"), .document = document};
}

/// Draws policies with every field filled in somewhere.
class RandomPolicies {
 public:
  PolicySnapshot next() {
    PolicySnapshot policy{.retention = {.category = entries(), .code = entries()}};
    while (chance_.one_in(2)) {
      policy.retention.tenant[name()] = {.category = entries(), .code = entries()};
    }
    while (chance_.one_in(2)) {
      policy.retention.presets.push_back({.name = name(),
                                          .categories = {name(), name()},
                                          .min = some_window(),
                                          .max = some_window(),
                                          .locked = chance_.one_in(2),
                                          .citation = name()});
    }
    while (chance_.one_in(2)) {
      policy.code_category[name()] = name();
      policy.aliases[name()] = name();
      policy.categories.insert(name());
      policy.category_names[name()] = name();
      policy.mapping[name()] = name();
      policy.administrators.insert(name());
    }
    policy.safety = {.first_run_needs_approval = chance_.one_in(2),
                     .max_category_share_ppm = share(),
                     .limit_min_rows = chance_.between(0, INT64_MAX),
                     .max_bad_time_share_ppm = share(),
                     .hold_release_grace = wait(),
                     .policy_shorten_delay = wait(),
                     .max_clock_step = wait()};
    policy.identity_by_flag = chance_.one_in(2);
    policy.archive_wanted = chance_.one_in(2);
    if (policy.archive_wanted && chance_.one_in(2)) {
      policy.archive_keep = RetentionWindow{.count = 13, .unit = WindowUnit::months};
    }
    if (chance_.one_in(2)) {
      policy.erasure.cool_off = wait();
    }
    while (chance_.one_in(2)) {
      policy.erasure.trusted_services.insert(name());
      policy.erasure.hold_sources[name()] = name();
    }
    return policy;
  }

 private:
  std::string name() { return chance_.one_of(kNames); }
  std::int64_t share() { return chance_.between(0, 1'000'000); }
  milliseconds wait() { return milliseconds{chance_.between(0, kLongestWait)}; }
  std::optional<RetentionWindow> some_window() {
    return chance_.one_in(3) ? std::nullopt : std::optional{window(chance_.one_of(kWindows))};
  }
  WindowEntries entries() {
    WindowEntries some;
    while (chance_.one_in(2)) {
      some[name()] = {.window = some_window(),
                      .at_least = some_window(),
                      .locked = chance_.one_in(2),
                      .basis = name()};
    }
    return some;
  }

  Chance chance_;
};

}  // namespace

TEST_CASE("a policy comes back from its document as it was", "[policy_document]") {
  RandomPolicies random;
  for (int i = 0; i < 200; ++i) {
    const PolicySnapshot policy = random.next();
    const std::string document = to_document(policy);
    const PolicyVersion back = from_document(stored(document));
    if (!(back.snapshot == policy) || to_document(back.snapshot) != document) {
      FAIL("policy " << i << " comes back as another: " << document);
    }
  }
  const PolicyVersion version = from_document(stored(to_document(no_windows())));
  CHECK(version.number == 3);
  CHECK(version.in_force_from == at("2026-01-01"));
}

TEST_CASE("a document with a number that no configuration can say is an error",
          "[policy_document]") {
  const auto whole = nlohmann::json::parse(to_document(no_windows()));
  const auto number = GENERATE(nlohmann::json(-1),
                               nlohmann::json(INT64_MAX),
                               nlohmann::json(UINT64_MAX),
                               nlohmann::json(kLongestWait + 1),
                               nlohmann::json(0.5),
                               nlohmann::json("7 days"));
  for (const char* const name : {"hold_release_grace_ms",
                                 "policy_shorten_delay_ms",
                                 "max_clock_step_ms",
                                 "max_category_share_ppm",
                                 "max_bad_time_share_ppm"}) {
    auto document = whole;
    document["safety"][name] = number;
    INFO(name << " = " << number);
    CHECK_THROWS_AS(from_document(stored(compact(document))), JobError);
  }
}

TEST_CASE("a document that was changed since it was stored is an error", "[policy_document]") {
  StoredPolicy policy = stored(to_document(no_windows()));
  policy.digest = sha256_hex(policy.document);
  CHECK(from_document(policy).snapshot == no_windows());
  policy.digest.front() = policy.digest.front() == '0' ? '1' : '0';
  CHECK_THROWS_AS(from_document(policy), JobError);
}

TEST_CASE("a document with a word that nobody knows is an error", "[policy_document]") {
  auto document = nlohmann::json::parse(to_document(no_windows()));
  document["archive_wamted"] = true;
  CHECK_THROWS_AS(from_document(stored(compact(document))), JobError);
}

TEST_CASE("a document is one line without floats, the same for the same policy",
          "[policy_document]") {
  const std::string document = to_document(no_windows());
  CHECK(document == to_document(no_windows()));
  CHECK(document.find('\n') == std::string::npos);
  CHECK_THAT(document, Catch::StartsWith(R"({"administrators":[],"aliases":[],"categories":[)"));
  CHECK_THAT(document, Catch::Contains(R"("max_category_share_ppm":200000)"));
}

TEST_CASE("a document without erasures is one from before there were any", "[policy_document]") {
  const PolicySnapshot plain = no_windows();
  CHECK_FALSE(nlohmann::json::parse(to_document(plain)).contains("erasure"));
  const PolicySnapshot back = from_document(stored(to_document(plain))).snapshot;
  CHECK(back.erasure.cool_off == std::chrono::hours{24 * 14});
  CHECK(back.erasure.trusted_services.empty());
  CHECK(back.erasure.hold_sources.empty());
}

TEST_CASE("a document with half of what it says about erasures is an error", "[policy_document]") {
  PolicySnapshot policy = no_windows();
  policy.erasure = {.cool_off = milliseconds{5},
                    .trusted_services = {"portal"},
                    .hold_sources = {{"billing", "none"}}};
  const auto whole = nlohmann::json::parse(to_document(policy));
  CHECK(whole.at("format") == 1);
  CHECK(from_document(stored(whole.dump())).snapshot == policy);
  std::vector<nlohmann::json> documents(3, whole);
  documents.at(0)["erasure"] = nullptr;
  documents.at(1)["erasure"] = nlohmann::json::array();
  documents.at(2)["erasure"]["hold_sources"] = nlohmann::json::object({{"billing", "none"}});
  for (const auto& [field, value] : whole.at("erasure").items()) {
    nlohmann::json broken = whole;
    broken["erasure"].erase(field);
    documents.push_back(broken);
    broken["erasure"][field] = "5";
    documents.push_back(broken);
  }
  CHECK(documents.size() == 9);
  for (const nlohmann::json& document : documents) {
    CAPTURE(document.at("erasure").dump());
    CHECK_THROWS_AS(from_document(stored(document.dump())), JobError);
  }
}

TEST_CASE("a document that cannot be read in whole is an error", "[policy_document]") {
  const auto whole = nlohmann::json::parse(to_document(no_windows()));
  std::vector<std::string> documents{"", "{}", "[]", "null", "{", "\xFF"};
  for (const auto& [field, value] : whole.items()) {
    nlohmann::json without = whole;
    without.erase(field);
    documents.push_back(without.dump());
    nlohmann::json wrong = whole;
    wrong[field] = -1;
    documents.push_back(wrong.dump());
  }
  for (const auto& [field, value] : whole.at("safety").items()) {
    nlohmann::json without = whole;
    without["safety"].erase(field);
    documents.push_back(without.dump());
  }
  nlohmann::json newer = whole;
  newer["format"] = 2;
  documents.push_back(newer.dump());
  nlohmann::json no_window = whole;
  no_window["retention"]["category"] = nlohmann::json::parse(
      R"([["account",{"window":"0 days","at_least":null,"locked":false,"basis":""}]])");
  documents.push_back(no_window.dump());
  for (const std::string& document : documents) {
    CAPTURE(document.substr(0, 200), document.size());
    CHECK_THROWS_AS(from_document(stored(document)), JobError);
  }
  CHECK(documents.size() > 30);
}

TEST_CASE("the error of an unreadable version says what follows from it", "[policy_document]") {
  try {
    (void)from_document(stored("{}"));
    FAIL("no error");
  } catch (const JobError& error) {
    CHECK((error.status() == ExitStatus::failed));
    CHECK_THAT(error.what(), Catch::StartsWith("policy version 3 "));
    CHECK_THAT(error.what(), Catch::Contains("nothing is deleted"));
  }
}

TEST_CASE("a snapshot has everything of the settings that can let a row go", "[policy_document]") {
  Settings settings;
  settings.earliest_plausible = at("2001-01-01");
  const LogShape shape{.mapping = {{"table", "audit_events"}}};
  const std::string before = to_document(make_snapshot(settings, shape));
  CHECK(make_snapshot(settings, shape).mapping.at("earliest_plausible") == "2001-01-01T00:00:00Z");
  const auto differs = [&before](const Settings& changed, const LogShape& mapped) {
    return to_document(make_snapshot(changed, mapped)) != before;
  };
  CHECK_FALSE(differs(settings, shape));
  CHECK(differs(settings, {.mapping = {{"table", "other"}}}));
  Settings changed = settings;
  changed.earliest_plausible = at("2002-01-01");
  CHECK(differs(changed, shape));
  changed = settings;
  changed.administrators = {"mallory"};
  CHECK(differs(changed, shape));
  changed = settings;
  changed.identity_by_flag = true;
  CHECK(differs(changed, shape));
  changed = settings;
  changed.archive = ArchiveSettings{};
  CHECK(differs(changed, shape));
  changed = settings;
  changed.safety.limit_min_rows = 1;
  CHECK(differs(changed, shape));
  changed = settings;
  changed.retention.category["account"] = keep_for("1 day");
  CHECK(differs(changed, shape));
  changed = settings;
  REQUIRE(changed.catalogue.add_alias("V1", "ACCOUNT_PAT_CREATED").has_value());
  CHECK(differs(changed, shape));
}

namespace {

/// A module that is asked by a query over one table.
ErasureModule billing() {
  return {.name = "billing",
          .tables = {{.table = "invoices", .subject = "customer"}},
          .holds_sql = "SELECT id FROM tax_holds WHERE person = :subject",
          .holds_command = {}};
}

/// What the policy says about billing's holds.
std::string source_of(const ErasureModule& module) {
  Settings settings;
  settings.erasure.modules = {module};
  return make_snapshot(settings, LogShape{}).erasure.hold_sources.at("billing");
}

}  // namespace

TEST_CASE("a snapshot has what must wait when erasures are made easier", "[policy_document]") {
  Settings settings;
  settings.trusted_services = {"portal"};
  settings.erasure.cool_off = std::chrono::hours{24};
  settings.erasure.modules = {billing(), {.name = "crm", .tables = {}, .says_no_holds = true}};
  const ErasurePolicy policy = make_snapshot(settings, LogShape{}).erasure;
  CHECK(policy.cool_off == std::chrono::hours{24});
  CHECK(policy.trusted_services == std::set<std::string>{"portal"});
  CHECK(policy.hold_sources.size() == 2);
  CHECK(policy.hold_sources.at("crm") == R"({"holds":"none","tables":[]})");
}

TEST_CASE("a hold source is known by whom it asks and by its tables", "[policy_document]") {
  const std::string before = source_of(billing());
  CHECK(before == R"({"holds":{"sql":"SELECT id FROM tax_holds WHERE person = :subject"},)"
                  R"("tables":["invoices"]})");
  ErasureModule changed = billing();
  changed.time_limit = std::chrono::seconds{1};
  CHECK(source_of(changed) == before);
  changed = billing();
  changed.holds_sql = "SELECT id FROM tax_holds WHERE 0";
  CHECK(source_of(changed) != before);
  changed = billing();
  changed.tables.push_back({.table = "addresses", .subject = "customer"});
  CHECK(source_of(changed) ==
        R"({"holds":{"sql":"SELECT id FROM tax_holds WHERE person = :subject"},)"
        R"("tables":["addresses","invoices"]})");
  changed = billing();
  changed.holds_sql.clear();
  changed.says_no_holds = true;
  CHECK(source_of(changed) == R"({"holds":"none","tables":["invoices"]})");
  changed.says_no_holds = false;
  changed.holds_command = {"/usr/bin/ask", "--holds"};
  CHECK(source_of(changed) ==
        R"({"holds":{"command":["/usr/bin/ask","--holds"]},"tables":["invoices"]})");
  changed.holds_command = {"/usr/bin/ask --holds"};
  CHECK(source_of(changed) ==
        R"({"holds":{"command":["/usr/bin/ask --holds"]},"tables":["invoices"]})");
}
