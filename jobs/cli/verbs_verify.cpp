// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <memory>

#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/job_error.h"
#include "jobs/run_lock.h"
#include "jobs/vacuum.h"
#include "jobs/verify.h"

namespace holdfast {
namespace {

struct VerifyOptions {
  std::string against;
  std::int64_t since = 1;
};

/// A backup is of the same kind as the database: a file, or a url of where it was restored.
std::unique_ptr<Database> open_backup(OpenOptions where, const std::string& backup) {
  const bool on_server = !where.url.empty();
  const std::string itself = " is the database itself and no backup of it";
  if (const auto problem = place_problem(backup)) {
    throw JobError(ExitStatus::invalid, "--against " + *problem);
  }
  if (is_postgres_url(backup) != on_server) {
    throw JobError(ExitStatus::invalid,
                   on_server ? "--against: the database is on a server, so name the postgresql:// "
                               "url of the one that its backup was restored to"
                             : "--against: the database is a SQLite file, so name a copy of it");
  }
  std::error_code unknown;
  if (!on_server && std::filesystem::equivalent(backup, where.path, unknown)) {
    throw JobError(ExitStatus::invalid, backup + ":" + itself);
  }
  if (on_server && backup == where.url) {
    throw JobError(ExitStatus::invalid, postgres_label(backup) + ":" + itself);
  }
  if (on_server) {
    where.url = backup;
  } else {
    where.path = backup;
  }
  where.read_only = true;
  return open_database(where);
}

ExitStatus verify(Session& session, const VerifyOptions& options) {
  const Desk desk = session.desk(Access::read_only);
  VerifyWishes wishes{.since = options.since};
  std::unique_ptr<Database> backup;
  if (!options.against.empty()) {
    backup = open_backup(open_options(session.settings()), options.against);
    wishes.backup = backup.get();
  }
  const VerifyFindings findings = verify_everything(desk, wishes);
  answer(session, findings_json(findings), render_verify);
  return findings.problems.empty() ? ExitStatus::done : ExitStatus::failed;
}

ExitStatus vacuum(Session& session) {
  const RunLock lock = session.lock_runs();
  answer(session, vacuum_database(session.desk(Access::read_write)), render_vacuum);
  return ExitStatus::done;
}

}  // namespace

void add_verify_verbs(CLI::App& app, ChosenVerb& chosen) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* verb = add_verb(app,
                            "verify",
                            "recompute the chain of runs, and compare the log with it",
                            "  holdfast verify\n  holdfast verify --json\n"
                            "  holdfast verify --against old/audit.db\n"
                            "  holdfast verify --against postgresql://holdfast@/app_restored",
                            chosen);
  verb->add_option("--against",
                   options->against,
                   "a backup of the database from before some runs, or the url of where it was "
                   "restored: the digests of what they deleted are recomputed from it");
  verb->add_option("--since",
                   options->since,
                   "take rows that vanished before this run as known; the chain is always "
                   "recomputed whole")
      ->check(CLI::PositiveNumber);
  verb->callback([&chosen, options] {
    chosen.carry_out = [options](Session& session) {
      return verify(session, *options);
    };
  });
  verb = add_verb(app,
                  "vacuum",
                  "give back the room of deleted rows; deletes none",
                  "  holdfast vacuum",
                  chosen);
  verb->callback([&chosen] { chosen.carry_out = vacuum; });
}

}  // namespace holdfast
