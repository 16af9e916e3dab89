// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/session.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "jobs/cli/config_file.h"
#include "jobs/cli/identity.h"
#include "jobs/cli/trusted_path.h"
#include "jobs/job_error.h"

namespace holdfast {

Session::Session(const CommonOptions& options)
    : options_(options),
      console_(std::make_unique<Console>(
          Console::Wishes{.json = options.json, .verbose = options.verbose})),
      observer_(std::make_unique<ConsoleObserver>(*console_)) {}

const Settings& Session::settings() {
  if (!settings_) {
    auto read = std::make_unique<Settings>(load_config(options_.config));
    require_state_directory(*read);
    settings_ = std::move(read);
    console_ = std::make_unique<Console>(Console::Wishes{.json = options_.json,
                                                         .verbose = options_.verbose,
                                                         .log_level = settings_->log_level,
                                                         .log_format = settings_->log_format});
    observer_ = std::make_unique<ConsoleObserver>(*console_);
  }
  return *settings_;
}

OpenOptions open_options(const Settings& settings) {
  return {.path = settings.database,
          .url = settings.database_url,
          .mapping = settings.events,
          .own_events_into_log = settings.own_events != OwnEvents::holdfast,
          .own_events_explicit = settings.own_events == OwnEvents::log,
          .cache_bytes = settings.run.cache_bytes};
}

std::filesystem::path owner_place(const Settings& settings) {
  return settings.database_url.empty() ? settings.database : settings.database.parent_path();
}

void require_state_directory(const Settings& settings) {
  if (settings.database_url.empty()) {
    return;
  }
  const std::filesystem::path folder = settings.database.parent_path();
  std::error_code unknown;
  if (!std::filesystem::is_directory(folder, unknown)) {
    throw ConfigError{
        folder.string() +
        ": [database].state_directory is no folder that is there: make it, for whoever "
        "runs holdfast alone (install -d -m 0700)"};
  }
  if (const auto refusal = why_not_trust(folder)) {
    throw ConfigError{folder.string() +
                      ": [database].state_directory is not used, because who can change what is in "
                      "it decides what is deleted: " +
                      *refusal};
  }
}

RunLock Session::lock_runs() {
  wants_run_lock_ = true;
  return RunLock{settings().database};
}

Database& Session::open(Access access) {
  OpenOptions options = open_options(settings());
  options.read_only = access == Access::read_only;
  database_ = open_database(options);
  if (wants_run_lock_ && access == Access::read_write && !database_->take_run_lock()) {
    throw JobError(ExitStatus::another_run,
                   database_->path() +
                       ": another run, maybe on another machine, holds the lock in the database; "
                       "that run is the one that counts, nothing was done here");
  }
  if (settings_->archive) {
    settings_->archive->fault = archives()->fault();
  }
  return *database_;
}

std::unique_ptr<Database> Session::open_reader() {
  constexpr std::int64_t kReaderCache = std::int64_t{2} << 20;  // each page is read once
  OpenOptions options = open_options(settings());
  options.read_only = true;
  options.cache_bytes = std::min(options.cache_bytes, kReaderCache);
  return open_database(options);
}

std::string Session::database_name() const {
  return settings_ ? database_label(open_options(*settings_)) : options_.config.string();
}

std::string Session::who() {
  return acting_person(
      {.database = owner_place(settings()),
       .by_flag = options_.as,
       .trust_flag = database_ ? identity_flag_trusted(*database_, settings(), clock_.now())
                               : settings().identity_by_flag});
}

Desk Session::desk(Access access) {
  Database& database = open(access);
  return {.database = database,
          .settings = settings(),
          .now = clock_.now(),
          .who = access == Access::read_only && options_.as.empty() ? std::string{} : who(),
          .observer = *observer_,
          .programs = &programs_,
          .keys = &keys(),
          .archives = archives(),
          .witness = &witness(),
          .exports = exports(),
          .open_reader = [this] {
            return open_reader();
          }};
}

Desk Session::personal_desk(Access access) {
  Desk result = desk(access);
  result.who = who();
  return result;
}

ArchiveStore* Session::archives() {
  if (!archives_ && settings().archive) {
    archives_ = std::make_unique<ArchiveFiles>(settings().archive->directory);
  }
  return archives_.get();
}

ExportStore* Session::exports() {
  if (!exports_ && settings().exports) {
    exports_ = std::make_unique<ExportFiles>(settings().exports->directory);
  }
  return exports_.get();
}

ErasureKeys& Session::keys() {
  if (!keys_) {
    keys_ = std::make_unique<KeyFiles>(key_folder(settings()));
  }
  return *keys_;
}

Witness& Session::witness() {
  if (!witness_) {
    witness_ = std::make_unique<WitnessFile>(witness_path(settings()));
  }
  return *witness_;
}

}  // namespace holdfast
