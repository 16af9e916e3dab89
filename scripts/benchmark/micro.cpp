// SPDX-License-Identifier: Apache-2.0
// The small steps that every row takes, each alone.

#include <array>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "policy/decision.h"
#include "policy/event_time.h"
#include "policy/legal_hold.h"
#include "policy/row_facts.h"
#include "policy/rule_book.h"

namespace {

using namespace holdfast;

constexpr std::string_view kCode = "ACCOUNT_PROFILE_UPDATE";
constexpr std::string_view kCategory = "account";
const Instant kNow = from_unix_ms(1'780'000'000'000);

/// One category with a window, and holds on people who are in no row.
struct World {
  explicit World(std::int64_t holds) {
    snapshot.categories = {std::string(kCategory)};
    snapshot.code_category[std::string(kCode)] = std::string(kCategory);
    snapshot.retention.category[std::string(kCategory)].window =
        RetentionWindow{.count = 90, .unit = WindowUnit::days};
    book.emplace(snapshot, kNow);
    std::vector<LegalHold> register_of;
    for (std::int64_t id = 1; id <= holds; ++id) {
      LegalHold hold;
      hold.id = id;
      hold.scope.persons = {"nobody-" + std::to_string(id)};
      register_of.push_back(hold);
    }
    index = HoldIndex(std::move(register_of));
    frame.policy = &*book;
    frame.holds = &index;
    frame.clock = {.system_now = kNow, .as_of = kNow};
    frame.time_format = TimeFormat::unix_ms;
  }
  PolicySnapshot snapshot;
  std::optional<RuleBook> book;
  HoldIndex index;
  DecisionFrame frame;
};

RowFacts old_row(const RowKey& key) {
  RowFacts row;
  row.key = &key;
  row.time = to_unix_ms(kNow - std::chrono::hours{24 * 120});
  row.code = kCode;
  row.tenant = "tenant-1";
  row.actor = "person-00017";
  row.subject = "subject-00042";
  return row;
}

void decide_a_row(benchmark::State& state) {
  const World world{state.range(0)};
  const RowKey key = RowKey::integer(7);
  const RowFacts row = old_row(key);
  for (auto _ : state) {
    benchmark::DoNotOptimize(decide(row, world.frame));
  }
}
BENCHMARK(decide_a_row)->Arg(0)->Arg(100)->Arg(10'000)->Arg(100'000);

void look_up_holds(benchmark::State& state) {
  const World world{state.range(0)};
  const RowKey key = RowKey::integer(7);
  const RowFacts row = old_row(key);
  const HoldCandidate candidate = as_hold_candidate(row, world.frame);
  for (auto _ : state) {
    bool found = false;
    world.index.for_each_match(candidate, [&found](const LegalHold&) {
      found = true;
      return false;
    });
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(look_up_holds)->Arg(100)->Arg(10'000)->Arg(100'000);

void read_a_time(benchmark::State& state) {
  const auto format = static_cast<TimeFormat>(state.range(0));
  const std::string text = "2026-05-28T20:26:40.123+02:00";
  const StoredView stored = to_unix_number(kNow, format) ? StoredView{to_unix_ms(kNow)}
                                               : StoredView{std::string_view{text}};
  state.SetLabel(std::string(to_token(format)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_event_time(stored, format));
  }
}
BENCHMARK(read_a_time)
    ->Arg(static_cast<int>(TimeFormat::unix_ms))
    ->Arg(static_cast<int>(TimeFormat::unix_real))
    ->Arg(static_cast<int>(TimeFormat::iso8601));

void write_canonical_bytes(benchmark::State& state) {
  const std::string payload(200, 'x');
  const std::array<StoredView, 9> row{std::int64_t{4711},
                                      to_unix_ms(kNow),
                                      std::string_view{"tenant-1"},
                                      kCode,
                                      std::string_view{"Info"},
                                      std::string_view{"person-00017"},
                                      std::string_view{"subject-00042"},
                                      StoredView{},
                                      std::string_view{payload}};
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    for (const StoredView& value : row) {
      append_canonical(bytes, value);
    }
    benchmark::DoNotOptimize(bytes.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(write_canonical_bytes);

}  // namespace
