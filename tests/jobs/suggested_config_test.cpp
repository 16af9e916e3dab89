// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "jobs/cli/config_file.h"
#include "policy/retention_policy.h"
#include "tests/jobs/config_texts.h"

using namespace holdfast;
using namespace holdfast::testing;

TEST_CASE("the suggested configuration loads back without any doubt", "[config]") {
  const Settings settings =
      parse_config(suggested_config("logs/audit.db", "alice"), "/etc/holdfast/holdfast.toml");
  PolicySnapshot snapshot{.retention = settings.retention};
  copy_catalogue(settings.catalogue, snapshot);

  CHECK(validate(snapshot).empty());
  CHECK(settings.database == "/etc/holdfast/logs/audit.db");
  CHECK(settings.administrators == std::set<std::string>{"alice"});
  CHECK(settings.safety == SafetyPolicy{});
  CHECK(settings.metrics_textfile.empty());
  CHECK_FALSE(settings.webhook.has_value());
  CHECK_FALSE(settings.identity_by_flag);
  CHECK(settings.erasure.cool_off == std::chrono::hours{14 * 24});
  CHECK(settings.erasure.modules.empty());
  CHECK_FALSE(settings.events.category.named_in_config);
  CHECK(settings.events.retain_until.named_in_config);
}

TEST_CASE("the suggested configuration keeps proof longer than what it proves", "[config]") {
  const RetentionPolicy policy =
      parse_config(suggested_config("audit.db", "alice"), "holdfast.toml").retention;

  CHECK(policy.category.size() == 12);
  CHECK(policy.category.at("audit-retention") ==
        WindowEntry{.window = window("7 years"), .basis = "proof outlives what it proves"});
  CHECK(policy.category.at("data-erasure") ==
        WindowEntry{
            .window = window("7 years"), .locked = true, .basis = "proof outlives what it proves"});
  CHECK(policy.code.at("ACCOUNT_DELETION_HOLDS_OVERRIDDEN") ==
        WindowEntry{.at_least = window("10 years"),
                    .basis = "platform policy; SOX § 802 as cited by the catalogue"});
  for (const std::string category :
       {"account", "sessions", "mfa", "webauthn", "step-up", "saml", "scim", "webhooks"}) {
    CAPTURE(category);
    CHECK(policy.category.at(category).window == window("13 months"));
  }
}

TEST_CASE("the suggested configuration survives any path and any name", "[config]") {
  const std::string awkward = "C:\\logs \"new\"\t\x01\x7f";
  const auto text = suggested_config("a\\b\"c.db", "o\"neil\\");

  const Settings settings = parse_config(text, "/etc/holdfast/holdfast.toml");
  CHECK(settings.database == "/etc/holdfast/a\\b\"c.db");
  CHECK(settings.administrators == std::set<std::string>{"o\"neil\\"});
  CHECK_THAT(refusal_of(suggested_config(awkward, "alice")),
             Catch::Contains("holds a control character"));
  CHECK(parse_config(suggested_config("a.db", ""), "h.toml").administrators.empty());
}

TEST_CASE("what the suggested configuration says of erasure holds once it is uncommented",
          "[config][erasure]") {
  std::string text = suggested_config("audit.db", "alice");
  const std::size_t section = text.find("\n[erasure]");
  const std::size_t end = text.find("\n[safety]");
  REQUIRE(section < end);
  for (std::size_t line = text.find("\n# ", section); line < end; line = text.find("\n# ", line)) {
    text.replace(line + 1, 2, "  ");
  }
  const ErasureSettings erasure = parse_config(text, "/etc/holdfast/holdfast.toml").erasure;

  CHECK(erasure.key_folder == "/var/lib/holdfast/keys");
  CHECK(erasure.keep_metadata.size() == 2);
  REQUIRE(erasure.modules.size() == 1);
  CHECK(erasure.modules[0].tables.size() == 2);
  CHECK(erasure.modules[0].holds_command.size() == 1);
}
