// SPDX-License-Identifier: Apache-2.0
#include "jobs/category_lines.h"

#include <random>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "jobs/run_record.h"

using namespace holdfast;

namespace {

/// Any line: hostile texts, absent values, counts that no double holds.
CategoryLine any_line(std::mt19937_64& chance) {
  const auto text = [&] {
    std::string bytes;
    for (auto left = chance() % 6; left > 0; --left) {
      bytes += static_cast<char>(chance() % 256);
    }
    return bytes;
  };
  const auto time = [&] {
    return chance() % 3 == 0 ? std::nullopt
                             : std::optional{from_unix_ms(
                                   static_cast<std::int64_t>(chance() % 4'000'000'000'000))};
  };
  CategoryLine line;
  if (chance() % 3 != 0) {
    line.place.tenant = text();
  }
  line.place.category = chance() % 3 == 0 ? "" : "account-security";
  line.window = chance() % 3 == 0 ? "" : "13 months";
  line.cutoff = chance() % 4 == 0 ? std::optional{kBeginningOfTime} : time();
  line.oldest_kept = time();
  line.newest_deleted = time();
  for (const Reason reason : kAllReasons) {
    if (chance() % 3 == 0) {
      line.counts[reason] = static_cast<std::int64_t>(chance() >> (6 + chance() % 57));
    }
  }
  return line;
}

}  // namespace

TEST_CASE("a line that is written at once is the one that is made of values", "[record]") {
  std::mt19937_64 chance{20261129};
  for (int i = 0; i < 2000; ++i) {
    const CategoryLine line = any_line(chance);
    RecordList of_values;
    of_values.add(category_line(line));
    RecordList of_text;
    of_text.add_text(category_line_text(line));
    REQUIRE(std::move(of_text).finish() == std::move(of_values).finish());
  }
}
