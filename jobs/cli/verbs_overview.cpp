// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/overview.h"
#include "jobs/row_desk.h"

namespace holdfast {
void add_overview_verbs(CLI::App& app, ChosenVerb& chosen) {
  const auto id = std::make_shared<std::string>();
  CLI::App* verb = add_verb(app,
                            "explain",
                            "one row: why it stays or goes, test by test",
                            "  holdfast explain 120384",
                            chosen);
  verb->add_option("id", *id, "the row's id")->required();
  verb->callback([&chosen, id] {
    chosen.carry_out = [id](Session& session) {
      answer(session, explain_id(session.desk(Access::read_only), *id), render_explain);
      return ExitStatus::done;
    };
  });
  verb = add_verb(app,
                  "status",
                  "last success and its age, rows waiting, holds past review",
                  "  holdfast status --json",
                  chosen);
  verb->callback([&chosen] {
    chosen.carry_out = [](Session& session) {
      answer(session, status_now(session.desk(Access::read_only)), render_status);
      return ExitStatus::done;
    };
  });
}

}  // namespace holdfast
