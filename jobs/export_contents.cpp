// SPDX-License-Identifier: Apache-2.0
#include "jobs/export_contents.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "jobs/digest.h"
#include "jobs/export_columns.h"
#include "jobs/json_text.h"
#include "jobs/kept_metadata.h"
#include "jobs/metadata_filter.h"
#include "jobs/said_words.h"
#include "policy/event_time.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kTokenDigits = 16;
constexpr int kDeepest = 32;
constexpr const char* kWithheld = "[withheld]";
constexpr std::string_view kHoldfast = "holdfast";  // the actor of Holdfast's own rows
// Which holds stand in the way of an erasure is not told to the person whom they are about.
constexpr std::array<std::string_view, 3> kSecretKeys = {"holds", "hold_digest", "modules"};

/// What reading a copy's audit rows needs; the tables share it.
struct AuditReader {
  Database& database;
  const Settings& settings;
  ThirdPersons persons;
  SaidWords said;      // by the metadata and the further columns that the copy shows
  ExportColumns more;  // of the log
};

const std::vector<std::string>& audit_columns() {
  static const std::vector<std::string> columns = {"id",
                                                   "time",
                                                   "occurred_at",
                                                   "code",
                                                   "description",
                                                   "severity",
                                                   "category",
                                                   "tenant",
                                                   "actor",
                                                   "subject",
                                                   "retain_until",
                                                   "metadata"};
  return columns;
}

/// Those of a copy, and then further ones by their own names; one that a copy has already is told
/// apart.
std::vector<std::string> audit_columns_and(const std::vector<std::string>& more) {
  std::vector<std::string> names = audit_columns();
  for (const std::string& name : more) {
    const bool taken = std::find(names.begin(), names.end(), name) != names.end();
    names.push_back(taken ? "log." + name : name);
  }
  return names;
}

json text_or_null(const std::optional<std::string_view>& text) {
  return text ? json(utf8_text(*text)) : json(nullptr);
}

json key_value(const RowKey& key) {
  return key.is_integer() ? json(key.as_integer()) : json(utf8_text(key.display()));
}

/// What an erasure would keep of the metadata, but for holds; null where that is nothing.
json kept_metadata(const AuditReader& with, const PersonalRow& row) {
  const auto* const text = std::get_if<std::string_view>(&row.metadata);
  json parsed = text == nullptr ? json(nullptr) : parse_foreign(*text);
  if (!parsed.is_object()) {
    return nullptr;
  }
  auto keep = kept_metadata_keys(with.settings, row.facts);
  if (about_an_erasure(row.facts)) {
    for (const std::string_view secret : kSecretKeys) {
      keep.erase(std::string{secret});
    }
  }
  json kept = json::object();
  for (auto& [key, value] : parsed.items()) {
    if (keep.contains(key)) {
      kept[key] = std::move(value);
    }
  }
  return kept.empty() ? json(nullptr) : kept;
}

/// The same with tokens for third persons.
json shown_metadata(const AuditReader& with, const PersonalRow& row) {
  json metadata = kept_metadata(with, row);
  const bool own = about_an_erasure(row.facts) || about_an_export(row.facts);
  for (auto& [key, value] : metadata.items()) {
    if (own && key == "approved_by" && value.is_string()) {
      value = with.persons.shown(std::string_view{value.get_ref<const std::string&>()});
    } else if (!own || !made_by_holdfast(key, value)) {
      value = with.persons.shown(value);
    }
  }
  return metadata;
}

ExportRow audit_row(const AuditReader& with, LogPlace place, const PersonalRow& row) {
  const RowFacts& facts = row.facts;
  const TimeFormat format =
      place == LogPlace::log ? with.settings.events.time_format : TimeFormat::unix_ms;
  const AuditCode* const known = facts.code ? with.settings.catalogue.find(*facts.code) : nullptr;
  const auto person = [&](const std::optional<std::string_view>& name) {
    return name ? json(utf8_text(with.persons.shown(*name))) : json(nullptr);
  };
  ExportRow cells = {key_value(*facts.key),
                     export_value(facts.time),
                     json_time(parse_event_time(facts.time, format)),
                     text_or_null(facts.code),
                     known == nullptr ? json(nullptr) : json(utf8_text(known->description)),
                     export_value(row.severity),
                     text_or_null(facts.stored_category),
                     text_or_null(facts.tenant),
                     person(facts.actor),
                     person(facts.subject),
                     export_value(facts.retain_until),
                     shown_metadata(with, row)};
  if (place == LogPlace::log) {
    for (const std::size_t position : with.more.positions) {
      cells.push_back(shown_column(with.persons, row.unmapped[position]));
    }
  }
  return cells;
}

/// A name for a file: plain letters, digits, and a line for everything else.
std::string plain(const std::string& name) {
  std::string made;
  for (const char letter : name) {
    const bool fits = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || letter == '_';
    made += fits ? letter : '_';
  }
  return made;
}

ExportTable module_table(Database& database,
                         const ErasureModule& module,
                         const ModuleTable& table,
                         const Subject& subject,
                         std::size_t number) {
  const std::string digits = (number < 10 ? "0" : "") + std::to_string(number);
  ExportTable made{
      .title = module.name + ": " + table.table,
      .module = module.name,
      .table = table.table,
      .entry = "tables/" + digits + "-" + plain(module.name) + "-" + plain(table.table),
      .columns = database.subjects().columns_of(table)};
  made.each_row = [&database, &table, subject](const ExportVisit& visit) {
    ExportRow row;
    database.subjects().for_each_row(table, subject, [&](std::span<const StoredView> cells) {
      row.clear();
      for (const StoredView& value : cells) {
        row.push_back(export_value(value));
      }
      visit(row);
    });
  };
  return made;
}

struct AuditPlace {
  LogPlace place;
  std::string title;
  std::string table;
  std::string entry;
};

/// Takes the names of all others in the rows first: metadata of one row may name whom another does.
ExportTable audit_table(const std::shared_ptr<AuditReader>& with,
                        const AuditPlace& where,
                        const Subject& subject) {
  SubjectStore& subjects = with->database.subjects();
  const auto keys = std::make_shared<const std::vector<RowKey>>(
      subjects.rows_of(where.place, subject, std::nullopt));
  for (const RowKey& key : *keys) {
    (void)subjects.read_row(where.place, key, [&](const PersonalRow& row) {
      with->persons.meet(row.facts.actor.value_or(std::string_view{}));
      with->persons.meet(row.facts.subject.value_or(std::string_view{}));
      with->said.take(kept_metadata(*with, row));
      if (where.place == LogPlace::log) {
        take_said(with->more, row.unmapped, with->said);
      }
    });
  }
  ExportTable made{.title = where.title, .table = where.table, .entry = where.entry};
  const bool log = where.place == LogPlace::log;
  made.columns = log ? audit_columns_and(with->more.names) : audit_columns();
  made.withheld = log ? with->more.withheld : std::vector<std::string>{};
  made.each_row = [with, keys, place = where.place](const ExportVisit& visit) {
    for (const RowKey& key : *keys) {
      (void)with->database.subjects().read_row(
          place, key, [&](const PersonalRow& row) { visit(audit_row(*with, place, row)); });
    }
  };
  return made;
}

/// Metadata, or a further column, may name somebody who is in none of the subject's rows. Who is a
/// person, all rows of the log and of the modules know; of them only those are kept in mind who are
/// named there.
void meet_whoever_is_said(AuditReader& with) {
  if (with.said.empty()) {
    return;
  }
  const auto meet = [&with](const Subject& somebody) {
    if (with.said.say(somebody.person)) {
      with.persons.meet(somebody.person);
    }
  };
  SubjectStore& subjects = with.database.subjects();
  subjects.for_each_subject(LogPlace::log, meet);
  subjects.for_each_subject(LogPlace::own_events, meet);
  for (const ErasureModule& module : with.settings.erasure.modules) {
    for (const ModuleTable& table : module.tables) {
      subjects.for_each_subject(table, meet);
    }
  }
}

json head_of(const ExportRequest& request) {
  return {{"format", "holdfast-export/1"},
          {"program", std::string("holdfast ") + HOLDFAST_VERSION},
          {"export_id", request.id},
          {"tenant", json_or_null(request.tenant)},
          {"subject", utf8_text(request.subject)},
          {"requested_at", to_rfc3339(request.requested_at)},
          {"made_at", json_time(request.made_at)},
          {"expires_at", json_time(request.expires_at)}};
}

}  // namespace

json export_value(const StoredView& value) {
  if (const auto* const integer = std::get_if<std::int64_t>(&value)) {
    return *integer;
  }
  if (const auto* const real = std::get_if<double>(&value)) {
    return std::isfinite(*real) ? json(*real) : json{{"real", to_display(value)}};
  }
  if (const auto* const text = std::get_if<std::string_view>(&value)) {
    return utf8_text(*text);
  }
  if (const auto* const blob = std::get_if<BlobView>(&value)) {
    return {{"hex", hex_of_bytes(blob->bytes)}};
  }
  return nullptr;
}

ThirdPersons::ThirdPersons(std::string subject)
    : subject_(std::move(subject)), key_(random_bytes(kKeyBytes)) {}

void ThirdPersons::meet(std::string_view name) {
  if (!name.empty() && name != subject_ && name != kHoldfast) {
    names_.emplace(name);
  }
}

std::string ThirdPersons::shown(std::string_view name) const {
  if (name.empty() || name == subject_ || name == kHoldfast) {
    return std::string{name};
  }
  return "person:" + hmac_sha256_hex(key_, name).substr(0, kTokenDigits);
}

bool ThirdPersons::names_somebody(std::string_view text) const {
  for (const std::string& name : names_) {
    if (text.find(name) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

json ThirdPersons::shown(const json& value) const {
  return shown_at(value, 0);
}

json ThirdPersons::shown_at(const json& value, int depth) const {
  if (depth > kDeepest) {
    return kWithheld;
  }
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text == subject_) {
      return value;
    }
    if (names_.contains(text)) {
      return shown(std::string_view{text});
    }
    return names_somebody(text) ? json(kWithheld) : value;
  }
  if (value.is_array()) {
    json list = json::array();
    for (const json& item : value) {
      list.push_back(shown_at(item, depth + 1));
    }
    return list;
  }
  if (value.is_object()) {
    json object = json::object();
    for (const auto& [key, item] : value.items()) {
      if (!names_somebody(key)) {
        object[key] = shown_at(item, depth + 1);
      }
    }
    return object;
  }
  // A person may be a number: 4711 under a key that stays would still name them.
  const std::string text = value.dump();
  return names_.contains(text) ? json(shown(std::string_view{text})) : value;
}

ExportContents export_contents(Database& database,
                               const Settings& settings,
                               const ExportRequest& request) {
  const Subject subject{.tenant = request.tenant, .person = request.subject};
  ExportContents contents{.head = head_of(request)};
  for (const ErasureModule& module : settings.erasure.modules) {
    for (const ModuleTable& table : module.tables) {
      database.subjects().require_module_table(table);
      contents.tables.push_back(
          module_table(database, module, table, subject, contents.tables.size() + 1));
    }
  }
  const auto reader =
      std::make_shared<AuditReader>(AuditReader{.database = database,
                                                .settings = settings,
                                                .persons = ThirdPersons{request.subject},
                                                .said = {},
                                                .more = export_columns(database, settings)});
  for (const std::set<std::string>* names :
       {&settings.administrators, &settings.trusted_services}) {
    for (const std::string& name : *names) {
      reader->persons.meet(name);
    }
  }
  contents.tables.push_back(audit_table(reader,
                                        {.place = LogPlace::log,
                                         .title = "audit log",
                                         .table = settings.events.table,
                                         .entry = "audit/audit-log"},
                                        subject));
  contents.tables.push_back(audit_table(reader,
                                        {.place = LogPlace::own_events,
                                         .title = "audit rows of Holdfast's own table",
                                         .table = "holdfast_event",
                                         .entry = "audit/holdfast-events"},
                                        subject));
  meet_whoever_is_said(*reader);
  return contents;
}

}  // namespace holdfast
