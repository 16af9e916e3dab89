// SPDX-License-Identifier: Apache-2.0
#include "jobs/witness_line.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/digest.h"
#include "tests/jobs/job_world.h"

namespace holdfast::testing {

using Catch::Contains;

TEST_CASE("a line is canonical JSON with the hash of the rest and of the line before",
          "[witness]") {
  const WitnessLine first = next_witness_line(
      std::nullopt,
      {.at = at("2026-11-23T03:00:00Z"), .kind = "clock", .body = {{"b", 1}, {"a", "x"}}});
  const std::string open = R"({"at":"2026-11-23T03:00:00Z","body":{"a":"x","b":1},)";
  const std::string rest =
      R"("kind":"clock","previous":")" + std::string(64, '0') + R"(","seq":1})";
  CHECK(first.hash == sha256_hex(open + rest));
  CHECK(first.line == open + R"("hash":")" + first.hash + "\"," + rest);
  const WitnessLine second =
      next_witness_line(first, {.at = kTonight, .kind = "run", .body = {{"run_id", 1}}});
  CHECK(second.seq == 2);
  CHECK_THAT(second.line, Contains(R"("previous":")" + first.hash + '"'));
  CHECK(read_witness_chain({first.line, second.line}).lines.size() == 2);
}

TEST_CASE("a chain is read up to the first line that is wrong", "[witness]") {
  const WitnessLine one =
      next_witness_line(std::nullopt, {.at = kTonight, .kind = "clock", .body = {{"n", 1}}});
  const WitnessLine two =
      next_witness_line(one, {.at = kTonight, .kind = "run", .body = {{"n", 2}}});
  const WitnessLine other =
      next_witness_line(std::nullopt, {.at = kTonight, .kind = "clock", .body = {{"n", 9}}});
  std::string edited = two.line;
  edited.replace(edited.find("\"n\":2"), 5, "\"n\":3");
  struct Case {
    std::vector<std::string> lines;
    std::int64_t bad;
    std::string fault;
  };
  const std::vector<Case> cases = {
      {{one.line, edited}, 2, "its hash is not the one of what it says"},
      {{one.line, " " + two.line}, 2, "its hash is not the one of what it says"},
      {{other.line, two.line}, 2, "it does not follow the line before it"},
      {{two.line}, 1, "its number is 2 and not 1"},
      {{one.line, ""}, 2, "it is not a line as holdfast writes them"},
      {{one.line, std::string(100'000, '[')}, 2, "it is not a line as holdfast writes them"},
      {{one.line, two.line.substr(0, 40)}, 2, "it is not a line as holdfast writes them"}};
  for (const Case& tried : cases) {
    const WitnessChain chain = read_witness_chain(tried.lines);
    CHECK(chain.bad_line == tried.bad);
    CHECK(chain.fault == tried.fault);
    CHECK(chain.lines.size() == static_cast<std::size_t>(tried.bad - 1));
  }
}

TEST_CASE("a long chain is read in two halves, and its first wrong line is the one that counts",
          "[witness]") {
  constexpr std::size_t kLines = 5'000;
  constexpr std::size_t kHalf = kLines / 2;
  std::vector<std::string> lines;
  std::optional<WitnessLine> last;
  for (std::size_t n = 1; n <= kLines; ++n) {
    last = next_witness_line(last, {.at = kTonight, .kind = "clock", .body = {{"n", n}}});
    lines.push_back(last->line);
  }
  const WitnessChain whole = read_witness_chain(lines);
  CHECK(whole.bad_line == 0);
  REQUIRE(whole.lines.size() == kLines);
  CHECK(whole.lines[kHalf].line == lines[kHalf]);
  CHECK(whole.lines.back().hash == last->hash);
  const auto bad_after = [&lines](const std::set<std::size_t>& edited) {
    std::vector<std::string> wrong = lines;
    for (const std::size_t place : edited) {
      std::string& text = wrong[place];
      text.replace(text.find("\"n\":"), 4, "\"m\":");
    }
    const WitnessChain chain = read_witness_chain(std::move(wrong));
    CHECK(chain.lines.size() == static_cast<std::size_t>(chain.bad_line - 1));
    CHECK(chain.fault == "its hash is not the one of what it says");
    return static_cast<std::size_t>(chain.bad_line - 1);
  };
  for (const std::size_t place :
       {std::size_t{0}, kHalf - 2, kHalf - 1, kHalf, kHalf + 1, kLines - 1}) {
    CHECK(bad_after({place}) == place);
    CHECK(bad_after({place, kLines - 1}) == place);
    CHECK(bad_after({kHalf - 1, place}) == std::min(place, kHalf - 1));
  }
  // A line that is right by itself, in the place of the last one of the first half.
  std::vector<std::string> swapped = lines;
  const WitnessLine& before = whole.lines[kHalf - 2];
  swapped[kHalf - 1] =
      next_witness_line(before, {.at = kTonight, .kind = "clock", .body = {{"n", 0}}}).line;
  const WitnessChain chain = read_witness_chain(swapped);
  CHECK(chain.bad_line == static_cast<std::int64_t>(kHalf) + 1);
  CHECK(chain.fault == "it does not follow the line before it");
  swapped[kHalf - 1] = "no line";
  CHECK(read_witness_chain(swapped).bad_line == static_cast<std::int64_t>(kHalf));
}

}  // namespace holdfast::testing
