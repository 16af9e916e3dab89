// SPDX-License-Identifier: Apache-2.0
#include "jobs/json_text.h"

#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/cli/json_lines.h"
#include "tests/policy/policy_builders.h"

using namespace holdfast;
using namespace holdfast::testing;
using namespace std::string_view_literals;

TEST_CASE("text that is UTF-8 stays as it is", "[json]") {
  for (const std::string_view text : {""sv,
                                      "plain"sv,
                                      "a\0b"sv,
                                      "\x7F"sv,
                                      "\xC2\x80"sv,
                                      "\xDF\xBF"sv,
                                      "\xE0\xA0\x80"sv,
                                      "\xED\x9F\xBF"sv,
                                      "\xEE\x80\x80"sv,
                                      "\xEF\xBF\xBF"sv,
                                      "\xF0\x90\x80\x80"sv,
                                      "\xF4\x8F\xBF\xBF"sv,
                                      "Zo\xC3\xAB \xE2\x82\xAC \xF0\x9F\x92\xBE"sv}) {
    CAPTURE(text);
    CHECK(utf8_text(text) == text);
  }
}

TEST_CASE("bytes that are no UTF-8 are spelt out one by one", "[json]") {
  struct Line {
    const char* what;
    std::string_view bytes;
    const char* text;
  };
  for (const Line& line : std::vector<Line>{
           {"a continuation alone", "a\x80z", "a\\x80z"},
           {"the last continuation", "\xBF", "\\xbf"},
           {"a lead alone", "\xC3", "\\xc3"},
           {"a lead before a letter", "\xC3z", "\\xc3z"},
           {"two leads", "\xC3\xC3\xAB", "\\xc3\xC3\xAB"},
           {"overlong /", "\xC0\xAF", "\\xc0\\xaf"},
           {"overlong in two, C1", "\xC1\xBF", "\\xc1\\xbf"},
           {"overlong in three", "\xE0\x9F\xBF", "\\xe0\\x9f\\xbf"},
           {"overlong in four", "\xF0\x8F\xBF\xBF", "\\xf0\\x8f\\xbf\\xbf"},
           {"the first surrogate", "\xED\xA0\x80", "\\xed\\xa0\\x80"},
           {"the last surrogate", "\xED\xBF\xBF", "\\xed\\xbf\\xbf"},
           {"beyond the last character", "\xF4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
           {"F5", "\xF5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},
           {"FE and FF", "\xFE\xFF", "\\xfe\\xff"},
           {"three cut to two", "\xE2\x82", "\\xe2\\x82"},
           {"three broken at the third", "\xE2\x82z", "\\xe2\\x82z"},
           {"four cut to three", "\xF0\x9F\x92", "\\xf0\\x9f\\x92"},
           {"four broken at the fourth", "\xF0\x9F\x92z", "\\xf0\\x9f\\x92z"},
           {"broken, then good", "\xE2\xC3\xAB", "\\xe2\xC3\xAB"},
           {"Latin-1", "Zo\xEB", "Zo\\xeb"},
       }) {
    CAPTURE(line.what);
    CHECK(utf8_text(line.bytes) == line.text);
    CHECK_NOTHROW(compact(utf8_text(line.bytes)));
  }
}

TEST_CASE("no bytes whatever can stop a report", "[json]") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      std::string bytes{static_cast<char>(static_cast<unsigned char>(first)),
                        static_cast<char>(static_cast<unsigned char>(second))};
      if (compact(json_or_null(bytes)).empty() || compact(json_or_null(bytes + "\x80")).empty()) {
        FAIL("bytes " << first << " " << second);
      }
    }
  }
  Chance chance;
  for (int i = 0; i < 5000; ++i) {
    std::string bytes;
    for (std::int64_t length = chance.between(0, 9); length > 0; --length) {
      bytes += static_cast<char>(static_cast<unsigned char>(chance.between(0x70, 0xFF)));
    }
    if (utf8_text(utf8_text(bytes)) != utf8_text(bytes)) {
      FAIL("what was spelt out once is spelt out again");
    }
  }
  SUCCEED("all were written");
}

TEST_CASE("a tally has a line for each place and reason, and data is never a key", "[json]") {
  Tally tally;
  tally.add("a\xFF", "account", Reason::expired, 2);
  tally.add(std::nullopt, "", Reason::unknown_code);
  tally.mention("acme", "mfa");
  CHECK(slice_tally(tally, {}) ==
        R"([{"category":"","reason":"unknown_code","rows":1,"tenant":null},)"
        R"({"category":"account","reason":"expired","rows":2,"tenant":"a\\xff"}])");
  CHECK(slice_tally(tally, {{"notes", 3}, {"empty", 0}}) ==
        R"([{"category":"","reason":"unknown_code","rows":1,"tenant":null},)"
        R"({"category":"account","reason":"expired","rows":2,"tenant":"a\\xff"},)"
        R"({"reason":"with_parent","rows":3,"table":"notes"}])");
  CHECK(slice_tally(Tally{}, {}) == "[]");
}

TEST_CASE("whatever a tenant is called, the tally of a slice is compact JSON", "[json]") {
  Tally tally;
  for (int letter = 0; letter < 256; ++letter) {
    const char byte = static_cast<char>(letter);
    tally.add(std::string{byte}, "account", Reason::expired);
    tally.add("a" + std::string{byte} + "\xC3\xA4\"", "account", Reason::hold, letter + 1);
  }
  const std::string text = slice_tally(tally, {{"a \"table\"", 1}});
  const auto lines = nlohmann::json::parse(text);
  CHECK(compact(lines) == text);
  CHECK(lines.size() == 513);
}

TEST_CASE("kept rows are listed by reason, with zeros or without", "[json]") {
  ReasonCounts counts;
  counts[Reason::hold] = 2;
  counts[Reason::expired] = 7;
  CHECK(compact(kept_json(counts, Zeros::left_out)) == R"({"hold":2})");
  const auto all = kept_json(counts, Zeros::shown);
  CHECK(all.size() == kReasons - 1);
  CHECK(all.at("hold") == 2);
  CHECK(all.at("bad_time") == 0);
  CHECK_FALSE(all.contains("expired"));
}

TEST_CASE("instants and absent values", "[json]") {
  CHECK(json_time(at("2026-11-23")) == "2026-11-23T00:00:00Z");
  CHECK(json_time(std::nullopt).is_null());
  CHECK(json_or_null(std::nullopt).is_null());
  CHECK(json_or_null(std::string{}) == "");
}

TEST_CASE("text for a terminal has no control characters", "[json]") {
  CHECK(one_line("plain \xC3\xA9") == "plain \xC3\xA9");
  CHECK(one_line("a\nb\t\x1b[31m\x7f") == "a\\x0ab\\x09\\x1b[31m\\x7f");
  CHECK(one_line("\xC2\x9B"
                 "31m\xC2\xA0") == "\\xc2\\x9b31m\xC2\xA0");
  CHECK(one_line("\xFF\xC2") == "\\xff\\xc2");
  CHECK(plain_lines("one\ntwo\x1b\n") == "one\ntwo\\x1b\n");
}

TEST_CASE("a whole number is read as it is written or not at all", "[json]") {
  const auto number = [](const char* text) {
    return whole_number(nlohmann::json::parse(text));
  };
  CHECK(number("0") == 0);
  CHECK(number("-9223372036854775808") == INT64_MIN);
  CHECK(number("9223372036854775807") == INT64_MAX);
  for (const char* const text :
       {"9223372036854775808", "1e300", "0.5", "1.0", "true", "null", "\"7\"", "[7]"}) {
    INFO(text);
    CHECK_THROWS_AS(number(text), nlohmann::json::exception);
  }
}

TEST_CASE("text of JSON is indented as the library would", "[json]") {
  const nlohmann::json value = {{"empty", nlohmann::json::object()},
                                {"none", nlohmann::json::array()},
                                {"list", {1, -2, nullptr, true, {{"deep", {{"deeper", {"x"}}}}}}},
                                {"odd", "a \"quoted, [text]: {with} \\ a back-slash\\\n"},
                                {"", ""}};
  for (const nlohmann::json& each : {value, nlohmann::json("\\"), nlohmann::json(7)}) {
    std::ostringstream out;
    write_indented(compact(each), out);
    CHECK(out.str() == each.dump(2));
  }
}
