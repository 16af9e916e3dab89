// SPDX-License-Identifier: Apache-2.0
#include "jobs/between_runs.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>
#include <vector>

#include "jobs/run_record.h"

namespace holdfast {
namespace {

using nlohmann::json;

std::optional<std::int64_t> integer_in(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional{number} : std::nullopt;
}

std::int64_t up_to(const std::vector<RowKey>& keys, std::int64_t highest) {
  return std::count_if(keys.begin(), keys.end(), [highest](const RowKey& key) {
    return key.is_integer() && key.as_integer() <= highest;
  });
}

/// The attempt with which a request was completed; 0 where it was not.
std::int64_t completing_attempt(Database& database, const ErasureRequest& request) {
  std::int64_t last = 0;
  if (request.state == ErasureState::completed) {
    for (const ErasureAttempt& attempt : database.erasures().attempts(request.id)) {
      last = std::max(last, attempt.outcome == "done" ? attempt.id : 0);
    }
  }
  return last;
}

/// Rows that went with a reapplied erasure.
std::int64_t reapplied(const JournalEntry& entry, std::int64_t highest) {
  std::int64_t rows = 0;
  const json detail = json::parse(entry.detail, nullptr, false);
  const json keys = detail.is_object() ? detail.value("deleted_keys", json::array()) : json();
  for (const json& key : keys.is_array() ? keys : json::array()) {
    const auto number = key.is_string() ? integer_in(key.get_ref<const std::string&>())
                                        : std::optional<std::int64_t>{};
    rows += number && *number <= highest ? 1 : 0;
  }
  return rows;
}

/// Rows that went with erasures since: told by the numbers of the registers, because a clock can be
/// set back.
std::int64_t erased_since(Database& database, const LogState& since) {
  std::int64_t rows = 0;
  for (const ErasureRequest& request : database.erasures().all()) {
    if (completing_attempt(database, request) > since.attempt) {
      rows += up_to(database.erasures().deleted_keys(request.id), since.highest_key);
    }
  }
  for (const JournalEntry& entry : database.journal().since(since.journal)) {
    rows += entry.what == "erasure_reapplied" ? reapplied(entry, since.highest_key) : 0;
  }
  return rows;
}

std::int64_t restored_since(Database& database, const LogState& since) {
  std::int64_t rows = 0;
  database.restored_rows().for_each([&](const RestoredRow& row) {
    rows += row.id > since.restored && up_to({row.key}, since.highest_key) == 1 ? 1 : 0;
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
  const LogShape& shape = database.audit_log().shape();
  if (!shape.ordered_keys) {
    return std::nullopt;
  }
  const auto reference = find_reference(database, run);
  if (!reference) {
    return std::nullopt;
  }
  const std::int64_t highest = reference->state.highest_key;
  BetweenRuns between{.run = reference->line.id,
                      .expected = reference->state.rows,
                      .rows_come_late = shape.rows_come_late};
  between.expected -= erased_since(database, reference->state);
  between.expected += restored_since(database, reference->state);
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
  json figures = {{"run", between->run},
                  {"expected", between->expected},
                  {"found", between->found},
                  {"vanished", between->vanished()},
                  {"came_back", between->came_back()}};
  if (between->rows_come_late) {
    figures["committed_late"] = between->committed_late();
  }
  return figures;
}

json log_state_json(const std::optional<LogState>& state) {
  return state ? json{{"rows", state->rows},
                      {"highest_key", exact_integer(state->highest_key)},
                      {"attempt", state->attempt},
                      {"journal", state->journal},
                      {"restored", state->restored}}
               : json(nullptr);
}

std::optional<LogState> log_state_in(const std::string& record) {
  // Its lists can be very long, and nothing of them is asked for here.
  const auto no_lists = [](int depth, json::parse_event_t event, const json& part) {
    return depth != 1 || event != json::parse_event_t::key ||
           (part != "holds" && part != "categories");
  };
  const json parsed = json::parse(record, no_lists, false);
  const json state = parsed.is_object() ? parsed.value("log_after", json(nullptr)) : json(nullptr);
  if (!state.is_object()) {
    return std::nullopt;
  }
  const auto figure = [&state](const char* name) -> std::optional<std::int64_t> {
    const json value = state.value(name, json(nullptr));
    if (value.is_string()) {
      return integer_in(value.get<std::string>());
    }
    return value.is_number_integer() ? std::optional{value.get<std::int64_t>()} : std::nullopt;
  };
  const auto rows = figure("rows");
  const auto highest = figure("highest_key");
  const auto attempt = figure("attempt");
  const auto journal = figure("journal");
  const auto restored = figure("restored");
  if (!rows || !highest || !attempt || !journal || !restored) {
    return std::nullopt;
  }
  return LogState{.rows = *rows,
                  .highest_key = *highest,
                  .attempt = *attempt,
                  .journal = *journal,
                  .restored = *restored};
}

std::optional<LogState> log_state_now(Database& database, const CountedRows& counted) {
  if (!counted.highest_key) {
    return std::nullopt;
  }
  LogState state{.rows = counted.rows, .highest_key = *counted.highest_key};
  for (const ErasureRequest& request : database.erasures().all()) {
    for (const ErasureAttempt& attempt : database.erasures().attempts(request.id)) {
      state.attempt = std::max(state.attempt, attempt.id);
    }
  }
  for (const JournalEntry& entry : database.journal().since(0)) {
    state.journal = std::max(state.journal, entry.id);
  }
  database.restored_rows().for_each(
      [&state](const RestoredRow& row) { state.restored = std::max(state.restored, row.id); });
  return state;
}

}  // namespace holdfast
