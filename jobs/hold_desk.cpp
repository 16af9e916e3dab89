// SPDX-License-Identifier: Apache-2.0
#include "jobs/hold_desk.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "jobs/hold_document.h"
#include "jobs/hold_survey.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/tenant_keys.h"
#include "policy/instant_shift.h"
#include "policy/spelling.h"

namespace holdfast {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr hours kEarliestZone{14};  // a day begins first at UTC+14
constexpr hours kLatestZone{12};    // and is over last at UTC-12

bool is_day(const std::string& text) {
  return text.find_first_of("Tt ") == std::string::npos;
}

Instant instant_from(const std::string& text, const char* option) {
  const auto instant = parse_rfc3339(text);
  if (!instant) {
    throw JobError(ExitStatus::invalid, std::string(option) + " " + text + ": " + instant.error());
  }
  return *instant;
}

/// A review date that has passed is a slip of the year: the hold would be overdue at once.
Instant review_date(const Desk& desk, const std::string& text, const char* option) {
  const Instant date = instant_from(text, option);
  if (date <= desk.now) {
    throw JobError(ExitStatus::invalid,
                   std::string(option) + " " + text + ": is not in the future (it is " +
                       to_rfc3339(desk.now) + "): name the day by which somebody looks again");
  }
  return date;
}

void read_range(HoldRequest& request) {
  if (!request.from.empty()) {
    const Instant from = instant_from(request.from, "--from");
    request.scope.from = is_day(request.from) ? from - kEarliestZone : from;
  }
  if (!request.to.empty()) {
    const Instant to = instant_from(request.to, "--to");
    request.scope.until = is_day(request.to) ? to + hours{24} + kLatestZone : to + milliseconds{1};
  }
  if (request.scope.from && request.scope.until && !(*request.scope.from < *request.scope.until)) {
    throw JobError(ExitStatus::invalid,
                   "--from " + request.from + " is after --to " + request.to +
                       ": the hold would cover nothing");
  }
}

void require_category(const Catalogue& catalogue, const std::string& word) {
  if (catalogue.find_category(word) != nullptr) {
    return;
  }
  std::vector<std::string> slugs;
  for (const AuditCategory& category : catalogue.categories()) {
    slugs.push_back(category.slug);
  }
  const auto near = nearest_spelling(word, slugs);
  throw JobError(ExitStatus::invalid,
                 "--category " + word + ": no such category" +
                     (near ? " (did you mean \"" + *near + "\"?)" : "") +
                     "; \"holdfast catalogue\" lists them, --future holds one that is to come");
}

/// Slugs for names, and the codes that the categories have today, under all their names: an alias
/// that stands for something else later does not let its rows go.
void resolve_categories(const Desk& desk, HoldRequest& request) {
  const Catalogue& catalogue = desk.settings.catalogue;
  auto& wanted = request.scope.categories;
  for (std::string& word : wanted) {
    if (!request.future) {
      require_category(catalogue, word);
    }
    const AuditCategory* category = catalogue.find_category(word);
    word = category == nullptr ? word : category->slug;
  }
  for (const AuditCode& code : catalogue.codes()) {
    if (std::find(wanted.begin(), wanted.end(), code.category) != wanted.end()) {
      request.scope.category_codes.push_back(code.code);
    }
  }
  for (const auto& [alias, code] : catalogue.aliases()) {
    const AuditCode* const meant = catalogue.find(code);
    if (meant != nullptr &&
        std::find(wanted.begin(), wanted.end(), meant->category) != wanted.end()) {
      request.scope.category_codes.push_back(alias);
    }
  }
}

/// A code goes by any of its names, and a hold on one of them is a hold on the code. The names of
/// today are written down, so that an alias that is moved later stays held.
void add_names_of_codes(const Catalogue& catalogue, std::vector<std::string>& codes) {
  std::set<std::string> names;
  for (const std::string& word : codes) {
    if (const AuditCode* const meant = catalogue.find(word)) {
      names.insert(meant->code);
    }
  }
  for (const auto& [alias, code] : catalogue.aliases()) {
    if (names.contains(code)) {
      codes.push_back(alias);
    }
  }
  codes.insert(codes.end(), names.begin(), names.end());
  std::sort(codes.begin(), codes.end());
  codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
}

[[noreturn]] void refuse_unknown(const HoldSurvey& found,
                                 const std::string& option,
                                 const std::string& word) {
  const json near = found.near_misses();
  const std::string hint =
      near.empty() ? std::string{}
                   : ", but \"" + near.front().at("value").get<std::string>() + "\" is there";
  throw JobError(ExitStatus::invalid,
                 option + " " + word +
                     ": no row and no entry of the catalogue or configuration has it" + hint +
                     "; --future holds what is to come");
}

/// The terms that only the log itself can confirm.
struct UnsureTerms {
  std::vector<std::string> codes;
  std::vector<std::string> tenants;
};

UnsureTerms unsure_terms(const Desk& desk, const HoldScope& scope) {
  UnsureTerms unsure;
  std::copy_if(
      scope.codes.begin(),
      scope.codes.end(),
      std::back_inserter(unsure.codes),
      [&desk](const std::string& code) { return desk.settings.catalogue.find(code) == nullptr; });
  std::copy_if(scope.tenants.begin(),
               scope.tenants.end(),
               std::back_inserter(unsure.tenants),
               [&desk](const std::string& tenant) {
                 return !desk.settings.retention.tenant.contains(tenant);
               });
  return unsure;
}

/// A hold on what the log does not say would cover everything: that is to be asked for by its name.
void require_answerable(const Desk& desk, const HoldScope& scope) {
  const AnsweredTerms columns = answered_terms(desk.database.audit_log().shape());
  const auto refuse = [](const char* option, const char* column) {
    throw JobError(ExitStatus::invalid,
                   std::string(option) + ": [events] maps no " + column +
                       " column, so no row can be told by it: map one, or leave " + option +
                       " out, which holds more");
  };
  if (!scope.tenants.empty() && !columns.tenant) {
    refuse("--tenant", "tenant");
  }
  if (!scope.actors.empty() && !columns.actor) {
    refuse("--actor", "actor");
  }
  if (!scope.subjects.empty() && !columns.subject) {
    refuse("--subject", "subject");
  }
  if (!scope.persons.empty() && !columns.actor && !columns.subject) {
    refuse("--person", "actor or subject");
  }
}

/// A tenant or code that is nowhere is a typing mistake until somebody says otherwise.
void require_known_terms(const Desk& desk, const HoldRequest& request) {
  const UnsureTerms unsure = unsure_terms(desk, request.scope);
  if (request.future || (unsure.codes.empty() && unsure.tenants.empty())) {
    return;
  }
  const HoldSurvey found = survey(desk, request.scope);
  for (const std::string& code : unsure.codes) {
    if (!found.codes.contains(code)) {
      refuse_unknown(found, "--code", code);
    }
  }
  for (const std::string& tenant : unsure.tenants) {
    if (!found.tenants.contains(tenant)) {
      refuse_unknown(found, "--tenant", tenant);
    }
  }
}

LegalHold hold_from(const Desk& desk, const HoldRequest& request) {
  const auto kind = parse_hold_kind(request.kind);
  if (!kind) {
    throw JobError(ExitStatus::invalid,
                   "--kind " + request.kind + ": must be legal, regulatory or restriction");
  }
  LegalHold hold{.matter = request.matter,
                 .reason = request.reason,
                 .basis = request.basis,
                 .kind = *kind,
                 .locked = request.locked,
                 .scope = request.scope,
                 .placed_by = desk.who,
                 .placed_at = desk.now};
  if (!request.review_by.empty()) {
    hold.review_by = review_date(desk, request.review_by, "--review-by");
  }
  return hold;
}

void require_some_term(const HoldScope& scope) {
  const bool some = scope.from || scope.until || !scope.tenants.empty() || !scope.persons.empty() ||
                    !scope.actors.empty() || !scope.subjects.empty() || !scope.categories.empty() ||
                    !scope.codes.empty() || !scope.event_ids.empty();
  if (some && scope.everything) {
    throw JobError(ExitStatus::invalid,
                   "--everything covers every row: leave it out, or leave out what narrows it");
  }
  if (!some && !scope.everything) {
    throw JobError(ExitStatus::invalid,
                   "a hold needs at least one of --tenant --person --actor --subject --category "
                   "--code --from --to --event-id, or --everything");
  }
}

LegalHold require_hold(const Desk& desk, std::int64_t id) {
  for (LegalHold& hold : desk.database.holds().all()) {
    if (hold.id == id) {
      return std::move(hold);
    }
  }
  throw JobError(
      ExitStatus::invalid,
      "there is no hold " + std::to_string(id) + ": \"holdfast hold list --all\" lists them");
}

void require_reason(const std::string& reason) {
  if (reason.empty()) {
    throw JobError(ExitStatus::invalid, "--reason may not be empty: an auditor will ask for it");
  }
}

}  // namespace

json place_hold(const Desk& desk, HoldRequest request) {
  require_reason(request.reason);
  if (request.matter.empty()) {
    throw JobError(ExitStatus::invalid, "--matter may not be empty: a hold serves a matter");
  }
  read_range(request);
  require_some_term(request.scope);
  require_answerable(desk, request.scope);
  resolve_categories(desk, request);
  require_known_terms(desk, request);
  add_names_of_codes(desk.settings.catalogue, request.scope.codes);
  LegalHold hold = hold_from(desk, request);
  WitnessNotes notes = witness_notes(desk);
  json unreached = json::array();
  {
    const auto write = desk.database.begin_write(Durability::full);
    if (desk.keys != nullptr) {
      for (const std::string& sentence : add_tokens(desk.database, *desk.keys, hold.scope)) {
        unreached.push_back(utf8_text(sentence));
      }
    }
    hold.id = desk.database.holds().place(hold);
    note_in_journal(
        desk, "hold_placed", compact(hold_json(hold, HoldDetail::without_names)), request.reason);
    notes.note(desk.now, "hold", hold_witness_body("placed", hold));
    write->commit();
  }
  notes.flush();
  // Counted after the hold stands: from here on no run takes a row that it covers.
  const HoldSurvey found = survey(desk, hold.scope);
  json result = hold_json(hold, HoldDetail::with_names);
  result["rows"] = found.rows;
  result["near_misses"] = found.near_misses();
  result["warnings"] = std::move(unreached);
  return result;
}

json release_hold(const Desk& desk, std::int64_t id, const std::string& reason) {
  require_reason(reason);
  require_administrator(desk, "release a hold");
  require_clock_not_behind(desk);
  const LegalHold before = require_hold(desk, id);
  WitnessNotes notes = witness_notes(desk);
  const auto write = desk.database.begin_write(Durability::full);
  if (!desk.database.holds().release(id, {.who = desk.who, .at = desk.now, .reason = reason})) {
    throw JobError(ExitStatus::refused,
                   "hold " + std::to_string(id) + " was released already, on " +
                       (before.released_at ? to_rfc3339(*before.released_at) : "") + " by " +
                       before.released_by);
  }
  note_in_journal(desk, "hold_released", compact({{"hold", id}}), reason);
  const LegalHold after = require_hold(desk, id);
  notes.note(desk.now, "hold", hold_witness_body("released", after));
  write->commit();
  notes.flush();
  json result = hold_json(after, HoldDetail::with_names);
  result["grace_ends_at"] = to_rfc3339(later_by(desk.now, hold_grace(desk).span));
  return result;
}

json review_hold(const Desk& desk,
                 std::int64_t id,
                 const std::string& until,
                 const std::string& reason) {
  require_reason(reason);
  require_clock_not_behind(desk);
  (void)require_hold(desk, id);
  const Instant date = review_date(desk, until, "--until");
  WitnessNotes notes = witness_notes(desk);
  const auto write = desk.database.begin_write(Durability::full);
  if (!desk.database.holds().review(
          id, date, {.who = desk.who, .at = desk.now, .reason = reason})) {
    throw JobError(ExitStatus::refused,
                   "hold " + std::to_string(id) + " is released: there is nothing to review");
  }
  note_in_journal(
      desk, "hold_reviewed", compact({{"hold", id}, {"until", to_rfc3339(date)}}), reason);
  const LegalHold after = require_hold(desk, id);
  notes.note(desk.now, "hold", hold_witness_body("reviewed", after));
  write->commit();
  notes.flush();
  return hold_json(after, HoldDetail::with_names);
}

json list_holds(const Desk& desk, bool released_too) {
  json list = json::array();
  std::int64_t released = 0;
  std::optional<Instant> grace_ends;
  const HoldGrace grace = hold_grace(desk);
  for (const LegalHold& hold : desk.database.holds().all()) {
    if (!hold.active()) {
      ++released;
      const Instant ends = later_by(*hold.released_at, grace.span);
      grace_ends = std::max(grace_ends.value_or(ends), ends);
    }
    if (hold.active() || released_too) {
      json line = hold_json(hold, HoldDetail::with_names);
      line["past_review"] = hold.active() && hold.review_by && *hold.review_by < desk.now;
      list.push_back(std::move(line));
    }
  }
  const bool in_grace = grace_ends && *grace_ends >= grace.guard_now;
  return {{"holds", std::move(list)},
          {"released", released},
          {"grace_ends_at", json_time(in_grace ? grace_ends : std::nullopt)}};
}

json show_hold(const Desk& desk, std::int64_t id) {
  const LegalHold hold = require_hold(desk, id);
  json result = hold_json(hold, HoldDetail::with_names);
  const HoldSurvey found = survey(desk, hold.scope);
  result["rows"] = found.rows;
  result["near_misses"] = found.near_misses();
  return result;
}

}  // namespace holdfast
