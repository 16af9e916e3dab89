// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jobs/outcome.h"
#include "policy/catalogue.h"
#include "policy/retention_policy.h"
#include "policy/retention_window.h"
#include "storage/log_mapping.h"
#include "storage/subject_store.h"

namespace holdfast {

/// Where Holdfast's own audit rows go. `automatic`: into the log where it is the table that `init`
/// makes, otherwise into holdfast_event.
enum class OwnEvents { automatic, log, holdfast };

/// How much one run may take, and for how long it may make others wait.
struct RunBudget {
  std::chrono::milliseconds max_lock{50};         ///< a write lock while others write
  std::chrono::milliseconds max_lock_idle{1000};  ///< while nobody else writes
  std::chrono::milliseconds max_time = std::chrono::hours{2};
  std::int64_t max_rows = 0;                          ///< 0: no limit
  std::int64_t cache_bytes = std::int64_t{48} << 20;  ///< of the database connection
  bool drop_partitions = false;  ///< those that are wholly due go as tables, not row by row
};

/// One [[erasure.module]]: tables that hold data of persons, and who says whether it must stay.
/// Shapes: exactly one of holds_sql, holds_command and says_no_holds.
struct ErasureModule {
  std::string name;
  std::vector<ModuleTable> tables;
  std::string holds_sql;                   ///< one query over this database that only reads
  std::vector<std::string> holds_command;  ///< program and arguments; run without a shell
  bool says_no_holds = false;              ///< holds = "none": it never has any, in so many words
  std::chrono::milliseconds time_limit = std::chrono::seconds{10};
};

/// The [erasure] section.
struct ErasureSettings {
  std::chrono::milliseconds cool_off = std::chrono::hours{24 * 14};
  std::filesystem::path key_folder;  ///< the tenants' keys; empty: beside the database
  /// Audit code to the metadata keys that stay when a row is pseudonymised; "*" is for every code.
  std::map<std::string, std::set<std::string>, std::less<>> keep_metadata;
  std::vector<ErasureModule> modules;
};

/// The [evidence] section.
struct EvidenceSettings {
  bool row_digest = true;  ///< a salted digest of every deleted row
  RetentionWindow keep_salts = {.count = 13, .unit = WindowUnit::months};
};

/// The [archive] section.
struct ArchiveSettings {
  std::filesystem::path directory;
  RetentionWindow keep;
  /// Why no archive can be written there; empty where one can. Not part of the file: whoever opens
  /// the database finds it out, and until then every row that is due stays.
  std::string fault = "nobody has looked whether the folder can be written";
};

/// The [webhook] section: who is told how a run ended.
struct WebhookSettings {
  std::string url;                    ///< may hold a token, so it is never printed whole
  std::filesystem::path secret_file;  ///< the key that bodies are signed with
  std::set<Outcome> on = {Outcome::failed, Outcome::invalid, Outcome::refused};
  bool allow_http = false;  ///< also beyond this machine
  std::chrono::milliseconds time_limit = std::chrono::seconds{30};
};

/// How lines of the log are written.
enum class LogFormat { text, json };

/// The [export] section.
struct ExportSettings {
  std::filesystem::path directory;
  RetentionWindow keep = {.count = 30, .unit = WindowUnit::days};  ///< counted from the making
  /// Columns of the log that [events] does not map and that belong into a copy all the same.
  std::vector<std::string> columns;
};

/// The file that the settings came from, for the report and the policy register.
struct ConfigSource {
  std::filesystem::path path;
  std::string sha256;  ///< lower-case hex of its bytes
  std::string owner;   ///< user name, or the number where there is none
  Instant modified_at;
};

/// The whole configuration as values: checked for form, not yet against a database.
struct Settings {
  ConfigSource source;
  /// Absolute, or relative to the configuration's folder resolved. With a url it is no file, but
  /// the path in the state directory beside which Holdfast's own files lie.
  std::filesystem::path database;
  std::string database_url;  ///< of a PostgreSQL database; empty: `database` is a SQLite file
  LogMapping events;
  Instant earliest_plausible;
  OwnEvents own_events = OwnEvents::automatic;
  Catalogue catalogue = Catalogue::built_in();
  std::string catalogue_url;
  RetentionPolicy retention;
  std::set<std::string> administrators;
  bool identity_by_flag = false;
  std::set<std::string> trusted_services;  ///< may request an erasure in a subject's name
  ErasureSettings erasure;
  SafetyPolicy safety;
  RunBudget run;
  std::filesystem::path witness_file;  ///< [witness].file, or beside the database
  bool witness_beside_database = true;
  EvidenceSettings evidence;
  std::optional<ArchiveSettings> archive;  ///< none: deleted rows are not archived
  std::optional<ExportSettings> exports;   ///< none: no copy of a person's data is made
  std::filesystem::path reports;           ///< [reports].directory; empty: no files are written
  std::filesystem::path metrics_textfile;  ///< [metrics].textfile; empty: no file is written
  std::optional<WebhookSettings> webhook;  ///< none: nobody is told of failures
  std::string log_level = "info";
  LogFormat log_format = LogFormat::text;
};

}  // namespace holdfast
