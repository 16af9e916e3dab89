// SPDX-License-Identifier: Apache-2.0
// The lines of the table of exports, one by one, and where an erasure asks for them.
#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/erasure_request.h"
#include "policy/export_request.h"

using namespace holdfast;

namespace {

using Kind = ExportStep::Kind;
using Clock = std::chrono::hours;

const Instant kNow = from_unix_ms(1'900'000'000'000);

struct Actor {
  std::string name;
  ExportFacts facts;
};

ExportFacts facts(ExportFacts made) {
  made.guard_now = kNow;
  return made;
}

const std::vector<Actor> kActors = {{"subject", facts({.is_subject = true})},
                                    {"administrator", facts({.administrator = true})},
                                    {"service", facts({.trusted_service = true})},
                                    {"run", facts({.nightly = true})},
                                    {"stranger", facts({})}};

/// "none", "requested", "ready", "expired" or "destroyed".
ExportRequest standing(const std::string& how) {
  ExportRequest request{.id = 7, .subject = "u-1", .requested_at = kNow};
  if (how == "ready" || how == "expired") {
    request.state = ExportState::ready;
    request.expires_at = how == "ready" ? kNow + Clock{1} : kNow;
  } else if (how == "destroyed") {
    request.state = ExportState::destroyed;
  }
  return request;
}

ExportStep stepped(const std::string& how, ExportDeed deed, const ExportFacts& who) {
  const ExportRequest request = standing(how);
  return step_export(how == "none" ? nullptr : &request, deed, who);
}

/// One line of the table: who may, and what comes of it; everybody else is refused without a row.
struct Line {
  ExportDeed deed;
  std::string how;
  std::vector<std::string> who;
  Kind kind;
  ExportState state;
  std::string code;      // "" where no audit row is left
  std::string severity;  // of it
};

const std::vector<std::string> kFetchers = {"subject", "administrator", "service"};
const std::vector<std::string> kMakers = {"administrator", "service", "run"};
const std::vector<std::string> kEnders = {"subject", "administrator"};
const std::vector<std::string> kAnybody = {
    "subject", "administrator", "service", "run", "stranger"};

std::vector<Line> table() {
  const auto requested = ExportState::requested;
  const auto ready = ExportState::ready;
  const auto destroyed = ExportState::destroyed;
  const std::string request = "ACCOUNT_DATA_EXPORT_REQUEST";
  const std::string made = "ACCOUNT_DATA_EXPORT_READY";
  const std::string fetched = "ACCOUNT_DATA_EXPORT_DOWNLOADED";
  return {{ExportDeed::request, "none", kFetchers, Kind::done, requested, request, "Notice"},
          {ExportDeed::request, "expired", kFetchers, Kind::done, requested, request, "Notice"},
          {ExportDeed::request, "destroyed", kFetchers, Kind::done, requested, request, "Notice"},
          {ExportDeed::request, "requested", kFetchers, Kind::unchanged, requested, "", ""},
          {ExportDeed::request, "ready", kFetchers, Kind::unchanged, ready, "", ""},
          {ExportDeed::make, "requested", kMakers, Kind::done, ready, made, "Info"},
          {ExportDeed::make, "ready", kMakers, Kind::unchanged, ready, "", ""},
          {ExportDeed::download, "ready", kFetchers, Kind::done, ready, fetched, "Info"},
          {ExportDeed::download, "requested", {}, Kind::done, requested, "", ""},
          {ExportDeed::download, "expired", {}, Kind::done, ready, "", ""},
          {ExportDeed::download, "destroyed", {}, Kind::done, destroyed, "", ""},
          {ExportDeed::destroy, "requested", kEnders, Kind::done, destroyed, "", ""},
          {ExportDeed::destroy, "ready", kEnders, Kind::done, destroyed, "", ""},
          {ExportDeed::destroy, "expired", kEnders, Kind::done, destroyed, "", ""},
          {ExportDeed::destroy, "destroyed", kEnders, Kind::unchanged, destroyed, "", ""},
          {ExportDeed::expire, "expired", {"run"}, Kind::done, destroyed, "", ""},
          {ExportDeed::expire, "ready", {}, Kind::done, ready, "", ""},
          {ExportDeed::expire, "requested", {}, Kind::done, requested, "", ""},
          {ExportDeed::expire, "destroyed", {}, Kind::done, destroyed, "", ""},
          {ExportDeed::make, "destroyed", {}, Kind::done, destroyed, "", ""},
          {ExportDeed::erase, "requested", kAnybody, Kind::done, destroyed, "", ""},
          {ExportDeed::erase, "ready", kAnybody, Kind::done, destroyed, "", ""},
          {ExportDeed::erase, "destroyed", {}, Kind::done, destroyed, "", ""}};
}

}  // namespace

TEST_CASE("each deed on a copy is done by those who may, and refused to all others", "[export]") {
  for (const Line& line : table()) {
    for (const Actor& actor : kActors) {
      const bool may = std::find(line.who.begin(), line.who.end(), actor.name) != line.who.end();
      CAPTURE(static_cast<int>(line.deed), line.how, actor.name);
      const ExportStep step = stepped(line.how, line.deed, actor.facts);
      CHECK(step.kind == (may ? line.kind : Kind::refused));
      CHECK(step.events.size() == (may && !line.code.empty() ? 1U : 0U));
      CHECK(step.reason.empty() == (step.kind == Kind::done));
      if (may) {
        CHECK(step.state == line.state);
      }
      for (const ErasureEvent& event : step.events) {
        CHECK(event.code == line.code);
        CHECK(event.severity == line.severity);
      }
    }
  }
}

TEST_CASE("nothing but a request is done to a copy that nobody asked for", "[export]") {
  for (const ExportDeed deed : {ExportDeed::make,
                                ExportDeed::download,
                                ExportDeed::destroy,
                                ExportDeed::expire,
                                ExportDeed::erase}) {
    for (const Actor& actor : kActors) {
      CHECK(step_export(nullptr, deed, actor.facts).reason == "no_request");
    }
  }
}

TEST_CASE("why a copy was destroyed is said", "[export]") {
  CHECK(stepped("ready", ExportDeed::destroy, kActors[0].facts).end_reason == "command");
  CHECK(stepped("expired", ExportDeed::expire, kActors[3].facts).end_reason == "expired");
  CHECK(stepped("ready", ExportDeed::erase, {}).end_reason == "erased");
}

TEST_CASE("who may not fetch a copy learns nothing of its state", "[export]") {
  for (const char* how : {"requested", "ready", "expired"}) {
    CHECK(stepped(how, ExportDeed::download, facts({})).reason == "may_not_download");
  }
}

TEST_CASE("a copy expires at the very instant, and a ready one without an end has", "[export]") {
  ExportRequest request = standing("ready");
  request.expires_at = kNow + std::chrono::milliseconds{1};
  CHECK_FALSE(is_expired(request, kNow));
  request.expires_at = kNow;
  CHECK(is_expired(request, kNow));
  request.expires_at.reset();
  CHECK(is_expired(request, kNow));
  request.state = ExportState::requested;
  CHECK_FALSE(is_expired(request, kNow));
}

TEST_CASE("a copy is open until it was fetched once or has expired", "[export]") {
  CHECK(is_open(standing("requested"), kNow));
  CHECK(is_open(standing("ready"), kNow));
  CHECK_FALSE(is_open(standing("expired"), kNow));
  CHECK_FALSE(is_open(standing("destroyed"), kNow));
  ExportRequest fetched = standing("ready");
  fetched.downloads = 1;
  CHECK_FALSE(is_open(fetched, kNow));
}

TEST_CASE("an erasure asks for the copy after cool-off and before holds, without a row",
          "[export][erasure]") {
  const ErasureRequest approved{.id = 3,
                                .subject = "u-1",
                                .state = ErasureState::approved,
                                .requested_at = kNow,
                                .approved_by = "alice",
                                .cooloff_until = kNow};
  ErasureFacts who{
      .who = "bob", .administrator = true, .system_now = kNow, .guard_now = kNow, .open_export = 7};
  const ErasureStep step = step_erasure(&approved, ErasureDeed::complete, who);
  CHECK(step.kind == ErasureStep::Kind::refused);
  CHECK(step.reason == "export_open");
  CHECK(step.line == 24);
  CHECK(step.events.empty());
  who.override_digest = "whatever";
  who.reason = "a reason of more than twenty characters";
  CHECK(step_erasure(&approved, ErasureDeed::complete, who).reason == "export_open");
  who.guard_now = kNow - Clock{1};
  CHECK(step_erasure(&approved, ErasureDeed::complete, who).reason == "cool_off");
  who.who = "alice";
  CHECK(step_erasure(&approved, ErasureDeed::complete, who).reason == "dual_control");
  who.who = "bob";
  who.guard_now = kNow;
  who.open_export = 0;
  CHECK(step_erasure(&approved, ErasureDeed::complete, who).kind == ErasureStep::Kind::ask_holds);
}
