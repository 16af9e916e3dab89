// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/config_file.h"
#include "jobs/cli/nagios.h"
#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/overview.h"
#include "jobs/row_desk.h"
#include "jobs/run_errors.h"

namespace holdfast {
namespace {

constexpr std::int64_t kMostHours = 24 * 365;
constexpr const char* kStatusExamples =
    "  holdfast status\n  holdfast status --json\n  holdfast status --nagios\n"
    "  holdfast status --nagios --warning-hours 40 --critical-hours 80\n"
    "With --nagios:\n"
    "  one line with figures, from ledger, registers and witness file, without a look at the log,\n"
    "  and the statuses of that convention:\n"
    "  2 CRITICAL  no success for 60 h; the last run failed, died, was refused or invalid, or could\n"
    "              not be recorded; an erasure overdue; witness file and database do not agree\n"
    "  1 WARNING   no success for 36 h, or none yet; categories left whole by the safety limit;\n"
    "              7 runs in a row that stopped early; holds past review; erasures due in a week\n"
    "  3 UNKNOWN   configuration or database cannot be read\n"
    "  0 OK        anything else";

/// The statuses of that convention are not those of the other verbs.
ExitStatus as_exit(PluginStatus status) {
  return static_cast<ExitStatus>(status);
}

struct NagiosWish {
  bool wanted = false;
  std::int64_t warning_hours = 36;
  std::int64_t critical_hours = 60;
  std::int64_t partial_nights = 7;
};

ExitStatus tell_nagios(Session& session, const NagiosWish& wish) {
  try {
    const Desk desk = session.desk(Access::read_only);
    if (!desk.database.is_set_up()) {
      Console::print(unknown_line(session.database_name() +
                                  ": Holdfast's own tables are not there: \"holdfast init\""));
      return as_exit(PluginStatus::unknown);
    }
    const Health health = judge_health(read_health(desk),
                                       {.old_success = std::chrono::hours{wish.warning_hours},
                                        .very_old_success = std::chrono::hours{wish.critical_hours},
                                        .partial_nights = wish.partial_nights});
    Console::print(plugin_line(health));
    return as_exit(plugin_status(health));
  } catch (const ConfigError& error) {
    Console::print(unknown_line(error.what()));
  } catch (const std::exception& error) {
    Console::print(unknown_line(run_error(error, session.database_name()).message));
  }
  return as_exit(PluginStatus::unknown);
}

void add_status(CLI::App& app, ChosenVerb& chosen) {
  const auto wish = std::make_shared<NagiosWish>();
  CLI::App* verb = add_verb(app,
                            "status",
                            "last success and its age, rows waiting, holds past review",
                            kStatusExamples,
                            chosen);
  verb->footer(std::string("Examples:\n") + kStatusExamples + "\n" +
               exit_statuses("without --nagios those of every verb"));
  CLI::Option* nagios = verb->add_flag(
      "--nagios", wish->wanted, "one line for a monitor, with exit statuses of its own");
  const auto add_limit = [&](const char* name, std::int64_t& value, const char* what) {
    verb->add_option(name, value, what)
        ->needs(nagios)
        ->check(CLI::Range(std::int64_t{1}, kMostHours))
        ->capture_default_str();
  };
  add_limit("--warning-hours", wish->warning_hours, "a last success this old is a WARNING");
  add_limit("--critical-hours", wish->critical_hours, "a last success this old is CRITICAL");
  add_limit(
      "--partial-nights", wish->partial_nights, "so many partial runs in a row are a WARNING");
  verb->callback([&chosen, wish] {
    chosen.carry_out = [wish](Session& session) {
      if (wish->wanted) {
        return tell_nagios(session, *wish);
      }
      answer(session, status_now(session.desk(Access::read_only)), render_status);
      return ExitStatus::done;
    };
  });
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
  add_status(app, chosen);
}

}  // namespace holdfast
