// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "jobs/cli/session.h"
#include "jobs/outcome.h"

#include <CLI/CLI.hpp>

namespace holdfast {

/// The verb that was chosen on the command line, ready to go.
struct ChosenVerb {
  CommonOptions common;
  std::function<ExitStatus(Session&)> carry_out;
};

/// A new verb with the options that every verb has, and examples at the end of its help.
[[nodiscard]] CLI::App* add_verb(CLI::App& parent,
                                 const std::string& name,
                                 const std::string& summary,
                                 const std::string& examples,
                                 ChosenVerb& chosen);

/// What stands at the end of the help of every verb: its exit statuses.
[[nodiscard]] std::string exit_statuses(const std::string& when = "the same for every verb");

/// A verb that only has verbs of its own, such as `hold`, with examples at the end of its help.
[[nodiscard]] CLI::App* add_group(CLI::App& app,
                                  const std::string& name,
                                  const std::string& summary,
                                  const std::string& examples);

// Each adds verbs to the command line; the callbacks only note what was chosen.
void add_run_verbs(CLI::App& app, ChosenVerb& chosen);       // init check plan approve run
void add_hold_verbs(CLI::App& app, ChosenVerb& chosen);      // hold, bookmark
void add_policy_verbs(CLI::App& app, ChosenVerb& chosen);    // policy, catalogue
void add_erasure_verbs(CLI::App& app, ChosenVerb& chosen);   // erasure
void add_export_verbs(CLI::App& app, ChosenVerb& chosen);    // export
void add_archive_verbs(CLI::App& app, ChosenVerb& chosen);   // archive
void add_overview_verbs(CLI::App& app, ChosenVerb& chosen);  // explain status
void add_verify_verbs(CLI::App& app, ChosenVerb& chosen);    // verify vacuum
void add_recover_verbs(CLI::App& app, ChosenVerb& chosen);   // recover
void add_report_verbs(CLI::App& app, ChosenVerb& chosen);    // report evidence
void add_config_verbs(CLI::App& app, ChosenVerb& chosen);    // config new

/// Prints the answer as JSON where that was asked for, otherwise as `text` renders it.
void answer(Session& session,
            const nlohmann::json& result,
            const std::function<std::string(const nlohmann::json&)>& text);

}  // namespace holdfast
