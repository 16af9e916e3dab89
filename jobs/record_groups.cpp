// SPDX-License-Identifier: Apache-2.0
#include "jobs/record_groups.h"

#include <set>

#include "jobs/digest.h"
#include "jobs/json_object_text.h"
#include "jobs/json_text.h"
#include "jobs/name_removal.h"
#include "jobs/policy_document.h"
#include "jobs/run_record.h"
#include "jobs/slice_digest.h"
#include "policy/instant_shift.h"

namespace holdfast {
namespace {

using nlohmann::json;

json window_or_null(const std::optional<RetentionWindow>& window) {
  return window ? json(to_string(*window)) : json(nullptr);
}

/// Floors and locks of one kind of entry ("category", "code").
void list_entries(const WindowEntries& entries, const std::string& kind, json& authority) {
  for (const auto& [name, entry] : entries) {
    const std::string where = "retention." + kind + "." + name;
    if (entry.at_least) {
      authority["floors"].push_back({{"where", utf8_text(where)},
                                     {"at_least", to_string(*entry.at_least)},
                                     {"basis", utf8_text(entry.basis)}});
    }
    if (entry.locked) {
      authority["locks"].push_back(utf8_text(where));
    }
  }
}

void list_preset(const PresetBinding& preset, json& authority) {
  json categories = json::array();
  for (const std::string& category : preset.categories) {
    categories.push_back(utf8_text(category));
  }
  authority["presets"].push_back({{"name", preset.name},
                                  {"citation", utf8_text(preset.citation)},
                                  {"categories", categories},
                                  {"min", window_or_null(preset.min)},
                                  {"max", window_or_null(preset.max)}});
  if (preset.min) {
    authority["floors"].push_back({{"where", "preset " + preset.name},
                                   {"at_least", to_string(*preset.min)},
                                   {"basis", utf8_text(preset.citation)}});
  }
  if (preset.max) {
    authority["caps"].push_back({{"where", "preset " + preset.name},
                                 {"at_most", to_string(*preset.max)},
                                 {"basis", utf8_text(preset.citation)}});
  }
  if (preset.locked) {
    authority["locks"].push_back("preset " + preset.name);
  }
}

std::string catalogue_digest(const Catalogue& catalogue) {
  Sha256 digest;
  for (const AuditCode& code : catalogue.codes()) {
    digest.update(code.category + "\t" + code.code + "\t" + std::string(to_token(code.severity)) +
                  "\n");
  }
  for (const auto& [alias, code] : catalogue.aliases()) {
    digest.update(alias + "\t" + code + "\n");
  }
  return digest.hex();
}

bool within(const std::optional<Instant>& instant, const std::optional<Instant>& since) {
  return instant && (!since || *instant > *since);
}

json archive_json(const std::optional<RunArchive>& archive) {
  return archive ? json{{"file", archive->file},
                        {"bytes", archive->bytes},
                        {"sha256", archive->sha256},
                        {"rows", archive->rows}}
                 : json(nullptr);
}

constexpr const char* kOutOfReach =
    "Out of reach of this program: wear levelling of flash storage, snapshots of the file system, "
    "backups, replicas, and whoever received rows by an export or a webhook.";

json residue_of_server(const std::string& vacuum) {
  return json::array(
      {"Rows were deleted logically: the server keeps what they held in the files of the table and "
       "its indexes until a vacuum has gone over them and new rows take the room, and in its "
       "write-ahead log until that is recycled.",
       "Autovacuum frees the room for new rows by itself; \"" + vacuum +
           "\" does it at once, and VACUUM (FULL) writes the table anew without them.",
       kOutOfReach});
}

json residue_of_file(Database& database, const RunReport& report) {
  json left = json::array(
      {"Rows were deleted logically, and the freed cells and pages were overwritten.",
       "A program of the application that writes without secure_delete can leave copies in page "
       "splits; \"holdfast vacuum\" removes those.",
       kOutOfReach});
  if (database.readers_are_free() && !report.wal_emptied) {
    left.push_back(
        "A reader, or a failure of the run, kept the write-ahead log from being emptied: deleted rows "
        "can still be in it and in the database file until the next checkpoint that empties it.");
  }
  if (!database.readers_are_free()) {
    left.push_back(
        "With a rollback journal that is kept (journal_mode PERSIST), the journal file can hold "
        "deleted rows.");
  }
  return left;
}

json residue(Database& database, const RunReport& report) {
  const std::string vacuum = database.vacuum_statement();
  json left = vacuum.empty() ? residue_of_file(database, report) : residue_of_server(vacuum);
  for (const auto& [table, rows] : report.children_deleted) {
    left.push_back("Rows of child table " + utf8_text(table) +
                   " went with deleted rows: they are in no digest and no archive.");
  }
  return left;
}

/// How rows are deleted there, in the words of a record.
struct Method {
  const char* secure_delete;
  const char* journal_mode;
  const char* auto_vacuum;
  const char* synchronous;
};

Method method_of(Database& database, const RunReport& report) {
  if (!database.vacuum_statement().empty()) {
    return {.secure_delete = "none: what rows held stays until a vacuum and new rows",
            .journal_mode = "write-ahead log of the server",
            .auto_vacuum = "as the server is set up",
            .synchronous = "off for slices, on for the rest"};
  }
  const bool wal = database.readers_are_free();
  return {.secure_delete = "on",
          .journal_mode = wal ? "wal" : "rollback",
          .auto_vacuum = report.incremental_vacuum ? "incremental" : "none or full",
          .synchronous = wal ? "normal for slices, full for the rest" : "full"};
}

}  // namespace

json authority_group(const PolicyState& policy, const Settings& settings) {
  const PolicySnapshot& current = policy.current().snapshot;
  const std::string document = to_document(current);
  json authority = {{"policy_version", policy.current().number},
                    {"policy_sha256", sha256_hex(document)},
                    {"policy", json::parse(document)},
                    {"catalogue_sha256", catalogue_digest(settings.catalogue)},
                    {"catalogue_url", utf8_text(settings.catalogue_url)},
                    {"presets", json::array()},
                    {"floors", json::array()},
                    {"caps", json::array()},
                    {"locks", json::array()}};
  for (const PresetBinding& preset : current.retention.presets) {
    list_preset(preset, authority);
  }
  list_entries(current.retention.category, "category", authority);
  list_entries(current.retention.code, "code", authority);
  for (const auto& [tenant, entries] : current.retention.tenant) {
    list_entries(entries.category, "tenant." + tenant + ".category", authority);
    list_entries(entries.code, "tenant." + tenant + ".code", authority);
  }
  return authority;
}

json cutoffs_group(const RuleBook& rules) {
  json list = json::array();
  for (const std::string& line : rules.cutoffs()) {
    const std::size_t sign = line.find('=');
    list.push_back(
        {{"window", line.substr(0, sign)}, {"disposition_cutoff", line.substr(sign + 1)}});
  }
  return list;
}

json population_group(Database& database,
                      const PlanFigures& figures,
                      std::optional<std::int64_t> highest_before) {
  const auto lowest = database.audit_log().lowest_key();
  std::optional<Instant> oldest;
  for (const auto& [category, times] : figures.oldest_time) {
    oldest = oldest ? std::min(*oldest, times.oldest) : times.oldest;
  }
  return {{"rows_before", figures.rows_before},
          {"lowest_key", lowest ? exact_integer(*lowest) : json(nullptr)},
          {"snapshot_highest_key", highest_before ? exact_integer(*highest_before) : json(nullptr)},
          {"oldest_time", json_time(oldest)},
          {"newest_time", json_time(figures.newest_time)}};
}

std::string hold_line_text(const LegalHold& hold, std::int64_t rows, Instant now) {
  const std::vector<std::string> names = persons_of(hold.scope).names;
  std::string out;
  JsonObjectText line{out};
  line.text("basis", without_names(hold.basis, names));
  line.exact_number("hold", hold.id);
  line.text("kind", to_token(hold.kind));
  line.flag("locked", hold.locked);
  line.text("matter", without_names(hold.matter, names));
  line.flag("past_review", hold.active() && hold.review_by && *hold.review_by < now);
  line.time("placed_at", hold.placed_at);
  line.text("placed_by", hold.placed_by);
  line.time("released_at", hold.released_at);
  line.time("review_by", hold.review_by);
  line.exact_number("rows_kept", rows);
  line.end();
  return out;
}

json holds_group(Database& database,
                 const std::map<std::int64_t, std::int64_t>& rows_kept,
                 const HoldPeriod& period,
                 RecordList& holds) {
  json group = {{"holds_without_rows", json::array()},
                {"holds_released_since_last", json::array()}};
  database.holds().for_each([&](const LegalHold& hold) {
    if (within(hold.released_at, period.since)) {
      group["holds_released_since_last"].push_back(hold.id);
    }
    if (hold.over(period.release_grace, period.guard_now)) {
      return;
    }
    const auto kept = rows_kept.find(hold.id);
    const std::int64_t rows = kept == rows_kept.end() ? 0 : kept->second;
    holds.add_text(hold_line_text(hold, rows, period.now));
    if (rows == 0 && hold.active()) {
      group["holds_without_rows"].push_back(hold.id);
    }
  });
  return group;
}

json erasure_period(Database& database, std::optional<Instant> since) {
  json period = {{"since", json_time(since)},
                 {"opened", json::array()},
                 {"approved", json::array()},
                 {"rejected", json::array()},
                 {"cancelled", json::array()},
                 {"completed_requests", json::array()}};
  for (const ErasureRequest& request : database.erasures().all()) {
    if (within(request.requested_at, since)) {
      period["opened"].push_back(request.id);
    }
    if (within(request.approved_at, since)) {
      period["approved"].push_back(request.id);
    }
    if (!within(request.ended_at, since)) {
      continue;
    }
    if (request.state != ErasureState::completed) {
      period[std::string(to_token(request.state))].push_back(request.id);
      continue;
    }
    const json receipt =
        json::parse(database.erasures().receipt(request.id).value_or("{}"), nullptr, false);
    period["completed_requests"].push_back(
        {{"request_id", request.id},
         {"token", utf8_text(request.subject)},
         {"completed_by", utf8_text(request.ended_by)},
         {"approved_by", utf8_text(request.approved_by)},
         {"overridden", receipt.is_object() && receipt.value("overridden", false)},
         {"reason", utf8_text(request.end_reason)}});
  }
  return period;
}

json failed_modules(Database& database, std::optional<Instant> since) {
  std::set<std::string> failed;
  for (const ErasureRequest& request : database.erasures().all()) {
    for (const ErasureAttempt& attempt : database.erasures().attempts(request.id)) {
      const json answers =
          within(attempt.at, since) ? json::parse(attempt.report, nullptr, false) : json(nullptr);
      for (const json& answer : answers.is_array() ? answers : json::array()) {
        if (answer.is_object() && answer.value("problem", json(nullptr)).is_string()) {
          failed.insert(answer.value("module", ""));
        }
      }
    }
  }
  return failed;
}

std::string deletion_words(const Database& database) {
  return database.vacuum_statement().empty()
             ? "logical deletion with overwrite of freed cells and pages"
             : "logical deletion; what is left behind goes by vacuum and new rows";
}

json method_group(Database& database, const RunReport& report) {
  const auto& before = report.space_before;
  const std::int64_t pages = before ? before->page_bytes : 0;
  const Method method = method_of(database, report);
  return {{"statement", deletion_words(database)},
          {"secure_delete", method.secure_delete},
          {"journal_mode", method.journal_mode},
          {"auto_vacuum", method.auto_vacuum},
          {"synchronous", method.synchronous},
          {"wal_emptied", report.wal_emptied && database.vacuum_statement().empty()},
          {"incremental_vacuum_pages", pages == 0 ? 0 : report.given_back_bytes / pages},
          {"given_back_bytes", report.given_back_bytes},
          {"free_bytes_before", before ? json(before->free_bytes) : json(nullptr)},
          {"free_bytes_after", report.free_bytes},
          {"file_bytes", report.file_bytes},
          {"facts", residue(database, report)}};
}

json integrity_group(Database& database, const RunReport& report) {
  RowsDigest digest;
  bool whole = true;
  std::int64_t slices = 0;
  for (const RunSlice& slice : database.ledger().slices(report.run_id)) {
    ++slices;
    whole = whole && !slice.digest.empty();
    if (whole) {
      digest.add(slice.digest);
    }
  }
  const std::string salt = database.ledger().salt(report.run_id);
  return {{"row_digest", whole},
          {"salt_sha256", salt.empty() ? json(nullptr) : json(sha256_hex(salt))},
          {"slices", slices},
          {"slices_sha256", slices_digest(database.ledger(), report.run_id)},
          {"rows_digest", whole ? json(digest.hex()) : json(nullptr)},
          {"archive", archive_json(report.archive)},
          {"verify_with", "holdfast verify"}};
}

}  // namespace holdfast
