// SPDX-License-Identifier: Apache-2.0
// Copies over a database of which any write may fail: register, audit rows and folder go together.
#include "jobs/export_workflow.h"

#include <exception>
#include <filesystem>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "jobs/cli/export_files.h"
#include "jobs/export_upkeep.h"
#include "tests/jobs/failing_database.h"
#include "tests/jobs/job_world.h"
#include "tests/jobs/temp_folder.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

/// A world with a folder for copies and one request of u-1, made by a real database.
struct CopyWorld {
  JobWorld world;
  TempFolder folder;
  ExportFiles store{folder.path()};
  std::unique_ptr<Database> real;

  CopyWorld() {
    world.settings().exports = ExportSettings{.directory = folder.path()};
    world.add_rows(3, {.subject = "'u-1'"});
    real = world.open();
  }

  [[nodiscard]] ExportResult deed(Database& database, const auto& what) {
    const PolicyState policy = read_policy_state(database, world.settings(), kTonight);
    ExportWorkflow workflow({.database = database, .settings = world.settings(), .store = &store},
                            policy,
                            {.who = "alice", .clock = {.system_now = kTonight, .as_of = kTonight}});
    return what(workflow);
  }
  [[nodiscard]] std::string state() const {
    return world.ask(
        "SELECT coalesce(group_concat(state || downloads, ' '), '') FROM holdfast_export");
  }
  [[nodiscard]] std::int64_t events(const std::string& code) const {
    return world.number("SELECT count(*) FROM audit_events WHERE code = 'ACCOUNT_DATA_EXPORT_" +
                        code + "'");
  }
  [[nodiscard]] std::int64_t files() const {
    return std::distance(std::filesystem::directory_iterator(folder.path()), {});
  }
};

ExportResult ask(ExportWorkflow& workflow) {
  return workflow.request({.tenant = "acme", .person = "u-1"});
}

}  // namespace

TEST_CASE("whichever write of a copy fails, register, audit rows and file agree",
          "[export][fault]") {
  for (int write = 1; write <= 16; ++write) {
    CopyWorld made;
    FaultPlan faults{write, FaultPlan::Lasting::once};
    FailingDatabase database{*made.real, faults};
    CAPTURE(write);
    const auto tried = [&](const auto& what) {
      try {
        (void)made.deed(database, what);
      } catch (const std::exception&) {
        CHECK(faults.struck());  // also where there is no export, because asking for it failed
      }
    };
    tried(ask);
    CHECK(made.events("REQUEST") == (made.state().empty() ? 0 : 1));
    tried([](ExportWorkflow& workflow) { return workflow.make(1); });
    const bool ready = made.state() == "ready0";
    CHECK(made.events("READY") == (ready ? 1 : 0));
    CHECK(made.files() == (ready ? 1 : 0));
    const std::string to = (made.folder.path().string() + ".zip");
    tried([&](ExportWorkflow& workflow) { return workflow.download(1, to); });
    const bool fetched = made.state() == "ready1";
    CHECK(made.events("DOWNLOADED") == (fetched ? 1 : 0));
    CHECK(std::filesystem::remove(to) == fetched);
    tried([](ExportWorkflow& workflow) { return workflow.end(1, ExportDeed::destroy); });
    CHECK(made.files() == (made.state().starts_with("ready") ? 1 : 0));
  }
}

TEST_CASE("a copy that is destroyed while it is written is not recorded", "[export]") {
  CopyWorld made;
  (void)made.deed(*made.real, ask);
  FaultPlan faults;
  FailingDatabase database{*made.real, faults};
  bool done = false;
  faults.watch([&](const std::string& what) {
    if (what == "begin_write" && !done) {
      done = true;
      made.world.sql("UPDATE holdfast_export SET state = 'destroyed', end_reason = 'command'");
    }
  });
  const ExportResult result =
      made.deed(database, [](ExportWorkflow& workflow) { return workflow.make(1); });
  CHECK((result.step.kind == ExportStep::Kind::refused));
  CHECK(made.state() == "destroyed0");
  CHECK(made.world.ask("SELECT end_reason FROM holdfast_export") == "command");
  CHECK(made.files() == 0);
  CHECK(made.events("READY") == 0);
}
