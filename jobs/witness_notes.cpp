// SPDX-License-Identifier: Apache-2.0
#include "jobs/witness_notes.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "jobs/digest.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/tenant_keys.h"
#include "jobs/witness_hold.h"

namespace holdfast {
namespace {

using nlohmann::json;

json clock_json(const std::optional<RunClock>& clock) {
  return clock ? json{{"as_of", to_rfc3339(clock->as_of)},
                      {"system_now", to_rfc3339(clock->system_now)}}
               : json(nullptr);
}

/// What the outbox knows already.
struct Witnessed {
  std::vector<bool> holds;                                 ///< by place: its last line says it all
  std::set<std::pair<std::string, std::string>> erasures;  ///< tenant as JSON, and token
  std::int64_t last_run = 0;
};

/// The place of a hold of the register; none where it has no such number.
std::optional<std::size_t> place_of(const std::vector<LegalHold>& holds, std::int64_t id) {
  const auto found = std::lower_bound(
      holds.begin(), holds.end(), id, [](const LegalHold& hold, std::int64_t wanted) {
        return hold.id < wanted;
      });
  return found != holds.end() && found->id == id
             ? std::optional{static_cast<std::size_t>(found - holds.begin())}
             : std::nullopt;
}

/// True where the line says of a hold what the register says of it now, letter by letter: most do,
/// and are not read any further.
bool says_it_all(const WitnessLine& line, const std::vector<LegalHold>& holds, Witnessed& known) {
  const auto written = line.kind == "hold" ? hold_in_line(line) : std::nullopt;
  const auto place = written ? place_of(holds, written->id) : std::nullopt;
  if (!place || !written->is(holds[*place])) {
    return false;
  }
  known.holds[*place] = true;
  return true;
}

/// Each line is compared and forgotten. `holds`: the register's, by ascending id.
Witnessed witnessed_so_far(WitnessOutbox& outbox, const std::vector<LegalHold>& holds) {
  Witnessed known{.holds = std::vector<bool>(holds.size(), false)};
  outbox.for_each(0, [&](const WitnessLine& line) {
    if (line.kind != "hold" && line.kind != "erasure" && line.kind != "run") {
      return;
    }
    if (says_it_all(line, holds, known)) {
      return;
    }
    const json body = witness_body(line);
    if (body.empty()) {
      return;  // withheld
    }
    if (line.kind == "hold") {
      const LegalHold witnessed = hold_of_witness(body.at("hold"));
      if (const auto place = place_of(holds, witnessed.id)) {
        known.holds[*place] = as_witnessed(witnessed, holds[*place]);
      }
    } else if (line.kind == "erasure") {
      known.erasures.emplace(body.at("tenant").dump(), body.at("token").get<std::string>());
    } else {
      known.last_run = std::max(known.last_run, whole_number(body.at("run_id")));
    }
  });
  return known;
}

void add_unknown_erasures(Database& database,
                          const Witnessed& known,
                          std::vector<WitnessNote>& notes) {
  for (const ErasureRequest& request : database.erasures().all()) {
    if (request.state == ErasureState::completed && is_erasure_token(request.subject) &&
        !known.erasures.contains({witnessed_tenant(request.tenant).dump(), request.subject})) {
      notes.push_back(
          {.kind = "erasure", .body = erasure_witness_body(database.erasures(), request)});
    }
  }
}

void add_unknown_runs(Database& database, const Witnessed& known, std::vector<WitnessNote>& notes) {
  const auto last = database.ledger().last();
  const std::int64_t more = last ? last->id - known.last_run : 0;
  std::vector<RunLine> lines = more > 0 ? database.ledger().newest(more) : std::vector<RunLine>{};
  std::reverse(lines.begin(), lines.end());
  for (RunLine& line : lines) {
    if (line.closing && line.id > known.last_run) {
      notes.push_back({.kind = "run",
                       .body = run_witness_body(
                           database, {.id = line.id, .closing = *std::move(line.closing)})});
    }
  }
}

}  // namespace

WitnessNotes::WitnessNotes(Database& database, Witness* witness, Warn warn)
    : database_(database), witness_(witness), warn_(std::move(warn)) {
  keeps_notes_ = database_.is_set_up();
  if (witness_ == nullptr || !keeps_notes_) {
    return;
  }
  found_ = compare_witness(database_, *witness_);
  found_.lines = {};  // as many as the file has: what is said of them is enough
  keeps_notes_ = found_.agrees();
  if (!keeps_notes_) {
    warn_(std::string(to_token(found_.state)) + ": " + found_.sentence);
  } else if (!found_.file_exists) {
    begin_file();
  } else if (found_.state == WitnessState::repaired) {
    repair();
  }
}

/// The file is there before the first line is noted: from then on a missing one is a lost one.
void WitnessNotes::begin_file() {
  try {
    witness_->begin();
  } catch (const JobError& error) {
    keeps_notes_ = false;
    warn_(std::string("witness_not_written: ") + error.what() +
          "; nothing is noted until it can be made, and a restored backup would not be noticed");
  }
}

void WitnessNotes::repair() {
  const auto deeds =
      std::count_if(found_.lacking.begin(), found_.lacking.end(), [](const auto& line) {
        return line.kind != kWitnessOfDatabase;
      });
  if (deeds > 1) {
    warn_("witness_repaired: " + witness_->name() + " lacked " + std::to_string(deeds) +
          " lines from " + to_rfc3339(found_.lacking.front().at) +
          " on: it could not be written then, or somebody has cut it; they are appended again");
  }
  flush();
  found_.lacking = {};
}

void WitnessNotes::note(Instant at, const std::string& kind, const json& body) {
  if (keeps_notes()) {
    witness_note(database_, {.at = at, .kind = kind, .body = body});
  }
}

void WitnessNotes::catch_up(Instant at) {
  if (!keeps_notes() || witness_ == nullptr) {
    return;
  }
  const std::vector<LegalHold> holds = database_.holds().all();
  const Witnessed known = witnessed_so_far(database_.witness_outbox(), holds);
  std::vector<WitnessNote> notes;
  add_unknown_erasures(database_, known, notes);
  add_unknown_runs(database_, known, notes);
  const bool all_held =
      std::find(known.holds.begin(), known.holds.end(), false) == known.holds.end();
  if (notes.empty() && all_held) {
    return;
  }
  const auto write = database_.begin_write(Durability::full);
  for (std::size_t place = 0; place < holds.size(); ++place) {
    if (!known.holds[place]) {
      note(at, "hold", hold_witness_body("met", holds[place]));
    }
  }
  for (const WitnessNote& each : notes) {
    note(at, each.kind, each.body);
  }
  write->commit();
}

void WitnessNotes::flush() noexcept {
  if (witness_ == nullptr || !keeps_notes()) {
    return;
  }
  try {
    flush_witness(database_, *witness_, found_);
  } catch (const std::exception& error) {
    // Safe: the outbox has the lines, and whoever comes next appends them.
    warn_(std::string("witness_not_written: ") + error.what() +
          "; what was to go there is in the database and is appended as soon as the file can be "
          "written; a backup restored before that would not be noticed");
  }
}

json run_witness_body(Database& database, const WitnessedRun& run) {
  const auto line = database.ledger().find(run.id);
  const RunOpening opening = line ? line->opening : RunOpening{};
  return {{"run_id", run.id},
          {"run_hash", run.closing.run_hash},
          {"previous_run_hash", run.closing.previous_hash},
          {"outcome", run.closing.outcome},
          {"error_reason", run.closing.error_reason},
          {"as_of", to_rfc3339(opening.as_of)},
          {"system_now", to_rfc3339(opening.opened_at)},
          {"closed_at", to_rfc3339(run.closing.closed_at)},
          {"deleted", run.closing.deleted},
          {"rows_after", run.rows_after ? json(*run.rows_after) : json(nullptr)},
          {"started_by", utf8_text(opening.started_by)},
          {"host", utf8_text(opening.host)},
          {"clock", clock_json(database.ledger().last_clock())}};
}

json hold_witness_body(const std::string& deed, const LegalHold& hold) {
  return {{"deed", deed}, {"hold", witnessed_hold(hold)}};
}

json erasure_witness_body(ErasureRegister& erasures, const ErasureRequest& request) {
  const auto key = key_line_of(erasures, request.tenant);
  return {{"request_id", request.id},
          {"tenant", witnessed_tenant(request.tenant)},
          {"token", request.subject},
          {"completed_at", json_time(request.ended_at)},
          {"completed_by", utf8_text(request.ended_by)},
          {"approved_by", utf8_text(request.approved_by)},
          {"key", key ? key_witness_body(*key) : json(nullptr)}};
}

json key_witness_body(const ErasureKeyLine& line) {
  return {{"id", line.id},
          {"tenant", witnessed_tenant(line.tenant)},
          {"check", line.check},
          {"made_at_ms", to_unix_ms(line.made_at)}};
}

ErasureKeyLine key_of_witness(const json& body) {
  return {.id = whole_number(body.at("id")),
          .tenant = tenant_of_witness(body.at("tenant")),
          .made_at = from_unix_ms(whole_number(body.at("made_at_ms"))),
          .check = body.at("check")};
}

json witnessed_tenant(const std::optional<std::string>& tenant) {
  if (!tenant) {
    return nullptr;
  }
  return utf8_text(*tenant) == *tenant ? json(*tenant) : json{{"hex", hex_of_bytes(*tenant)}};
}

std::optional<std::string> tenant_of_witness(const json& value) {
  if (value.is_null()) {
    return std::nullopt;
  }
  return value.is_string() ? value.get<std::string>()
                           : bytes_of_hex(value.at("hex").get<std::string>());
}

Instant instant_of(const json& body, const char* key) {
  return parse_rfc3339(body.at(key).get<std::string>()).value_or(Instant{});
}

json policy_witness_body(const StoredPolicy& policy) {
  return {{"version", policy.version},
          {"in_force_from", to_rfc3339(policy.in_force_from)},
          {"digest", policy.digest},
          {"document", policy.document},
          {"changed_by", utf8_text(policy.changed_by)},
          {"reason", utf8_text(policy.reason)},
          {"source", utf8_text(policy.source)}};
}

StoredPolicy policy_of_witness(const json& body) {
  return {.version = whole_number(body.at("version")),
          .in_force_from =
              parse_rfc3339(body.at("in_force_from").get<std::string>()).value_or(kEndOfTime),
          .digest = body.at("digest"),
          .document = body.at("document"),
          .changed_by = body.at("changed_by"),
          .reason = body.at("reason"),
          .source = body.at("source")};
}

}  // namespace holdfast
