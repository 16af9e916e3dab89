// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/nightly_run.h"

#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>

#include "jobs/cli/config_file.h"
#include "jobs/cli/identity.h"
#include "jobs/cli/invalid_run.h"
#include "jobs/cli/render.h"
#include "jobs/cli/report_folder.h"
#include "jobs/json_text.h"
#include "jobs/prune_run.h"
#include "jobs/run_errors.h"
#include "jobs/run_lock.h"

namespace holdfast {
namespace {

using nlohmann::json;

// A signal handler can reach nothing but what has static storage.
StopFlag g_stop;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

extern "C" void raise_stop(int /*signal*/) {
  g_stop.raise();
}

void listen_for_signals() {
  struct sigaction action {};
  action.sa_handler = raise_stop;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

/// How a run ended, and what it left open for whoever is told of it.
struct EndedRun {
  RunReport report;
  std::unique_ptr<RunLock> lock;    ///< none where there was nothing to lock
  std::unique_ptr<Database> aside;  ///< opened for the record of a run that could not start
  Database* database = nullptr;     ///< null where none could be opened
};

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

RunDependencies dependencies(Session& session, Database& database) {
  return {.database = database,
          .clock = session.clock(),
          .observer = session.observer(),
          .stop = g_stop,
          .started_by = acting_person({.database = database.path()}),
          .host = host_name(),
          .process = ::getpid()};
}

/// The record as values but for its holds, which no sentence needs.
json told_of(const RunReport& report) {
  if (report.sealed.empty()) {
    return report_json(report);
  }
  return json::parse(report.sealed, [](int depth, json::parse_event_t event, const json& part) {
    return depth != 1 || event != json::parse_event_t::key || part != "holds";
  });
}

void print_run(Session& session, const RunReport& report) {
  if (session.console().json()) {
    if (report.sealed.empty()) {
      Console::print_json(report_json(report));
    } else {
      Console::print_json_text(report.sealed);
    }
    if (report.error) {
      Console::complain(report.error->message);
    }
    return;
  }
  const bool well = exit_status(report.outcome) == ExitStatus::done;
  if (well && !session.console().talkative()) {
    return;
  }
  const json result = told_of(report);
  if (session.console().talkative()) {
    Console::print(render_run(result));
  } else if (report.outcome == Outcome::failed && report.error) {
    // The log says why; an alert that reads only stderr has to see it too.
    Console::print(render_run_line(result));
    Console::complain(report.error->message);
  } else {
    Console::print(render_run_line(result) +
                   (report.error ? ": " + plain_lines(report.error->message) : std::string{}));
  }
}

RunReport report_without_database(Session& session, Outcome outcome, const RunError& error) {
  RunReport report;
  report.outcome = outcome;
  report.error = error;
  report.clock.system_now = session.clock().now();
  report.clock.as_of = report.clock.system_now;
  return report;
}

/// A run whose configuration cannot be used still leaves its AUDIT_PRUNE_RUN_FAILED, where the file
/// says enough to find the log.
void run_invalid(Session& session, const std::exception& problem, EndedRun& ended) {
  const RunError error{.reason = "config", .message = problem.what()};
  Console::complain(error.message);
  ended.report = report_without_database(session, Outcome::invalid, error);
  try {
    const std::optional<OpenOptions> where = salvage_database(session.options().config);
    if (where) {
      ended.lock = std::make_unique<RunLock>(where->path);
      ended.aside = open_sqlite(*where);
      RunDependencies with = dependencies(session, *ended.aside);
      with.lock = ended.lock.get();
      ended.report = PruneRun::record_invalid(with, error);
    }
  } catch (const std::exception& further) {
    session.observer().warn(std::string("the failed run could not be recorded: ") + further.what());
  }
  if (session.console().json()) {
    Console::print_json(report_json(ended.report));
  }
}

/// A log that is not as [events] says: the run that could not start is recorded beside it, where
/// Holdfast's own tables can be written.
void record_without_log(Session& session, const RunError& error, EndedRun& ended) {
  OpenOptions where = open_options(session.settings());
  where.registers_only = true;
  where.own_events_into_log = false;
  try {
    ended.aside = open_sqlite(where);
    ended.report = PruneRun::record_invalid(dependencies(session, *ended.aside), error);
  } catch (const StorageError& further) {
    // Before `init` there is no ledger yet, and nobody expects a line in it.
    if (further.trouble() != StorageTrouble::not_set_up) {
      session.observer().warn(std::string("the failed run could not be recorded: ") +
                              further.what());
    }
  }
}

/// The run could not even open its database.
void run_unopened(Session& session, const std::exception& problem, EndedRun& ended) {
  const RunError error = run_error(problem, session.settings().database.string());
  const Outcome outcome = error.reason == "mapping" ? Outcome::invalid : Outcome::failed;
  Console::complain(error.message);
  ended.report = report_without_database(session, outcome, error);
  if (outcome == Outcome::invalid) {
    record_without_log(session, error, ended);
  }
  if (session.console().json()) {
    Console::print_json(report_json(ended.report));
  }
}

void run_opened(Session& session, EndedRun& ended) {
  RunDependencies with = dependencies(session, *ended.database);
  with.programs = &session.programs();
  with.keys = &session.keys();
  with.archives = session.archives();
  with.exports = session.exports();
  with.witness = &session.witness();
  with.lock = ended.lock.get();
  with.open_reader = [&session] {
    return session.open_reader();
  };
  ended.report = PruneRun(with, session.settings()).execute();
  print_run(session, ended.report);
}

void run(Session& session, EndedRun& ended) {
  const Settings* settings = nullptr;
  try {
    settings = &session.settings();
  } catch (const ConfigError& error) {
    run_invalid(session, error, ended);
    return;
  }
  if (!std::filesystem::exists(settings->database)) {
    run_unopened(
        session,
        StorageError(StorageTrouble::missing,
                     settings->database.string() + ": no such database: run \"holdfast init\", or "
                                                   "set [database].path right"),
        ended);
    return;
  }
  ended.lock = std::make_unique<RunLock>(settings->database);
  try {
    ended.database = &session.open(Access::read_write);
  } catch (const std::exception& error) {
    run_unopened(session, error, ended);
    return;
  }
  run_opened(session, ended);
}

/// A run that left nothing in the ledger leaves a note in the lock file: the next one records it.
void note_if_unrecorded(Session& session, EndedRun& ended) {
  const auto& error = ended.report.error;
  // Before `init` there is no ledger yet, and nobody expects a line in it.
  if (!ended.lock || ended.report.recorded || !error || error->reason == "not_set_up") {
    return;
  }
  if (!ended.lock->note_missed({.at = ended.report.clock.system_now, .error = *error})) {
    session.observer().warn("the failed run could not be noted in the lock file either");
  }
}

/// Whatever is told of a run, however it ended. Its outcome stands by now; none of this changes it.
void tell_others(Session& session, const EndedRun& ended) {
  if (ended.database != nullptr) {
    write_reports(session, *ended.database);
  }
}

}  // namespace

ExitStatus nightly_run(Session& session) {
  listen_for_signals();
  EndedRun ended;
  run(session, ended);
  note_if_unrecorded(session, ended);
  tell_others(session, ended);
  return exit_status(ended.report.outcome);
}

}  // namespace holdfast
