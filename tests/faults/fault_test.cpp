// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "tests/faults/fault_trial.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

void check(const std::map<std::string, Toll>& tolls) {
  for (const auto& [name, toll] : tolls) {
    for (const std::string& problem : toll.problems) {
      UNSCOPED_INFO(problem);
    }
    CHECK(toll.bad() == 0);
  }
}

/// Strikes these deeds at every act, or the one of them that $HOLDFAST_DEED names.
void strike_each(const std::string& title, const std::set<DeedGroup>& groups) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet.
  const char* const only = std::getenv("HOLDFAST_DEED");
  std::map<std::string, Toll> all;
  for (const Deed& deed : all_deeds()) {
    if (!groups.contains(deed.group) || (only != nullptr && deed.name != only)) {
      continue;
    }
    FaultTrial trial(deed);
    for (const FaultLine& line : fault_lines()) {
      trial.strike_all(line);
    }
    print_table(deed.name, trial.tolls());
    for (const auto& [name, toll] : trial.tolls()) {
      all[name].add(toll);
    }
  }
  print_table(title, all);
  check(all);
}

}  // namespace

TEST_CASE("whatever fails during any deed, nothing is lost: a sample", "[.long][long][faults]") {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is no other thread yet.
  const char* const wanted = std::getenv("HOLDFAST_FAULTS");
  const std::int64_t points = wanted == nullptr ? 1 : std::stoll(wanted);
  Chance chance;
  std::map<std::string, Toll> all;
  for (const Deed& deed : all_deeds()) {
    if (deed.stride > 1) {
      continue;  // with large logs
    }
    FaultTrial trial(deed);
    for (const FaultLine& line : fault_lines()) {
      for (std::int64_t point = 0; trial.acts(line) > 0 && point < points; ++point) {
        const std::int64_t at_act = chance.between(1, trial.acts(line));
        (void)trial.strike(line, at_act, static_cast<std::uint64_t>(chance.between(0, 1 << 30)));
      }
    }
    for (const auto& [name, toll] : trial.tolls()) {
      all[name].add(toll);
    }
  }
  print_table("a sample", all);
  check(all);
}

TEST_CASE("rows are read ahead in the deed that is meant for it", "[faults]") {
  const FaultTrial trial(deed_named("run, rows read ahead"));
  CHECK(trial.acts_elsewhere() > 0);
}

TEST_CASE("whatever fails during a run, nothing is lost", "[.slow][slow][faults]") {
  strike_each("runs", {DeedGroup::run});
}

TEST_CASE("whatever fails during a run in a rollback journal, nothing is lost",
          "[.slow][slow][faults]") {
  strike_each("runs in a rollback journal", {DeedGroup::run_in_rollback});
}

TEST_CASE("whatever fails during an erasure, nothing is lost", "[.slow][slow][faults]") {
  strike_each("erasures", {DeedGroup::erasure});
}

TEST_CASE("whatever fails while copies are made, fetched or destroyed, nothing is lost",
          "[.slow][slow][faults]") {
  strike_each("exports", {DeedGroup::exports});
}

TEST_CASE("whatever fails during init or vacuum, nothing is lost", "[.slow][slow][faults]") {
  strike_each("init and vacuum", {DeedGroup::upkeep});
}
