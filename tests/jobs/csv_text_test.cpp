// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/csv_text.h"

#include <string>

#include <catch2/catch.hpp>

using namespace holdfast;
using nlohmann::json;

TEST_CASE("a cell that a spreadsheet would run gets a quote in front", "[csv]") {
  CHECK(csv_text("=cmd|' /C calc'!A0") == "\"'=cmd|' /C calc'!A0\"");
  CHECK(csv_text("+1") == "\"'+1\"");
  CHECK(csv_text("-1") == "\"'-1\"");
  CHECK(csv_text("@SUM(A1)") == "\"'@SUM(A1)\"");
  CHECK(csv_text("\t=1") == "\"'\t=1\"");
  CHECK(csv_text("\r=1") == "\"'\r=1\"");
  CHECK(csv_text("\n=1") == "\"'\n=1\"");
  CHECK(csv_text("a=1") == "a=1");
}

TEST_CASE("cells are quoted after RFC 4180", "[csv]") {
  CHECK(csv_text("plain") == "plain");
  CHECK(csv_text("").append("|") == "\"\"|");
  CHECK(csv_text("a,b") == "\"a,b\"");
  CHECK(csv_text("say \"yes\"") == "\"say \"\"yes\"\"\"");
  CHECK(csv_text("two\r\nlines") == "\"two\r\nlines\"");
  CHECK(csv_text("\xFF") == "\\xff");
}

TEST_CASE("numbers are no formulas, null is empty, and lists are JSON", "[csv]") {
  CsvTable table({"a", "b", "c", "d"});
  table.add({{"a", -5}, {"b", nullptr}, {"c", json::array({"x", 1})}});
  CHECK(table.text() == "a,b,c,d\r\n-5,,\"[\"\"x\"\",1]\",\r\n");
}

TEST_CASE("a run has one line per tenant and category, and every reason is a column", "[csv]") {
  const json record = {
      {"run_id", 12},
      {"outcome", "completed"},
      {"categories",
       {{{"tenant", nullptr},
         {"category", "account"},
         {"examined", 5},
         {"deleted", 2},
         {"kept", {{"hold", 3}}}},
        {{"tenant", "=1"}, {"category", nullptr}, {"examined", 0}, {"deleted", 0}}}}};
  CHECK(csv_report(record) ==
        "run_id,outcome,as_of,tenant,category,window,disposition_cutoff,examined,deleted,"
        "kept_bad_time,kept_unknown_code,kept_no_policy,kept_window,kept_hold,"
        "kept_hold_grace,kept_row_stamp,kept_floor,kept_code_floor,kept_policy_delay,"
        "kept_not_consumed,kept_not_archived,kept_newest_id,kept_limit,kept_not_reached,"
        "oldest_kept,newest_deleted,run_hash\r\n"
        "12,completed,,,account,,,5,2,0,0,0,0,3,0,0,0,0,0,0,0,0,0,0,,,\r\n"
        "12,completed,,\"'=1\",,,,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,,,\r\n");
}
