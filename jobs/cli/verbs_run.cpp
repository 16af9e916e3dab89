// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>

#include "jobs/cli/config_file.h"
#include "jobs/cli/identity.h"
#include "jobs/cli/monitoring_check.h"
#include "jobs/cli/nightly_run.h"
#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/cli/witness_file.h"
#include "jobs/cli/written_file.h"
#include "jobs/digest.h"
#include "jobs/export_desk.h"
#include "jobs/export_upkeep.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/overview.h"
#include "jobs/plan_desk.h"
#include "jobs/run_lock.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kIdentityBytes = 16;

std::string render_init(const json& result) {
  std::string text;
  for (const json& line : result.at("done")) {
    text += cell(line) + "\n";
  }
  return text + "next: holdfast plan\n";
}

/// Writes the suggested configuration where there is none. Returns true where it did.
bool write_config_if_missing(const CommonOptions& options) {
  if (std::filesystem::exists(options.config)) {
    return false;
  }
  const std::string person = acting_person({.database = options.config.parent_path()});
  write_fresh_file(options.config, suggested_config("audit.db", person), Readers::owner);
  return true;
}

/// Nobody destroys a copy of a person's data, or hands it out, once the registers are gone.
void destroy_copies(Session& session, std::vector<std::string>& said) {
  const Desk desk = session.desk(Access::read_only);
  if (desk.database.exports().kept().empty()) {
    return;
  }
  const std::vector<std::string> left = destroy_all_exports(desk.database, desk.exports);
  said.insert(said.end(), left.begin(), left.end());
  if (left.empty()) {
    said.emplace_back("destroyed the copies of persons' data in [export].directory");
  }
}

/// The registers are evidence: they are put beside the database before their tables go.
std::filesystem::path save_registers(Session& session) {
  const Desk desk = session.desk(Access::read_only);
  std::filesystem::path file = session.settings().database;
  file += ".holdfast-registers-" + std::to_string(to_unix_ms(desk.now)) + ".json";
  json registers = export_registers(desk);
  registers["exports"] = list_exports(desk, /*ended_too=*/true).at("exports");
  write_fresh_file(file, registers.dump(2) + "\n", Readers::owner);
  return file;
}

InitReport take_out(Session& session) {
  std::vector<std::string> saved;
  if (session.open(Access::read_only).is_set_up()) {
    saved.push_back("saved the registers in " + save_registers(session).string());
    destroy_copies(session, saved);
  }
  session.close();
  InitReport report = remove_own_tables(open_options(session.settings()));
  report.done.insert(report.done.begin(), saved.begin(), saved.end());
  const std::string aside =
      set_witness_aside(witness_path(session.settings()), session.clock().now());
  if (!aside.empty()) {
    report.done.push_back("moved the witness file to " + aside);
    report.changed = true;
  }
  return report;
}

enum class InitWish { make, make_with_guards, remove };

ExitStatus init(Session& session, InitWish wish) {
  const bool remove_tables = wish == InitWish::remove;
  const Guards guards = wish == InitWish::make_with_guards ? Guards::set : Guards::as_they_are;
  const bool wrote = !remove_tables && write_config_if_missing(session.options());
  const OpenOptions options = open_options(session.settings());
  const RunLock lock = session.lock_runs();
  const InitReport report =
      remove_tables
          ? take_out(session)
          : init_database(options, random_hex(kIdentityBytes), session.clock().now(), guards);
  json result = {{"done", json::array()}, {"changed", report.changed || wrote}};
  if (wrote) {
    result["done"].push_back("wrote " + utf8_text(session.options().config.string()) +
                             " with suggested windows: read it before the first run");
  }
  for (const std::string& line : report.done) {
    result["done"].push_back(utf8_text(line));
  }
  answer(session, result, render_init);
  return ExitStatus::done;
}

/// A table that does not fit, or that others refer to: nothing else can be looked at.
ExitStatus check_unmapped(Session& session, const StorageError& error) {
  Console::complain(error.what());
  if (session.console().json()) {
    const std::string sentence = utf8_text(error.what());
    json result = {{"findings", json::array()},
                   {"rows", nullptr},
                   {"error", {{"reason", "mapping"}, {"message", sentence}}}};
    result["findings"].push_back({{"weight", "wrong"}, {"message", sentence}});
    Console::print_json(result);
  }
  return ExitStatus::invalid;
}

/// Why a run by whoever asks would fail before it begins; empty: it would not.
std::string why_no_run(const Settings& settings) {
  const std::filesystem::path folder = settings.database.has_parent_path()
                                           ? settings.database.parent_path()
                                           : std::filesystem::path(".");
  for (const std::filesystem::path& place : {owner_place(settings), folder}) {
    if (::access(place.c_str(), W_OK) != 0) {
      return place.string() + " may not be written by whoever asks this (user " +
             std::to_string(::geteuid()) +
             "), so a run by the same user would fail: run holdfast as the user of the database";
    }
  }
  return {};
}

ExitStatus check(Session& session) {
  json result;
  try {
    result = check_everything(session.desk(Access::read_only));
  } catch (const StorageError& error) {
    if (error.trouble() != StorageTrouble::mapping) {
      throw;
    }
    return check_unmapped(session, error);
  }
  if (const std::string fault = why_no_run(session.settings()); !fault.empty()) {
    result["findings"].push_back({{"weight", "doubtful"}, {"message", utf8_text(fault)}});
  }
  for (const std::string& fault : monitoring_faults(session.settings())) {
    result["findings"].push_back({{"weight", "doubtful"}, {"message", utf8_text(fault)}});
  }
  if (session.settings().webhook) {
    result["findings"].push_back(
        {{"weight", "good to know"},
         {"message",
          "a webhook is set: the systemd unit of the package has no network, so under it this needs "
          "the drop-in network.conf of /usr/share/doc/holdfast/examples"}});
  }
  answer(session, result, render_check);
  for (const json& finding : result.at("findings")) {
    if (finding.at("weight") == "wrong") {
      return ExitStatus::refused;
    }
  }
  return ExitStatus::done;
}

ExitStatus plan(Session& session, const PlanRequest& request) {
  const Desk desk = session.desk(request.save ? Access::read_write : Access::read_only);
  answer(session, show_plan(desk, request), render_plan);
  return ExitStatus::done;
}

ExitStatus approve(Session& session, const std::string& digest, bool clock) {
  if (clock == !digest.empty()) {
    throw JobError(ExitStatus::invalid, "approve takes the digest of a saved plan, or --clock");
  }
  const Desk desk = session.desk(Access::read_write);
  answer(session, clock ? approve_clock(desk) : approve_plan(desk, digest), render_approval);
  return ExitStatus::done;
}

PlanRequest complete(PlanRequest request, const std::string& as_of, const std::string& rows) {
  if (!as_of.empty()) {
    const auto instant = parse_rfc3339(as_of);
    if (!instant) {
      throw JobError(ExitStatus::invalid, "--as-of " + as_of + ": " + instant.error());
    }
    request.as_of = *instant;
  }
  if (!rows.empty()) {
    request.rows = rows;
  }
  return request;
}

void add_plan(CLI::App& app, ChosenVerb& chosen) {
  const auto request = std::make_shared<PlanRequest>();
  const auto as_of = std::make_shared<std::string>();
  const auto rows = std::make_shared<std::string>();
  CLI::App* verb = add_verb(app,
                            "plan",
                            "the dry run: what the next run would delete and keep, and why",
                            "  holdfast plan\n  holdfast plan --save\n"
                            "  holdfast plan --as-of 2027-01-01 --json",
                            chosen);
  verb->add_option("--as-of", *as_of, "look ahead: a date or RFC 3339 instant; cannot be saved");
  verb->add_flag("--save", request->save, "store the plan for approval and print its digest");
  verb->add_option(
      "--rows", *rows, "write every row's id and reason to this new file, one JSON a line");
  verb->callback([&chosen, request, as_of, rows] {
    chosen.carry_out = [request, as_of, rows](Session& session) {
      return plan(session, complete(*request, *as_of, *rows));
    };
  });
}

}  // namespace

void add_run_verbs(CLI::App& app, ChosenVerb& chosen) {
  const auto remove = std::make_shared<bool>(false);
  const auto guard = std::make_shared<bool>(false);
  CLI::App* verb = add_verb(app,
                            "init",
                            "make a database, or Holdfast's tables beside an audit log",
                            "  holdfast init\n  holdfast init --config /etc/holdfast.toml\n"
                            "  holdfast init --guard\n  holdfast init --remove",
                            chosen);
  CLI::Option* out = verb->add_flag(
      "--remove",
      *remove,
      "take Holdfast's own tables out again, and copies of persons' data with them; the log stays");
  verb->add_flag("--guard",
                 *guard,
                 "triggers by which SQLite refuses others to delete or change rows that are held, "
                 "stamped or not due, and Holdfast's own lines")
      ->excludes(out);
  verb->callback([&chosen, remove, guard] {
    chosen.carry_out = [remove, guard](Session& session) {
      return init(session,
                  *remove  ? InitWish::remove
                  : *guard ? InitWish::make_with_guards
                           : InitWish::make);
    };
  });

  verb = add_verb(app,
                  "check",
                  "what is wrong or doubtful about configuration and data",
                  "  holdfast check\n  holdfast check --json",
                  chosen);
  verb->callback([&chosen] { chosen.carry_out = check; });

  add_plan(app, chosen);

  const auto digest = std::make_shared<std::string>();
  const auto clock = std::make_shared<bool>(false);
  verb = add_verb(app,
                  "approve",
                  "let a saved plan past the safety limits, or set the run clock",
                  "  holdfast approve 3f9a2c41d07b\n  holdfast approve --clock",
                  chosen);
  verb->add_option("digest", *digest, "the digest that plan --save printed, or its first letters");
  verb->add_flag("--clock", *clock, "set the run clock to the system clock");
  verb->callback([&chosen, digest, clock] {
    chosen.carry_out = [digest, clock](Session& session) {
      return approve(session, *digest, *clock);
    };
  });

  verb = add_verb(app,
                  "run",
                  "the nightly job",
                  "  holdfast run\n  holdfast run --json\n"
                  "  15 2 * * *  holdfast run --config /etc/holdfast/holdfast.toml",
                  chosen);
  verb->callback([&chosen] { chosen.carry_out = nightly_run; });
}

}  // namespace holdfast
