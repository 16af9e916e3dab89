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
#include "jobs/cli/log_format.h"
#include "jobs/cli/metrics_file.h"
#include "jobs/cli/render.h"
#include "jobs/cli/report_folder.h"
#include "jobs/cli/webhook.h"
#include "jobs/cli/webhook_body.h"
#include "jobs/digest.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/prune_run.h"
#include "jobs/run_errors.h"
#include "jobs/run_lock.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kDeliveryBytes = 16;

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
  bool beside_another = false;      ///< another run holds the lock, and is the one that counts
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
          .started_by = acting_person({.database = database.beside()}),
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

std::string limited_sentence(const RunReport& report) {
  return "run " + std::to_string(report.run_id) + " limited: the safety limit left " +
         std::to_string(report.figures.totals[Reason::limit]) +
         " rows that are due: look at \"holdfast plan --save\"";
}

/// What a mail of cron says on one line of stdout, whoever sorts lines by weight would not see.
/// What failed is complained of anyway.
void complain_where_collected(Session& session, const RunReport& report) {
  if (!session.console().log_is_collected()) {
    return;
  }
  if (report.outcome == Outcome::limited) {
    Console::complain(limited_sentence(report));
  } else if (report.error &&
             (report.outcome == Outcome::refused || report.outcome == Outcome::invalid ||
              (report.outcome == Outcome::failed && session.console().talkative()))) {
    Console::complain(report.error->message);
  }
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
    } else if (report.outcome == Outcome::limited && session.console().log_is_collected()) {
      Console::complain(limited_sentence(report));
    }
    return;
  }
  complain_where_collected(session, report);
  const bool well = exit_status(report.outcome) == ExitStatus::done;
  if (well && !session.console().talkative()) {
    if (stderr_is_journal()) {
      Console::print(render_run_line(told_of(report)));  // nobody gets a mail of it
    }
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

bool is_another_run(const std::exception& error) {
  const auto* job = dynamic_cast<const JobError*>(&error);
  return job != nullptr && job->status() == ExitStatus::another_run;
}

RunReport report_without_database(Session& session, Outcome outcome, const RunError& error) {
  RunReport report;
  report.outcome = outcome;
  report.error = error;
  report.clock.system_now = session.clock().now();
  report.clock.as_of = report.clock.system_now;
  return report;
}

/// Opens a database for the record of a run that could not start. The record closes runs that died,
/// so none may be going on, wherever it is.
void open_aside(const OpenOptions& where, EndedRun& ended) {
  ended.aside = open_database(where);
  if (!ended.aside->take_run_lock()) {
    ended.beside_another = true;
    throw JobError(ExitStatus::another_run,
                   ended.aside->path() +
                       ": another run, maybe on another machine, holds the lock in the database");
  }
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
      open_aside(*where, ended);
      RunDependencies with = dependencies(session, *ended.aside);
      with.lock = ended.lock.get();
      ended.report = PruneRun::record_invalid(with, error);
    }
  } catch (const std::exception& further) {
    ended.beside_another = is_another_run(further);
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
    open_aside(where, ended);
    ended.report = PruneRun::record_invalid(dependencies(session, *ended.aside), error);
  } catch (const std::exception& further) {
    // Before `init` there is no ledger yet, and nobody expects a line in it.
    const auto* storage = dynamic_cast<const StorageError*>(&further);
    if (storage == nullptr || storage->trouble() != StorageTrouble::not_set_up) {
      session.observer().warn(std::string("the failed run could not be recorded: ") +
                              further.what());
    }
  }
}

/// The run could not even open its database.
void run_unopened(Session& session, const std::exception& problem, EndedRun& ended) {
  const RunError error = run_error(problem, session.database_name());
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
  std::error_code unknown;  // whoever opens it says what stands in the way
  if (settings->database_url.empty() && !std::filesystem::exists(settings->database, unknown) &&
      !unknown) {
    run_unopened(
        session,
        StorageError(StorageTrouble::missing,
                     settings->database.string() + ": no such database: run \"holdfast init\", or "
                                                   "set [database].path right"),
        ended);
    return;
  }
  ended.lock.reset(new RunLock(session.lock_runs()));
  try {
    ended.database = &session.open(Access::read_write);
  } catch (const std::exception& error) {
    if (is_another_run(error)) {
      throw;
    }
    run_unopened(session, error, ended);
    return;
  }
  run_opened(session, ended);
}

/// Not worth losing the note of a failed run for.
std::string who_started_it(Session& session) {
  try {
    return acting_person({.database = session.database_name()});
  } catch (const JobError&) {
    return "unknown";
  }
}

/// A run that left nothing in the ledger leaves a note in the lock file: the next one records it.
void note_if_unrecorded(Session& session, EndedRun& ended) {
  const auto& error = ended.report.error;
  // Before `init` there is no ledger yet, and nobody expects a line in it.
  if (!ended.lock || ended.report.recorded || !error || error->reason == "not_set_up") {
    return;
  }
  if (!ended.lock->note_missed({.at = ended.report.clock.system_now,
                                .error = *error,
                                .started_by = who_started_it(session),
                                .host = host_name()})) {
    session.observer().warn("the failed run could not be noted in the lock file either");
  }
}

/// Where those who watch are told, as far as the configuration can say.
SalvagedMonitoring monitoring_of(Session& session) {
  try {
    const Settings& settings = session.settings();
    return {.metrics_textfile = settings.metrics_textfile,
            .webhook = settings.webhook,
            .database = session.database_name()};
  } catch (const ConfigError&) {
    return salvage_monitoring(session.options().config);
  }
}

/// Whatever is told of a run, however it ended. Its outcome stands by now; none of this changes it.
void tell_others(Session& session, EndedRun& ended) {
  if (ended.beside_another) {
    return;
  }
  const SalvagedMonitoring told = monitoring_of(session);
  if (told.unread) {
    session.observer().warn(
        "nobody_told: [metrics] or [webhook] of the configuration could not be read, so metrics "
        "were not written or nobody was told how the run ended");
  }
  const std::optional<std::string> path =
      told.database ? std::optional{told.database->string()} : std::nullopt;
  if (!told.metrics_textfile.empty()) {
    write_metrics({.textfile = told.metrics_textfile,
                   .database_path = path,
                   .database = ended.database != nullptr ? ended.database : ended.aside.get(),
                   .report = ended.report},
                  session.clock(),
                  session.observer());
  }
  // After the metrics: reports are by far the most work.
  if (ended.database != nullptr) {
    write_reports(session, *ended.database);
  }
  if (told.webhook && told.webhook->on.contains(ended.report.outcome)) {
    // A server that does not answer holds up nobody else.
    ended.aside.reset();
    session.close();
    ended.database = nullptr;
    ended.lock.reset();
    const std::string delivery = random_hex(kDeliveryBytes);
    send_webhook(*told.webhook,
                 {.delivery = delivery,
                  .body = webhook_body({.host = host_name(),
                                        .database = path.value_or(""),
                                        .version = HOLDFAST_VERSION,
                                        .delivery = delivery},
                                       ended.report)},
                 session.clock(),
                 session.observer());
  }
}

/// A run that an error ended before it had a database to speak of, such as a lock file that cannot
/// be made.
void note_what_ended_it(Session& session, const std::exception& error, EndedRun& ended) {
  if (ended.report.recorded) {
    return;  // the run had ended by itself, and its outcome stands
  }
  const auto* job = dynamic_cast<const JobError*>(&error);
  const ExitStatus status = job == nullptr ? ExitStatus::failed : job->status();
  ended.report = report_without_database(session,
                                         status == ExitStatus::refused   ? Outcome::refused
                                         : status == ExitStatus::invalid ? Outcome::invalid
                                                                         : Outcome::failed,
                                         run_error(error, session.database_name()));
}

}  // namespace

ExitStatus nightly_run(Session& session) {
  listen_for_signals();
  EndedRun ended;
  try {
    run(session, ended);
  } catch (const std::exception& error) {
    if (!is_another_run(error)) {
      note_what_ended_it(session, error, ended);
      note_if_unrecorded(session, ended);
      tell_others(session, ended);
    }
    throw;
  }
  note_if_unrecorded(session, ended);
  tell_others(session, ended);
  return exit_status(ended.report.outcome);
}

}  // namespace holdfast
