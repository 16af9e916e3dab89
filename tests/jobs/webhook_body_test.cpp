// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/webhook_body.h"

#include <catch2/catch.hpp>

#include "jobs/cli/webhook_url.h"

#include <nlohmann/json.hpp>

using namespace holdfast;
using nlohmann::json;

namespace {

json body_of(Outcome outcome, const std::string& reason) {
  RunReport report;
  report.outcome = outcome;
  if (!reason.empty()) {
    report.error = RunError{.reason = reason, .message = "someone's name"};
  }
  return json::parse(webhook_body({.host = "h", .database = "/a.db", .version = "1"}, report));
}

}  // namespace

TEST_CASE("only messages of figures, paths and clocks are sent as they are", "[webhook]") {
  for (const char* reason : {"database_missing", "clock_went_back", "restored_backup", "mapping"}) {
    CHECK(body_of(Outcome::failed, reason).at("message") == "someone's name");
  }
  for (const char* reason : {"config", "policy_locked", "erasure", "error", "a_new_one"}) {
    const json body = body_of(Outcome::failed, reason);
    CHECK(body.at("reason") == reason);
    CHECK_THAT(body.at("message").get<std::string>(), !Catch::Contains("someone"));
  }
}

TEST_CASE("every outcome says what to do", "[webhook]") {
  for (const Outcome outcome : {Outcome::completed,
                                Outcome::partial,
                                Outcome::limited,
                                Outcome::refused,
                                Outcome::failed,
                                Outcome::invalid,
                                Outcome::interrupted}) {
    const json body = body_of(outcome, "");
    CHECK(body.at("outcome") == std::string(to_token(outcome)));
    CHECK_FALSE(body.at("what_to_do").get<std::string>().empty());
    CHECK(body.at("message").is_null());
    CHECK(body.at("run_id").is_null());
    CHECK(body.at("run_hash").is_null());
  }
}

TEST_CASE("an address is used only where nobody on the way can read along", "[webhook]") {
  for (const char* url : {"https://h.example/x",
                          "http://localhost:9/",
                          "http://127.0.0.1/",
                          "http://127.1.2.3:80/x",
                          "http://[::1]:9/x"}) {
    CAPTURE(url);
    CHECK_FALSE(webhook_url_fault(url, false).has_value());
  }
  for (const char* url : {"http://h.example/",
                          "http://localhost.example/",
                          "http://10.0.0.1/",
                          "http://0/",
                          "http://127.0.0.1.2/",
                          "http://127.0.0.999/",
                          "http://[::2]/",
                          "ftp://h/",
                          "nonsense",
                          "https://u:p@h/",
                          "https://u@h/",
                          ""}) {
    CAPTURE(url);
    CHECK(webhook_url_fault(url, false).has_value());
  }
  CHECK_FALSE(webhook_url_fault("http://h.example/", true).has_value());
  CHECK(webhook_url_fault("gopher://h.example/", true).has_value());
}

TEST_CASE("what is printed of an address has no token in it", "[webhook]") {
  CHECK(webhook_place("https://h.example:8443/hook/token?key=secret") == "https://h.example:8443");
  CHECK(webhook_place("nonsense of a kind") == "?");
}
