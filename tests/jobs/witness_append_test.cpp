// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "jobs/cli/witness_file.h"
#include "jobs/job_error.h"
#include "jobs/witness.h"
#include "tests/jobs/job_world.h"

namespace holdfast::testing {
namespace {

namespace fs = std::filesystem;

/// Commits a note that is still to go into the file.
void note(Database& database) {
  in_write(database, [&database] {
    witness_note(database, {.at = kTonight, .kind = "approval", .body = {{"plan", "p"}}});
  });
}

}  // namespace

TEST_CASE("a witness that is as it was compared is not read line by line again", "[witness]") {
  JobWorld world;
  const auto database = world.open();
  const fs::path file = world.path().parent_path() / "witness";
  WitnessFile witness(file);
  witness.begin();
  note(*database);
  flush_witness(*database, witness);
  const WitnessComparison before = compare_witness(*database, witness);
  REQUIRE(before.state == WitnessState::in_step);
  CHECK(before.last_hash == before.lines.back().hash);
  const auto told = [&witness](const std::string& known) {
    WitnessText text;
    witness.append(known, [&text](WitnessText there) {
      text = std::move(there);
      return std::vector<std::string>{};
    });
    return text;
  };
  CHECK(told(before.fingerprint).as_before);
  CHECK(told("").lines.size() == 2);
  SECTION("what is lacking is appended all the same") {
    note(*database);
    flush_witness(*database, witness, before);
    CHECK(compare_witness(*database, witness).state == WitnessState::in_step);
    CHECK(told("").lines.size() == 3);
  }
  SECTION("a file that was changed since is read, and refused") {
    std::vector<std::string> lines = witness.read().lines;
    lines[1].replace(lines[1].find("approval"), 8, "approvel");
    std::ofstream(file, std::ios::binary | std::ios::trunc) << lines[0] << "\n" << lines[1] << "\n";
    CHECK_FALSE(told(before.fingerprint).as_before);
    note(*database);
    CHECK_THROWS_AS(flush_witness(*database, witness, before), JobError);
  }
  SECTION("a table that was rewritten since is refused") {
    WitnessComparison other = before;
    other.last_hash = std::string(64, 'f');
    note(*database);
    CHECK_THROWS_AS(flush_witness(*database, witness, other), JobError);
    CHECK(told("").lines.size() == 2);
  }
}

}  // namespace holdfast::testing
