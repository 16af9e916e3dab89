// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "jobs/cli/log_format.h"
#include "jobs/cli/progress_line.h"
#include "jobs/cli/text_table.h"

using namespace holdfast;
using namespace std::chrono_literals;

TEST_CASE("a table is as wide as it has to be, or no wider than it may", "[terminal]") {
  TextTable table({"category", "rows", "kept and why"});
  table.add({"account", "1234567", "hold 12, window 34, row_stamp 56"});
  table.add({"m\u00fcller", "1", "-"});
  CHECK(table.text(0) ==
        "category  rows     kept and why\n"
        "account   1234567  hold 12, window 34, row_stamp 56\n"
        "m\u00fcller          1  -\n");
  CHECK(table.text(60) == table.text(0));
  CHECK(table.text(36) ==
        "category  rows     kept and why\n"
        "account   1234567  hold 12, window\n"
        "                   34, row_stamp 56\n"
        "m\u00fcller          1  -\n");
}

TEST_CASE("what cannot be broken at a space is broken anywhere, but no character is",
          "[terminal]") {
  TextTable table({"name"});
  std::string name;
  for (int count = 0; count < 15; ++count) {
    name += "\u00e9";
  }
  table.add({name});
  CHECK(table.text(12) == "name\n" + name.substr(0, 24) + "\n" + name.substr(24) + "\n");
  // Nothing gets narrower than 12, however small the terminal is.
  CHECK(table.text(3) == table.text(12));
}

TEST_CASE("progress tells rate and time left once they are no guess", "[terminal]") {
  const Progress half{.phase = "deleting", .done = 6'000, .total = 10'000};
  CHECK(progress_line(half, {.done_before = 1'000, .since = 900ms}, 0) ==
        "deleting 6000 of 10000 rows (60 %)");
  CHECK(progress_line(half, {.done_before = 1'000, .since = 5s}, 0) ==
        "deleting 6000 of 10000 rows (60 %), 1000 rows/s, 5 s left");
  CHECK(progress_line({.phase = "deleting", .done = 10, .total = 100'000},
                      {.done_before = 0, .since = 10s},
                      0) == "deleting 10 of 100000 rows (0 %), 1 rows/s, 27 h 46 min left");
  CHECK(progress_line({.phase = "planning", .done = 100}, {.since = 2s}, 0) ==
        "planning 100 rows, 50 rows/s");
  CHECK(progress_line(half, {.done_before = 1'000, .since = 5s}, 21) == "deleting 6000 of 100");
}

TEST_CASE("a line of the log as JSON", "[log]") {
  CHECK(json_log_line("T", "info", "run=1 phase=policy lock_ms=-3") ==
        R"({"level":"info","lock_ms":-3,"message":"run=1 phase=policy lock_ms=-3",)"
        R"("phase":"policy","run":1,"time":"T"})");
  CHECK(json_log_line("", "warning", "clock_clamped: it says a=b") ==
        R"({"event":"clock_clamped","level":"warning","message":"clock_clamped: it says a=b"})");
  // Nothing that a message says passes for the level, the time or the message.
  CHECK(json_log_line("T", "info", "level=x time=y message=z") ==
        R"({"level":"info","message":"level=x time=y message=z","time":"T"})");
  CHECK(json_log_line("", "info", "time=y") == R"({"level":"info","message":"time=y"})");
  CHECK(json_log_line("", "info", "") == R"({"level":"info","message":""})");
}
