// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/recovery.h"
#include "jobs/run_lock.h"

namespace holdfast {
namespace {

ExitStatus answer_recovery(Session& session, NewWitness wish) {
  const RunLock lock = session.lock_runs();
  const nlohmann::json result = recover(session.desk(Access::read_write), wish);
  answer(session, result, render_recovery);
  const bool all_done =
      result.at("erasures_held").empty() && result.at("erasures_unmatched").empty();
  return all_done ? ExitStatus::done : ExitStatus::refused;
}

}  // namespace

void add_recover_verbs(CLI::App& app, ChosenVerb& chosen) {
  const auto anew = std::make_shared<bool>(false);
  CLI::App* verb = add_verb(app,
                            "recover",
                            "after a restored backup: put back what the witness file knows",
                            "  holdfast recover\n"
                            "  holdfast recover --new-witness     the file is lost or damaged",
                            chosen);
  verb->add_flag("--new-witness",
                 *anew,
                 "begin a new witness file from the database; the old one is kept beside it");
  verb->callback([&chosen, anew] {
    chosen.carry_out = [anew](Session& session) {
      return answer_recovery(session, *anew ? NewWitness::yes : NewWitness::no);
    };
  });
}

}  // namespace holdfast
