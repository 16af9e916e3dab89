// SPDX-License-Identifier: Apache-2.0
// Holds that are written at once are those that are made of values.

#include <random>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "jobs/hold_document.h"
#include "jobs/json_text.h"
#include "jobs/name_removal.h"
#include "jobs/record_groups.h"
#include "jobs/witness_hold.h"
#include "jobs/witness_line.h"

using namespace holdfast;

namespace {

/// Any hold: hostile texts, absent values, every kind of term.
class RandomHolds {
 public:
  LegalHold next() {
    LegalHold hold{.id = static_cast<std::int64_t>(chance_() >> (1 + chance_() % 62)),
                   .matter = text(),
                   .reason = text(),
                   .basis = text(),
                   .kind = coin() ? HoldKind::legal : HoldKind::regulatory,
                   .locked = coin()};
    hold.scope = {.tenants = words(),
                  .persons = words(),
                  .actors = words(),
                  .subjects = words(),
                  .categories = words(),
                  .category_codes = words(),
                  .codes = words(),
                  .event_ids = words(),
                  .from = time(),
                  .until = time(),
                  .everything = coin()};
    hold.placed_by = text();
    hold.placed_at = time().value_or(from_unix_ms(0));
    hold.review_by = time();
    hold.released_at = time();
    hold.released_by = text();
    hold.release_reason = text();
    return hold;
  }

  bool coin() { return chance_() % 2 == 0; }

 private:
  std::string text() {
    static const std::vector<std::string> kTricks = {
        R"(","hold":7,"kind":")", R"(\)", R"(,"body":{"deed":"x","hold":{"basis":)", "\xff", "ö"};
    std::string bytes = chance_() % 4 == 0 ? kTricks[chance_() % kTricks.size()] : "";
    for (auto left = chance_() % 6; left > 0; --left) {
      bytes += static_cast<char>(chance_() % (coin() ? 256 : 128));
    }
    return bytes;
  }
  std::vector<std::string> words() {
    std::vector<std::string> list(chance_() % 3);
    for (std::string& word : list) {
      word = text();
    }
    return list;
  }
  std::optional<Instant> time() {
    return chance_() % 3 == 0 ? std::nullopt
                              : std::optional{from_unix_ms(
                                    static_cast<std::int64_t>(chance_() % 4'000'000'000'000))};
  }

  std::mt19937_64 chance_{20261129};
};

WitnessLine line_about(const LegalHold& hold) {
  return next_witness_line(std::nullopt,
                           {.at = from_unix_ms(0),
                            .kind = "hold",
                            .body = {{"deed", "placed"}, {"hold", witnessed_hold(hold)}}});
}

}  // namespace

TEST_CASE("the line of a hold in a record is what the JSON library writes", "[hold_text]") {
  RandomHolds holds;
  for (int i = 0; i < 3000; ++i) {
    const LegalHold hold = holds.next();
    const auto rows = static_cast<std::int64_t>(holds.coin() ? i : hold.id);
    const Instant now = holds.coin() ? from_unix_ms(2'000'000'000'000) : from_unix_ms(0);
    const auto or_null = [](const std::optional<Instant>& time) {
      return time ? nlohmann::json(to_rfc3339(*time)) : nlohmann::json(nullptr);
    };
    const bool in_force = !hold.released_at || *hold.released_at < hold.placed_at;
    const bool over = in_force && hold.review_by && *hold.review_by < now;
    const nlohmann::json expected = {{"hold", exact_integer(hold.id)},
                                     {"matter", without_names(hold.matter, hold.scope)},
                                     {"kind", to_token(hold.kind)},
                                     {"basis", without_names(hold.basis, hold.scope)},
                                     {"locked", hold.locked},
                                     {"placed_by", utf8_text(hold.placed_by)},
                                     {"placed_at", to_rfc3339(hold.placed_at)},
                                     {"review_by", or_null(hold.review_by)},
                                     {"past_review", over},
                                     {"released_at", or_null(hold.released_at)},
                                     {"rows_kept", exact_integer(rows)}};
    REQUIRE(hold_line_text(hold, rows, now) == compact(expected));
  }
}

TEST_CASE("a hold that is written at once is the one that is made of values", "[hold]") {
  RandomHolds holds;
  for (int i = 0; i < 2000; ++i) {
    const LegalHold hold = holds.next();
    REQUIRE(hold_text(hold) == compact(hold_json(hold, HoldDetail::with_names)));
    REQUIRE(witnessed_hold_text(hold) == compact(witnessed_hold(hold)));
  }
}

TEST_CASE("a hold is found in its line, and only as it is there", "[hold][witness]") {
  RandomHolds holds;
  for (int i = 0; i < 2000; ++i) {
    const LegalHold hold = holds.next();
    const WitnessLine line = line_about(hold);
    const auto found = hold_in_line(line);
    REQUIRE(found);
    CHECK(found->id == hold.id);
    CHECK(found->is(hold));
    LegalHold other = hold;
    other.scope.subjects.emplace_back("x");
    CHECK_FALSE(found->is(other));
    other = hold;
    other.released_at = from_unix_ms(to_unix_ms(hold.released_at.value_or(from_unix_ms(5))) + 1);
    CHECK_FALSE(found->is(other));
    other = hold;
    other.basis += "x";
    CHECK_FALSE(found->is(other));
    // Whatever is wrong with the rest of a line is for those who read it whole.
    WitnessLine damaged = line;
    damaged.line.pop_back();
    CHECK_FALSE(hold_in_line(damaged)->is(hold));
    damaged.line += R"(,"body":{"deed":"placed","hold":{}}})";
    CHECK_FALSE(hold_in_line(damaged)->is(hold));
    damaged = line;
    damaged.line[damaged.line.size() - std::string_view{R"(0","seq":1})"}.size()] = 'x';
    CHECK_FALSE(hold_in_line(damaged)->is(hold));
    damaged = line;
    damaged.hash.front() = damaged.hash.front() == '0' ? '1' : '0';
    CHECK_FALSE(hold_in_line(damaged)->is(hold));
    damaged = line;
    damaged.seq = 2;
    CHECK_FALSE(hold_in_line(damaged)->is(hold));
    damaged = line;
    damaged.line.front() = '[';
    CHECK_FALSE(hold_in_line(damaged));
  }
  for (const char* text : {"",
                           "{}",
                           R"(,"body":{"deed":"met")",
                           R"(,"body":{"deed":"met","hold":{})",
                           R"(,"body":{"deed":"met","hold":{"basis":"","hold":x)"}) {
    CAPTURE(text);
    CHECK_FALSE(hold_in_line({.kind = "hold", .line = std::string(R"({"at":"")") + text}));
  }
}
