// SPDX-License-Identifier: Apache-2.0
#include "jobs/between_runs.h"

#include <algorithm>
#include <string>
#include <vector>

#include "jobs/run_record.h"

namespace holdfast {
namespace {

using nlohmann::json;

std::int64_t up_to(const std::vector<RowKey>& keys, std::int64_t highest) {
  return std::count_if(keys.begin(), keys.end(), [highest](const RowKey& key) {
    return key.is_integer() && key.as_integer() <= highest;
  });
}

/// Rows that went with erasures since: a completion takes the run's lock, so none falls into a run
/// but those of its own, which have its clock.
std::int64_t erased_since(Database& database, Instant since, std::int64_t highest) {
  std::int64_t rows = 0;
  for (const ErasureRequest& request : database.erasures().all()) {
    if (request.state == ErasureState::completed && request.ended_at && *request.ended_at > since) {
      rows += up_to(database.erasures().deleted_keys(request.id), highest);
    }
  }
  for (const JournalEntry& entry : database.journal().since(0)) {
    if (entry.what == "erasure_reapplied" && entry.by.at > since) {
      const json detail = json::parse(entry.detail, nullptr, false);
      rows += detail.is_object() ? detail.value("deleted", std::int64_t{0}) : 0;
    }
  }
  return rows;
}

std::int64_t restored_since(Database& database, Instant since, std::int64_t highest) {
  std::int64_t rows = 0;
  database.restored_rows().for_each([&](const RestoredRow& row) {
    rows += row.at > since && up_to({row.key}, highest) == 1 ? 1 : 0;
  });
  return rows;
}

std::int64_t deleted_in(Database& database, std::int64_t run, std::int64_t highest) {
  std::int64_t rows = 0;
  for (const RunSlice& slice : database.ledger().slices(run)) {
    rows += up_to(database.ledger().slice_keys(run, slice.number), highest);
  }
  return rows;
}

/// The newest run that recorded a log state, and the runs after it that did not.
struct Reference {
  RunLine line;
  LogState state;
  std::vector<std::int64_t> later;
};

std::optional<Reference> find_reference(Database& database, std::int64_t before) {
  std::vector<std::int64_t> later;
  const auto newest = database.ledger().last();
  for (std::int64_t run = before > 0 ? before - 1 : (newest ? newest->id : 0); run > 0; --run) {
    auto line = database.ledger().find(run);
    if (!line) {
      return std::nullopt;
    }
    if (const auto state = line->closing ? log_state_in(line->closing->record) : std::nullopt) {
      return Reference{.line = *std::move(line), .state = *state, .later = std::move(later)};
    }
    later.push_back(run);
  }
  return std::nullopt;
}

}  // namespace

std::optional<BetweenRuns> compare_with_last_run(Database& database, std::int64_t run) {
  if (!database.audit_log().shape().ordered_keys) {
    return std::nullopt;
  }
  const auto reference = find_reference(database, run);
  if (!reference) {
    return std::nullopt;
  }
  const std::int64_t highest = reference->state.highest_key;
  const Instant since = reference->line.opening.opened_at;
  BetweenRuns between{.run = reference->line.id, .expected = reference->state.rows};
  between.expected -= erased_since(database, since, highest);
  between.expected += restored_since(database, since, highest);
  for (const std::int64_t later : reference->later) {
    between.expected -= deleted_in(database, later, highest);
  }
  between.found = database.audit_log().count_rows(highest);
  return between;
}

json between_runs_json(const std::optional<BetweenRuns>& between) {
  if (!between) {
    return nullptr;
  }
  return {{"run", between->run},
          {"expected", between->expected},
          {"found", between->found},
          {"vanished", between->vanished()},
          {"came_back", between->came_back()}};
}

json log_state_json(const std::optional<LogState>& state) {
  return state ? json{{"rows", state->rows}, {"highest_key", exact_integer(state->highest_key)}}
               : json(nullptr);
}

std::optional<LogState> log_state_in(const std::string& record) {
  const json parsed = json::parse(record, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("log_after") || !parsed["log_after"].is_object()) {
    return std::nullopt;
  }
  const json& state = parsed["log_after"];
  const json& key = state.at("highest_key");
  return LogState{.rows = state.at("rows").get<std::int64_t>(),
                  .highest_key = key.is_string() ? std::stoll(key.get<std::string>())
                                                 : key.get<std::int64_t>()};
}

}  // namespace holdfast
