// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_desk.h"
#include "jobs/cli/render_archive.h"
#include "jobs/cli/verbs.h"
#include "jobs/run_lock.h"

namespace holdfast {
namespace {

using nlohmann::json;

void add_list_and_verify(CLI::App& archive, ChosenVerb& chosen) {
  CLI::App* verb = add_verb(archive,
                            "list",
                            "the archives, what is in them, when they are destroyed",
                            "  holdfast archive list --json",
                            chosen);
  verb->callback([&chosen] {
    chosen.carry_out = [](Session& session) {
      answer(session, list_archives(session.desk(Access::read_only)), render_archives);
      return ExitStatus::done;
    };
  });
  const auto run = std::make_shared<std::int64_t>(0);
  verb = add_verb(archive,
                  "verify",
                  "read archives again and check every byte and row",
                  "  holdfast archive verify\n  holdfast archive verify 12",
                  chosen);
  verb->add_option("run", *run, "the run whose archive is checked; left out: all")
      ->check(CLI::PositiveNumber);
  verb->callback([&chosen, run] {
    chosen.carry_out = [run](Session& session) {
      const json result = verify_archives(session.desk(Access::read_only), *run);
      answer(session, result, render_archive_check);
      return result.at("ok").get<bool>() ? ExitStatus::done : ExitStatus::failed;
    };
  });
}

void add_restore(CLI::App& archive, ChosenVerb& chosen) {
  const auto run = std::make_shared<std::int64_t>(0);
  const auto keys = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = add_verb(archive,
                            "restore",
                            "put the rows that a run deleted back into the log",
                            "  holdfast archive restore 12\n"
                            "  holdfast archive restore 12 --key 4711 --key 4712",
                            chosen);
  verb->add_option("run", *run, "the run that deleted the rows")->required();
  verb->add_option("--key", *keys, "only the row with this id; may be given again")
      ->take_all()
      ->allow_extra_args(false);
  verb->callback([&chosen, run, keys] {
    chosen.carry_out = [run, keys](Session& session) {
      // A run counts the rows: it and a restore keep out of each other's way.
      const RunLock lock = session.lock_runs();
      const json result = restore_archive(session.desk(Access::read_write), *run, *keys);
      answer(session, result, render_restored);
      return result.at("not_in_it").empty() ? ExitStatus::done : ExitStatus::refused;
    };
  });
}

void add_destroy(CLI::App& archive, ChosenVerb& chosen) {
  const auto run = std::make_shared<std::int64_t>(0);
  const auto reason = std::make_shared<std::string>();
  CLI::App* verb = add_verb(archive,
                            "destroy",
                            "destroy an archive before its time, unless a hold covers a row in it",
                            "  holdfast archive destroy 12 --reason \"copied to the vault\"",
                            chosen);
  verb->add_option("run", *run, "the run whose archive goes")->required();
  verb->add_option("--reason", *reason, "why, for an auditor")->required();
  verb->callback([&chosen, run, reason] {
    chosen.carry_out = [run, reason](Session& session) {
      const RunLock lock = session.lock_runs();
      answer(session,
             destroy_one_archive(session.desk(Access::read_write), *run, *reason),
             render_destroyed_archive);
      return ExitStatus::done;
    };
  });
}

}  // namespace

void add_archive_verbs(CLI::App& app, ChosenVerb& chosen) {
  CLI::App* archive = add_group(app,
                                "archive",
                                "the archives of deleted rows",
                                "  holdfast archive list\n  holdfast archive verify");
  add_list_and_verify(*archive, chosen);
  add_restore(*archive, chosen);
  add_destroy(*archive, chosen);
}

}  // namespace holdfast
