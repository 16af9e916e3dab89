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

ExitStatus verify(Session& session, const VerifyOptions& options) {
  const Desk desk = session.desk(Access::read_only);
  VerifyWishes wishes{.since = options.since};
  std::unique_ptr<Database> backup;
  if (!options.against.empty()) {
    OpenOptions where = open_options(session.settings());
    if (!where.url.empty()) {
      throw JobError(ExitStatus::invalid,
                     "--against compares with a SQLite file; for a database of PostgreSQL leave it "
                     "out");
    }
    std::error_code unknown;
    if (std::filesystem::equivalent(options.against, where.path, unknown)) {
      throw JobError(ExitStatus::invalid,
                     options.against + ": is the database itself and no backup of it");
    }
    where.path = options.against;
    where.read_only = true;
    backup = open_database(where);
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
                            "  holdfast verify --against old/audit.db",
                            chosen);
  verb->add_option("--against",
                   options->against,
                   "a backup of the database from before some runs: the digests of what they "
                   "deleted are recomputed from it");
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
                  "write the database file anew without its free pages; deletes no row",
                  "  holdfast vacuum",
                  chosen);
  verb->callback([&chosen] { chosen.carry_out = vacuum; });
}

}  // namespace holdfast
