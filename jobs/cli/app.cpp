// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/app.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "jobs/cli/config_file.h"
#include "jobs/cli/nagios.h"
#include "jobs/cli/verbs.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/run_errors.h"
#include "policy/spelling.h"
#include "storage/still_files.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

constexpr const char* kExitStatuses =
    "  0 done   1 failed   2 usage, config or policy invalid\n"
    "  3 stopped early at a budget, consistent, more to do\n"
    "  4 refused, or part left alone, by a safety limit or a rule\n"
    "  11 another run holds the lock   130 interrupted\n";

std::string default_config() {
  const char* set = std::getenv("HOLDFAST_CONFIG");  // NOLINT(concurrency-mt-unsafe): one thread
  return set == nullptr || *set == '\0' ? "holdfast.toml" : set;
}

ExitStatus status_of(const std::exception& error) {
  if (const auto* job = dynamic_cast<const JobError*>(&error)) {
    return job->status();
  }
  if (dynamic_cast<const ConfigError*>(&error) != nullptr) {
    return ExitStatus::invalid;
  }
  const auto* storage = dynamic_cast<const StorageError*>(&error);
  return storage != nullptr && storage->trouble() == StorageTrouble::mapping ? ExitStatus::invalid
                                                                             : ExitStatus::failed;
}

RunError described(const std::exception& error, const Session& session) {
  if (dynamic_cast<const ConfigError*>(&error) != nullptr) {
    return {.reason = "config", .message = error.what()};
  }
  return run_error(error, session.database_name());
}

/// The verb that the words lead to, and the first word that leads nowhere.
struct VerbPath {
  const CLI::App* verb = nullptr;
  std::string name;
  std::string stray;
};

const CLI::App* verb_named(const CLI::App& app, const std::string& name) {
  const auto named = [&name](const CLI::App* verb) {
    return verb->get_name() == name;
  };
  const std::vector<const CLI::App*> found = app.get_subcommands(named);
  return found.empty() ? nullptr : found.front();
}

VerbPath follow(const CLI::App& app, const std::vector<std::string>& words) {
  VerbPath path{.verb = &app, .name = "holdfast"};
  for (const std::string& word : words) {
    const CLI::App* next = verb_named(*path.verb, word);
    if (next == nullptr) {
      path.stray = word.empty() || word.front() == '-' ? std::string{} : word;
      break;
    }
    path.verb = next;
    path.name += " " + word;
  }
  return path;
}

/// The first option that the verb does not have, and what it most likely meant; empty where it has
/// all of them.
std::string unknown_option(const CLI::App& verb, const std::vector<std::string>& words) {
  std::vector<std::string> known;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      known.push_back("--" + name);
    }
  }
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (name == "--") {
      break;
    }
    if (name.starts_with("--") && std::find(known.begin(), known.end(), name) == known.end()) {
      const auto near = nearest_spelling(name, known);
      return "\"" + name + "\"" + (near ? " (did you mean \"" + *near + "\"?)" : "");
    }
  }
  return {};
}

/// What is wrong with the command line, in one sentence that says where to go on.
std::string usage_sentence(const VerbPath& path,
                           const std::vector<std::string>& words,
                           const CLI::ParseError& error) {
  std::vector<std::string> verbs;
  std::string listed;
  for (const CLI::App* verb : path.verb->get_subcommands(nullptr)) {
    verbs.push_back(verb->get_name());
    listed += (listed.empty() ? "" : ", ") + verb->get_name();
  }
  if (!verbs.empty()) {
    const auto near = nearest_spelling(path.stray, verbs);
    const std::string what = path.stray.empty()
                                 ? " has to be followed by a verb"
                                 : " has no verb \"" + path.stray + "\"" +
                                       (near ? " (did you mean \"" + *near + "\"?)" : "");
    return path.name + what + ": " + listed;
  }
  std::string what = error.what();
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    what = what.substr(what.find(": ") + 2) + " is not a whole number";
  }
  // A mistyped option may also be the one that is then missing.
  const std::string unknown = unknown_option(*path.verb, words);
  if (!unknown.empty()) {
    what = path.name + " has no option " + unknown;
  }
  return what + ": \"" + path.name + " --help\" says what it takes";
}

int refuse_usage(const CLI::App& app,
                 const std::vector<std::string>& words,
                 const CLI::ParseError& error) {
  const std::string sentence = usage_sentence(follow(app, words), words, error);
  Console::complain(sentence);
  if (std::find(words.begin(), words.end(), "--json") != words.end()) {
    Console::print_json({{"error", {{"reason", "usage"}, {"message", utf8_text(sentence)}}}});
  }
  if (std::find(words.begin(), words.end(), "--nagios") != words.end()) {
    Console::print(unknown_line(sentence));
    return static_cast<int>(PluginStatus::unknown);
  }
  return static_cast<int>(ExitStatus::invalid);
}

int complain_of(const std::exception& error, const ChosenVerb& chosen, const Session& session) {
  const RunError what = described(error, session);
  Console::complain(what.message);
  if (chosen.common.json) {
    Console::print_json(
        {{"error", {{"reason", what.reason}, {"message", utf8_text(what.message)}}}});
  }
  return static_cast<int>(status_of(error));
}

int carry_out(const ChosenVerb& chosen) {
  Session session(chosen.common);
  try {
    const ExitStatus status = chosen.carry_out(session);
    require_still_files();
    return static_cast<int>(status);
  } catch (const std::exception& error) {
    // What went wrong with a file that changed under its reader says nothing about the file.
    const auto changed = changed_still_file();
    return changed ? complain_of(*changed, chosen, session) : complain_of(error, chosen, session);
  }
}

}  // namespace

std::string exit_statuses(const std::string& when) {
  return "Exit statuses, " + when + ":\n" + kExitStatuses;
}

CLI::App* add_verb(CLI::App& parent,
                   const std::string& name,
                   const std::string& summary,
                   const std::string& examples,
                   ChosenVerb& chosen) {
  CLI::App* verb = parent.add_subcommand(name, summary);
  verb->add_option("--config",
                   chosen.common.config,
                   "the configuration (default holdfast.toml, or $HOLDFAST_CONFIG)");
  verb->add_flag("--json", chosen.common.json, "print the answer as JSON");
  verb->add_flag("--verbose", chosen.common.verbose, "print also what goes well, off a terminal");
  verb->add_option("--as",
                   chosen.common.as,
                   "who acts, where the configuration has [identity] trust_flag = true");
  verb->footer((examples.empty() ? std::string{} : "Examples:\n" + examples + "\n") +
               exit_statuses());
  return verb;
}

CLI::App* add_group(CLI::App& app,
                    const std::string& name,
                    const std::string& summary,
                    const std::string& examples) {
  CLI::App* group = app.add_subcommand(name, summary);
  group->require_subcommand(1);
  group->footer("Examples:\n" + examples + "\n" + exit_statuses());
  return group;
}

void answer(Session& session,
            const nlohmann::json& result,
            const std::function<std::string(const nlohmann::json&)>& text) {
  require_still_files();
  if (session.console().json()) {
    Console::print_json(result);
  } else {
    Console::print(text(result));
  }
}

int run_app(int argc, const char* const* argv) {
  CLI::App app{
      "holdfast prunes an audit log by per-category retention policies, and never deletes a row that "
      "a hold, a floor or the row's own stamp protects.",
      "holdfast"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("holdfast ") + HOLDFAST_VERSION);
  app.footer(
      std::string("Examples:\n"
                  "  holdfast init                    make a database and a configuration\n"
                  "  holdfast check                   is anything wrong or doubtful?\n"
                  "  holdfast plan --save             what would go, what would stay and why\n"
                  "  holdfast approve DIGEST          let a saved plan past the limits\n"
                  "  holdfast run                     the nightly job\n\n") +
      exit_statuses());
  ChosenVerb chosen;
  chosen.common.config = default_config();
  add_run_verbs(app, chosen);
  add_hold_verbs(app, chosen);
  add_erasure_verbs(app, chosen);
  add_policy_verbs(app, chosen);
  add_export_verbs(app, chosen);
  add_archive_verbs(app, chosen);
  add_overview_verbs(app, chosen);
  add_verify_verbs(app, chosen);
  add_recover_verbs(app, chosen);
  add_report_verbs(app, chosen);
  add_config_verbs(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return refuse_usage(app, {argv + 1, argv + argc}, error);
  }
  const int status = carry_out(chosen);
  if (std::cout.flush()) {
    return status;
  }
  Console::complain(
      "the answer could not be printed: the standard output is full or nobody reads it");
  // A run's outcome stands whoever reads it; for every other verb the answer is what was asked for.
  const bool lost = status == static_cast<int>(ExitStatus::done) && !app.got_subcommand("run");
  return lost ? static_cast<int>(ExitStatus::failed) : status;
}

}  // namespace holdfast
