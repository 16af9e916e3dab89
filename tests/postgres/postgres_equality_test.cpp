// SPDX-License-Identifier: Apache-2.0
// The same rows in SQLite and in PostgreSQL: the same facts, bytes, counts and decisions.
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "policy/time_text.h"
#include "postgres_log.h"
#include "storage/postgres/postgres_statement.h"
#include "tests/policy/decision_case.h"

using namespace holdfast;
using namespace holdfast::testing;

namespace {

constexpr const char* kSqlite =
    "CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, code TEXT, tenant TEXT,"
    " actor TEXT, subject TEXT, category TEXT, retain_until INTEGER, bytes BLOB, weight REAL);"
    "CREATE INDEX i ON log (code, at, tenant, category);";
constexpr const char* kPostgres =
    "CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at bigint, code text,"
    " tenant varchar(80), actor text, subject text, category text, retain_until bigint,"
    " bytes bytea, weight float8); CREATE INDEX ON log (code, at);";

LogMapping mapping_of(TimeFormat format) {
  return {.table = "log", .time = "at", .time_format = format};
}

/// One row's values, in the order of the table; what the views look into is kept beside them.
class RandomRow {
 public:
  explicit RandomRow(std::mt19937_64& chance, std::int64_t unit, std::int64_t id) : id_(id) {
    static const std::vector<std::string> kCodes{
        "ACCOUNT_PROFILE_UPDATE", "LOGIN", "no such code", "", "\xc3\xa9\xe2\x82\xac'\\\"{}"};
    static const std::vector<std::string> kNames{
        "acme", "ACME", "", "ann\xf0\x9f\x98\x80", "7", " x "};
    code_ = pick(chance, kCodes);
    tenant_ = pick(chance, kNames);
    actor_ = pick(chance, kNames);
    subject_ = pick(chance, kNames);
    category_ = pick(chance, {"account", "security", "none of ours"});
    for (int i = static_cast<int>(chance() % 6); i > 0; --i) {
      bytes_ += static_cast<char>(chance() % 256);
    }
    time_ = some_time(chance, unit);
    stamp_ = chance() % 3 == 0 ? some_time(chance, unit) : StoredView{};
    weight_ = chance() % 4 == 0 ? StoredView{}
                                : StoredView{std::ldexp(static_cast<double>(chance()), -70)};
  }

  [[nodiscard]] std::vector<StoredView> values() const {
    return {id_,
            time_,
            view(code_),
            view(tenant_),
            view(actor_),
            view(subject_),
            view(category_),
            stamp_,
            BlobView{bytes_},
            weight_};
  }

 private:
  static std::optional<std::string> pick(std::mt19937_64& chance,
                                         const std::vector<std::string>& from) {
    const std::size_t which = chance() % (from.size() + 1);
    return which == from.size() ? std::nullopt : std::optional{from[which]};
  }
  static StoredView view(const std::optional<std::string>& text) {
    return text ? StoredView{std::string_view{*text}} : StoredView{};
  }
  static StoredView some_time(std::mt19937_64& chance, std::int64_t unit) {
    switch (chance() % 8) {
      case 0:
        return {};
      case 1:
        return static_cast<std::int64_t>(chance());
      case 2:
        return std::int64_t{INT64_MIN};
      case 3:
        return to_unix_ms(kCalendarEnd) / 1000 * unit - 1 + static_cast<std::int64_t>(chance() % 3);
      default:  // from 2015 to 2030
        return static_cast<std::int64_t>(1'420'000'000 + chance() % 473'000'000) * unit +
               static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(unit));
    }
  }

  std::int64_t id_;
  std::optional<std::string> code_;
  std::optional<std::string> tenant_;
  std::optional<std::string> actor_;
  std::optional<std::string> subject_;
  std::optional<std::string> category_;
  std::string bytes_;
  StoredView time_;
  StoredView stamp_;
  StoredView weight_;
};

void fill(ScratchLog& sqlite, PostgresScratchLog& postgres, std::uint64_t seed, std::int64_t unit) {
  std::mt19937_64 chance{seed};
  Statement here{sqlite.connection().db(), "INSERT INTO log VALUES (?,?,?,?,?,?,?,?,?,?)"};
  PostgresStatement there{postgres.connection(),
                          "INSERT INTO log OVERRIDING SYSTEM VALUE VALUES "
                          "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)"};
  PostgresWriteScope write = postgres.write();
  for (std::int64_t id = 1; id <= 400; ++id) {
    const RandomRow row{chance, unit, id * 3};
    int index = 1;
    const StatementUse use{here};
    for (const StoredView& value : row.values()) {
      here.bind(index, value);
      there.bind(index++, value);
    }
    (void)here.step();
    (void)there.run();
  }
  write.commit();
}

/// Everything that was read of a row, as one line, by its key.
std::map<std::string, std::string> facts_of(AuditLog& log) {
  std::map<std::string, std::string> rows;
  for (const SeenRow& row : scan(log)) {
    std::string& line = rows[row.key.display()];
    line = row.time + "|" + row.retain_until;
    for (const auto& text : {row.code, row.tenant, row.actor, row.subject, row.stored_category}) {
      line += "|" + text.value_or("NULL");
    }
  }
  return rows;
}

/// The reason of each row under a policy that keeps two categories for a while, with one hold.
std::map<std::string, std::string> decisions(AuditLog& log, TimeFormat format) {
  DecisionCase each;
  each.policy.retention.category["security"] = keep_for("90 days");
  const RuleBook book{each.policy, each.frame.clock.as_of};
  const std::vector<LegalHold> matters{hold(1, {.tenants = {"acme"}, .actors = {"7"}})};
  const HoldIndex holds{matters};
  each.frame.time_format = format;
  each.frame.policy = &book;
  each.frame.holds = &holds;
  std::map<std::string, std::string> reasons;
  log.scan_all({}, std::chrono::milliseconds{50}, [&](const RowFacts& facts) {
    reasons[facts.key->display()] = std::string{to_token(decide(facts, each.frame).reason)};
  });
  return reasons;
}

std::string spans(AuditLog& log, const CandidateRange& range) {
  std::string text = "none";
  log.find_span(range, {}, [&](const TimeSpan& span) {
    text = to_display(span.first) + " " + to_display(span.last);
  });
  return text;
}

}  // namespace

TEST_CASE("the same rows are the same in both databases", "[equality]") {
  const auto [format, unit] = GENERATE(table<TimeFormat, std::int64_t>(
      {{TimeFormat::unix_ms, 1000}, {TimeFormat::unix_s, 1}, {TimeFormat::unix_us, 1'000'000}}));
  const std::uint64_t seed = GENERATE(11U, 12U);
  CAPTURE(seed, unit);
  ScratchLog sqlite{kSqlite};
  PostgresScratchLog postgres{kPostgres};
  fill(sqlite, postgres, seed, unit);
  const auto here = sqlite.open(mapping_of(format));
  const auto there = postgres.open(mapping_of(format));

  REQUIRE(there->shape().code_time_index);
  CHECK(there->shape().ordered_keys);
  CHECK(there->count_rows({}) == 400);
  CHECK(there->count_rows(300) == here->count_rows(300));
  CHECK(there->count_rows_between(17, 300) == 95);
  CHECK(here->count_rows_between(17, 300) == 95);
  CHECK(there->highest_key() == here->highest_key());
  CHECK(there->lowest_key() == here->lowest_key());
  CHECK(facts_of(*there) == facts_of(*here));
  CHECK(contents(*there) == contents(*here));
  CHECK(groups(*there) == groups(*here));
  CHECK(groups(*there, 301) == groups(*here, 301));
  CHECK(days(*there) == days(*here));
  CHECK(days(*there, 301) == days(*here, 301));
  CHECK(decisions(*there, format) == decisions(*here, format));

  const Instant below = at("2021-05-06T07:08:09.123Z");
  for (const Instant above : {at("2025-01-01T00:00:00Z"), at("2020-01-01T00:00:00Z")}) {
    CHECK(candidate_keys(*there, below, above) == candidate_keys(*here, below, above));
  }
  CHECK(candidate_keys(*there, kBeginningOfTime, kEndOfTime) ==
        candidate_keys(*here, kBeginningOfTime, kEndOfTime));
  const CandidateRange range{
      .stored_code = std::string_view{"LOGIN"}, .below = below, .above = at("2025-01-01")};
  CHECK(spans(*there, range) == spans(*here, range));
}
