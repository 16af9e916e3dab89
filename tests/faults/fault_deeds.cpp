// SPDX-License-Identifier: Apache-2.0
// What is done while something fails.

#include <filesystem>
#include <stdexcept>

#include "jobs/erasure_desk.h"
#include "jobs/export_desk.h"
#include "jobs/vacuum.h"
#include "tests/faults/fault_trial.h"

namespace holdfast::testing {
namespace {

constexpr const char* kRunDone = R"sql(
SELECT count(*) >= 1 FROM holdfast_run WHERE outcome = 'completed' AND opened_at_ms =
  (SELECT max(opened_at_ms) FROM holdfast_run)
)sql";
constexpr const char* kErased = R"sql(
SELECT count(*) FROM holdfast_erasure WHERE id = 1 AND state = 'completed'
)sql";
constexpr const char* kSetUp = R"sql(
SELECT count(*) FROM sqlite_schema WHERE name = 'holdfast_run'
)sql";

DeedEnd end_of(const RunReport& report) {
  return {.done = report.outcome == Outcome::completed,
          .message = report.error ? report.error->message : "",
          .outcome = std::string(to_token(report.outcome)),
          .run = report.run_id};
}

/// The next run, which has to come to its end.
std::string run_again(FaultWorld& world) {
  const RunReport report = world.run(1);
  if (report.outcome == Outcome::completed) {
    return "";
  }
  return std::string(to_token(report.outcome)) + ": " + (report.error ? report.error->message : "");
}

Deed run_deed(const std::string& name, const FaultWorldOptions& world) {
  return {.name = name,
          .group = world.wal ? DeedGroup::run : DeedGroup::run_in_rollback,
          .world = world,
          .act = [](FaultWorld& now) { return end_of(now.run()); },
          .again = run_again,
          .done_sql = kRunDone};
}

Deed read_ahead_deed() {
  Deed deed =
      run_deed("run, rows read ahead", {.rows = 9'000, .late = std::chrono::hours{24 * 30}});
  deed.stride = 23;
  return deed;
}

DeedEnd complete(FaultWorld& world) {
  DeedEnd end;
  world.at_desk("bob", [&end](const Desk& desk) {
    const auto answer = act_on_erasure(desk, 1, {.deed = ErasureDeed::complete});
    end = {.done = answer.at("outcome") == "done",
           .message = answer.value("message", std::string{})};
  });
  return end;
}

std::string complete_again(FaultWorld& world) {
  if (world.ask(kErased) != "1") {
    const DeedEnd end = complete(world);
    if (!end.done) {
      return end.message;
    }
  }
  return run_again(world);
}

Deed erasure_deed(const std::string& name, FaultWorldOptions world) {
  world.erasure = true;
  return {.name = name,
          .group = DeedGroup::erasure,
          .world = world,
          .act = complete,
          .again = complete_again,
          .done_sql = kErased};
}

/// The next run makes what is to be made and destroys what is past its keep.
std::string exported_again(FaultWorld& world) {
  const std::string problem = run_again(world);
  if (!problem.empty()) {
    return problem;
  }
  const std::string states = world.ask(
      "SELECT group_concat(state, ' ') FROM (SELECT state FROM holdfast_export ORDER BY id)");
  return states == "destroyed ready" ? world.exports_fault() : "the copies are " + states;
}

Deed export_run_deed(const std::string& name, FaultWorldOptions world) {
  world.exports = true;
  Deed deed = run_deed(name, world);
  deed.group = DeedGroup::exports;
  deed.again = exported_again;
  return deed;
}

DeedEnd fetch(FaultWorld& world) {
  world.at_desk("alice", [&world](const Desk& desk) {
    if (world.ask("SELECT state FROM holdfast_export WHERE id = 2") == "requested") {
      (void)make_export(desk, 2);
    }
    (void)download_export(desk, 2, (world.folder() / kFetchedCopy).string());
  });
  return {.done = true, .message = {}};
}

/// Fetches it once more, and then it is destroyed.
std::string fetch_again(FaultWorld& world) {
  std::filesystem::remove(world.folder() / kFetchedCopy);
  if (world.ask("SELECT state FROM holdfast_export WHERE id = 2") != "destroyed") {
    (void)fetch(world);
    world.at_desk("alice", [](const Desk& desk) { (void)destroy_export(desk, 2); });
  }
  const std::string problem = run_again(world);
  return problem.empty() ? world.exports_fault() : problem;
}

Deed export_deed(const std::string& name, FaultWorldOptions world) {
  world.exports = true;
  return {.name = name,
          .group = DeedGroup::exports,
          .world = world,
          .act = fetch,
          .again = fetch_again,
          .done_sql = "SELECT downloads FROM holdfast_export WHERE id = 2"};
}

/// Where nothing fails the copy is gone with the person, before anybody can ask.
DeedEnd complete_with_a_copy(FaultWorld& world) {
  const DeedEnd end = complete(world);
  if (end.done && !FaultyDisk::the().struck() && !world.exports_fault().empty()) {
    return {.done = false, .message = world.exports_fault()};
  }
  return end;
}

std::string complete_with_a_copy_again(FaultWorld& world) {
  const std::string problem = complete_again(world);
  if (!problem.empty()) {
    return problem;
  }
  const std::string ended = world.ask(
      "SELECT group_concat(state || ' ' || end_reason) FROM holdfast_export WHERE id = 2");
  return ended == "destroyed erased" ? world.exports_fault() : "the copy is " + ended;
}

Deed erasure_with_a_copy_deed(const std::string& name, FaultWorldOptions world) {
  world.exports = true;
  world.handed_out = true;
  Deed deed = erasure_deed(name, world);
  deed.group = DeedGroup::exports;
  deed.act = complete_with_a_copy;
  deed.again = complete_with_a_copy_again;
  return deed;
}

DeedEnd set_up(FaultWorld& world) {
  (void)init_sqlite(world.options(),
                    "id-of-the-test",
                    world.now(),
                    world.made_with().guards ? Guards::set : Guards::as_they_are);
  return {.done = true, .message = {}};
}

Deed init_deed(const std::string& name, FaultWorldOptions world) {
  world.set_up = false;
  return {.name = name,
          .group = DeedGroup::upkeep,
          .world = world,
          .act = set_up,
          .again =
              [](FaultWorld& now) {
                (void)set_up(now);
                return run_again(now);
              },
          .done_sql = kSetUp};
}

DeedEnd vacuum(FaultWorld& world) {
  world.at_desk("alice", [](const Desk& desk) { (void)vacuum_database(desk); });
  return {.done = true, .message = {}};
}

Deed vacuum_deed(const std::string& name, const FaultWorldOptions& world) {
  return {.name = name,
          .group = DeedGroup::upkeep,
          .world = world,
          .act = vacuum,
          .again =
              [](FaultWorld& now) {
                (void)vacuum(now);
                return run_again(now);
              },
          .done_sql = {}};
}

}  // namespace

std::vector<Deed> all_deeds() {
  return {
      run_deed("run", {.earlier_run = true}),
      run_deed("run, rollback journal", {.wal = false, .earlier_run = true}),
      run_deed("first run, guards", {.guards = true}),
      run_deed("run, archive", {.archive = true, .earlier_run = true}),
      run_deed("run, archive past its keep",
               {.archive = true, .archive_past_keep = true, .earlier_run = true}),
      run_deed("run, archive, rollback journal", {.wal = false, .archive = true}),
      run_deed("run, incremental vacuum", {.gives_back = true}),
      run_deed("run, erasure that is due",
               {.archive = true, .earlier_run = true, .erasure = true, .when_due = true}),
      read_ahead_deed(),
      erasure_deed("erasure", {.earlier_run = true}),
      erasure_deed("erasure, rollback journal", {.wal = false}),
      export_run_deed("run, copies made and destroyed", {.earlier_run = true}),
      export_run_deed("run, copies, rollback journal", {.wal = false}),
      export_deed("export made and fetched", {.earlier_run = true}),
      export_deed("export, rollback journal", {.wal = false}),
      erasure_with_a_copy_deed("erasure with a copy", {.earlier_run = true}),
      erasure_with_a_copy_deed("erasure with a copy, rollback journal", {.wal = false}),
      init_deed("init beside a log", {}),
      init_deed("init beside a log, rollback journal", {.wal = false}),
      init_deed("init with guards", {.guards = true}),
      vacuum_deed("vacuum", {.earlier_run = true}),
      vacuum_deed("vacuum, rollback journal", {.wal = false}),
  };
}

Deed deed_named(const std::string& name) {
  for (Deed& deed : all_deeds()) {
    if (deed.name == name) {
      return deed;
    }
  }
  throw std::logic_error("no deed is named " + name);
}

}  // namespace holdfast::testing
