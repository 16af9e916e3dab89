// SPDX-License-Identifier: Apache-2.0
// The guards ask about holds in SQL what the rules ask in covers(): both have to say the same.
#include <random>

#include <catch2/catch.hpp>

#include "tests/storage/guarded_log.h"

using namespace holdfast;
using namespace holdfast::testing;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint32_t kSeed = 20261128;

using Chance = std::mt19937;

std::size_t below(Chance& chance, std::size_t count) {
  return std::uniform_int_distribution<std::size_t>(0, count - 1)(chance);
}

std::vector<std::string> some_of(Chance& chance, const std::vector<std::string>& words) {
  std::vector<std::string> some;
  for (std::size_t left = below(chance, 4) == 0 ? 1 + below(chance, 2) : 0; left > 0; --left) {
    some.push_back(words[below(chance, words.size())]);
  }
  return some;
}

std::optional<Instant> some_time(Chance& chance) {
  return below(chance, 4) == 0
             ? std::optional{kLongAgo + std::chrono::milliseconds{below(chance, 3)}}
             : std::nullopt;
}

HoldScope random_scope(Chance& chance) {
  const std::vector<std::string> people = {"ann", "bea", "7", ""};
  HoldScope scope{.tenants = some_of(chance, {"acme", "globex", "7"}),
                  .persons = some_of(chance, people),
                  .actors = some_of(chance, people),
                  .subjects = some_of(chance, people),
                  .categories = some_of(chance, {"account", "Account", "mfa"}),
                  .codes = some_of(chance, {"C", "ALIAS", "X"}),
                  .event_ids = some_of(chance, {"1", "2", "3", "17"}),
                  .from = some_time(chance),
                  .until = some_time(chance)};
  if (!scope.categories.empty()) {
    scope.category_codes = some_of(chance, {"C", "D"});
  }
  if (scope.from && scope.until && !(*scope.from < *scope.until)) {
    scope.until.reset();
  }
  scope.everything = scope == HoldScope{};
  return scope;
}

/// A value as somebody types it into an INSERT, and the text that the rules read in it.
struct Typed {
  const char* sql;
  std::optional<std::string_view> text;
};

struct TypedRow {
  Typed code;
  Typed tenant;
  Typed actor;
  Typed subject;
  std::int64_t after_ms;
};

std::vector<TypedRow> random_rows(Chance& chance, std::size_t count) {
  const std::vector<Typed> names = {
      {"'ann'", "ann"}, {"'bea'", "bea"}, {"7", "7"}, {"''", ""}, {"NULL", std::nullopt}};
  const std::vector<Typed> tenants = {{"'acme'", "acme"}, {"7", "7"}, {"NULL", std::nullopt}};
  const std::vector<Typed> codes = {{"'C'", "C"}, {"'ALIAS'", "ALIAS"}, {"'X'", "X"}, {"'D'", "D"}};
  std::vector<TypedRow> rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back({.code = codes[below(chance, codes.size())],
                    .tenant = tenants[below(chance, tenants.size())],
                    .actor = names[below(chance, names.size())],
                    .subject = names[below(chance, names.size())],
                    .after_ms = static_cast<std::int64_t>(below(chance, 3))});
  }
  return rows;
}

bool covers_row(const HoldScope& scope, const TypedRow& row, std::int64_t id) {
  const RowKey key = RowKey::integer(id);
  RowFacts facts;
  facts.key = &key;
  facts.code = row.code.text;
  facts.tenant = row.tenant.text;
  facts.actor = row.actor.text;
  facts.subject = row.subject.text;
  const bool known = *row.code.text == "C" || *row.code.text == "ALIAS";
  return covers(scope,
                {.row = &facts,
                 .time = kLongAgo + std::chrono::milliseconds{row.after_ms},
                 .category = known ? "account" : "",
                 .category_name = known ? "Account" : "",
                 .known_code = known ? "C" : ""});
}

}  // namespace

TEST_CASE("the guards find a hold over a row exactly where the rules do", "[.long][long][guard]") {
  Chance chance(kSeed);
  GuardedLog log(
      "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, at, type, tenant, actor, subject)",
      {.table = "event", .time = "at", .code = "type"});
  log.tell();
  const auto rows = random_rows(chance, 40);
  for (const TypedRow& row : rows) {
    log.run("INSERT INTO event (at, type, tenant, actor, subject) VALUES (" +
            std::to_string(to_unix_ms(kLongAgo) + row.after_ms) + ", " + row.code.sql + ", " +
            row.tenant.sql + ", " + row.actor.sql + ", " + row.subject.sql + ")");
  }
  std::int64_t held = 0;
  std::int64_t wrong = 0;
  for (int round = 0; round < 60; ++round) {
    const HoldScope scope = random_scope(chance);
    std::int64_t id = 0;
    in_write(log.database(), [&] {
      id = log.database().holds().place({.matter = "M", .scope = scope, .placed_at = kLongAgo});
    });
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto key = static_cast<std::int64_t>(i + 1);
      const std::string answer =
          log.refusal("BEGIN; DELETE FROM event WHERE id = " + std::to_string(key) + "; ROLLBACK");
      const bool guarded = answer.find("is held, matter M") != std::string::npos;
      const bool covered = covers_row(scope, rows[i], key);
      held += covered ? 1 : 0;
      wrong += guarded != covered ? 1 : 0;
    }
    in_write(log.database(), [&] {
      CHECK(log.database().holds().release(id, {.who = "a", .at = kLongAgo, .reason = "r"}));
    });
  }
  CHECK(held > 100);
  CHECK(wrong == 0);
}

TEST_CASE("a hold that the rules cannot read guards every row", "[guard]") {
  GuardedLog log;
  log.run("INSERT INTO audit_events (occurred_at, code) VALUES (" + ms(kLongAgo) + ", 'C')");
  log.tell();
  const std::string hold =
      "INSERT INTO holdfast_hold (matter, reason, basis, kind, locked, everything, from_ms, "
      "until_ms, placed_by, placed_at_ms) VALUES ('M', '', '', 'legal', 0, 0, ";
  const std::string sql = GENERATE_COPY(
      hold + "NULL, NULL, 'crm', 1)",
      hold + "9, 9, 'crm', 1)",
      hold + "NULL, NULL, 'crm', 1); INSERT INTO holdfast_hold_term VALUES (1, 'colour', 'red')");
  log.run(sql);
  CHECK_THAT(log.refusal("DELETE FROM audit_events"), Contains("matter M (hold 1)"));
}

TEST_CASE("a kind of term that the log cannot answer widens the hold", "[guard]") {
  GuardedLog log(
      "CREATE TABLE event (uuid TEXT NOT NULL PRIMARY KEY, at INTEGER, type TEXT);"
      "INSERT INTO event VALUES ('a', 1577836800000, 'C')",
      {.table = "event", .id = {"uuid"}, .time = "at", .code = "type"});
  log.tell();
  in_write(log.database(), [&] {
    log.database().holds().place(
        {.matter = "M", .scope = {.tenants = {"acme"}, .persons = {"ann"}}});
  });
  CHECK_THAT(log.refusal("DELETE FROM event"), Contains("matter M (hold 1)"));
}
