// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/job_error.h"
#include "jobs/overview.h"
#include "jobs/row_desk.h"

namespace holdfast {
namespace {

std::string render_record(const nlohmann::json& record) {
  if (record.contains("record_lost")) {
    return "run " + record.at("run").dump() + " ended as " + cell(record.at("outcome")) +
           " and deleted " + record.at("deleted").dump() +
           " rows; a restored backup has forgotten its record\n";
  }
  return record.at("outcome") == "open"
             ? "run " + record.at("run").dump() + " is open, in phase " + cell(record.at("phase")) +
                   ": still going, or dead; the next run will tell\n"
             : render_run(record);
}

ExitStatus report(Session& session, const std::string& which) {
  const Desk desk = session.desk(Access::read_only);
  if (which == "list") {
    answer(session, list_runs(desk), render_runs);
    return ExitStatus::done;
  }
  std::int64_t run = 0;
  if (!which.empty()) {
    const auto [end, problem] = std::from_chars(which.data(), which.data() + which.size(), run);
    if (problem != std::errc{} || end != which.data() + which.size() || run <= 0) {
      throw JobError(ExitStatus::invalid,
                     "report takes the number of a run, or \"list\": " + which);
    }
  }
  answer(session, run_record(desk, run), render_record);
  return ExitStatus::done;
}

}  // namespace

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
  const auto which = std::make_shared<std::string>();
  verb = add_verb(app,
                  "report",
                  "one run as it was recorded: the last one, or the one named",
                  "  holdfast report\n  holdfast report 12 --json\n  holdfast report list",
                  chosen);
  verb->add_option("run", *which, "the number of a run, or \"list\"");
  verb->callback([&chosen, which] {
    chosen.carry_out = [which](Session& session) {
      return report(session, *which);
    };
  });
}

}  // namespace holdfast
