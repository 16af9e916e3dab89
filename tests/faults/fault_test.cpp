// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <iostream>

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

}  // namespace

TEST_CASE("a sample of what may fail during each deed loses nothing", "[faults]") {
  Chance chance;
  std::map<std::string, Toll> all;
  for (const Deed& deed : all_deeds()) {
    FaultTrial trial(deed);
    for (const FaultLine& line : fault_lines()) {
      if (trial.acts(line) > 0) {
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

TEST_CASE("whatever fails during a run, nothing is lost", "[.slow][slow][faults]") {
  const char* const wanted = std::getenv("HOLDFAST_DEED");
  for (const Deed& deed : all_deeds()) {
    if (wanted != nullptr && deed.name != wanted) {
      continue;
    }
    FaultTrial trial(deed);
    for (const FaultLine& line : fault_lines()) {
      std::int64_t at_act = 1;
      while (trial.strike(line, at_act, static_cast<std::uint64_t>(at_act))) {
        ++at_act;
      }
    }
    print_table(deed.name, trial.tolls());
    check(trial.tolls());
  }
}
