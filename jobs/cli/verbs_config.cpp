// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <utility>

#include "jobs/cli/config_file.h"
#include "jobs/cli/identity.h"
#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/cli/written_file.h"
#include "jobs/config_draft.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "jobs/known_logs.h"
#include "policy/spelling.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr const char* kCodesFile = "codes.tsv";
constexpr std::size_t kListedTables = 10;
constexpr std::size_t kShownTables = 4;
constexpr int kClose = 1;  // scores that differ by no more are a draw
constexpr const char* kStateDirectory = "/var/lib/holdfast";

struct NewConfig {
  std::string database;  ///< a file, or a url
  std::filesystem::path out;
  std::string table;
  std::string state_directory;

  [[nodiscard]] bool on_server() const { return is_postgres_url(database); }
  [[nodiscard]] OpenOptions options() const {
    return on_server() ? OpenOptions{.url = database} : OpenOptions{.path = database};
  }
  /// As messages name it: of a url no more than the server and the database.
  [[nodiscard]] std::string shown() const { return database_label(options()); }
};

std::string reasons_of(const LogDraft& draft) {
  std::string text;
  for (const std::string& reason : draft.reasons) {
    text += (text.empty() ? "" : "; ") + reason;
  }
  return text;
}

std::string table_list(const std::vector<LogDraft>& drafts) {
  std::string text;
  for (std::size_t i = 0; i < std::min(drafts.size(), kListedTables); ++i) {
    text += (i == 0 ? "\"" : ", \"") + drafts[i].table + "\" (" + reasons_of(drafts[i]) + ")";
  }
  return text;
}

LogDraft named_draft(const std::vector<SampledTable>& tables, const NewConfig& wish) {
  std::vector<std::string> names;
  for (const SampledTable& table : tables) {
    if (table.table.name == wish.table) {
      return draft_of(table);
    }
    names.push_back(table.table.name);
  }
  const auto near = nearest_spelling(wish.table, names);
  throw JobError(ExitStatus::invalid,
                 wish.shown() + ": no table \"" + wish.table + "\" (--table)" +
                     (near ? "; did you mean \"" + *near + "\"?" : ""));
}

LogDraft best_draft(const std::vector<LogDraft>& drafts, const NewConfig& wish) {
  if (drafts.empty()) {
    throw JobError(ExitStatus::invalid,
                   wish.shown() +
                       ": no table looks like an audit log (a name, a time and a code for each "
                       "row): name it with --table");
  }
  if (drafts.size() > 1 && drafts[0].score - drafts[1].score <= kClose) {
    throw JobError(ExitStatus::invalid,
                   wish.shown() + ": more than one table could be the audit log: " +
                       table_list(drafts) + "; name it with --table");
  }
  return drafts.front();
}

/// Beside the configuration the file's name is enough, wherever the folder goes.
std::string path_for(const NewConfig& wish) {
  if (wish.on_server()) {
    return wish.database;
  }
  const auto whole = [](const std::filesystem::path& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path));
  };
  const std::filesystem::path database = whole(wish.database);
  return database.parent_path() == whole(wish.out).parent_path() ? database.filename().string()
                                                                 : database.string();
}

void refuse_to_overwrite(const std::filesystem::path& path) {
  if (std::filesystem::exists(std::filesystem::symlink_status(path))) {
    throw JobError(ExitStatus::invalid,
                   path.string() +
                       ": is there already and is left alone: move it away if the new one is to "
                       "take its place, or name another file with --out, in a folder of its own");
  }
}

/// The mapping that the ready configuration of an application has.
LogMapping mapping_of(const KnownLog& known) {
  std::string text{known.config};
  const std::size_t extend = text.find("\nextend = ");
  if (extend != std::string::npos) {
    text.insert(extend + 1, "# ");  // its list of codes is not written yet
  }
  return parse_config(text, "holdfast.toml").events;
}

/// With more times that cannot be read than a run bears, the format is as good as unknown.
void require_readable_times(const LogFindings& findings, LogDraft& draft) {
  constexpr std::int64_t kPartsPerMillion = 1'000'000;
  if (findings.bad_times * kPartsPerMillion >
      SafetyPolicy{}.max_bad_time_share_ppm * findings.rows) {
    draft.missing.push_back(std::to_string(findings.bad_times) + " of " +
                            std::to_string(findings.rows) +
                            " rows have a time that time_format = \"" +
                            std::string{to_token(draft.mapping.time_format)} +
                            "\" cannot read, or that is before 2000 or to come, more than "
                            "[safety].max_bad_time_share allows: name the column that has the time "
                            "of the event, and its format");
  }
}

/// Tries the mapping on every row. What it cannot do is one more thing that is missing.
LogFindings try_out(const NewConfig& wish, LogDraft& draft, Instant now) {
  if (!draft.missing.empty()) {
    return {};
  }
  try {
    OpenOptions options = wish.options();
    options.mapping = draft.mapping;
    options.own_events_into_log = false;
    options.read_only = true;
    const auto database = open_database(options);
    LogFindings findings = look_over(database->audit_log(), draft.mapping.time_format, now);
    require_readable_times(findings, draft);
    return findings;
  } catch (const StorageError& error) {
    if (error.trouble() != StorageTrouble::mapping) {
      throw;
    }
    draft.missing.emplace_back(error.what());
    return {};
  } catch (const std::exception& error) {
    // Nobody has read a configuration yet, so the sentence has to name the database.
    throw as_storage_error(error, wish.shown());
  }
}

std::vector<SampledTable> samples_of(const NewConfig& wish, Instant now) {
  if (const auto problem = place_problem(wish.database)) {
    throw JobError(ExitStatus::invalid, "--database " + *problem);
  }
  std::error_code unknown;  // whoever reads it says what stands in the way
  if (!wish.on_server() && !std::filesystem::exists(wish.database, unknown) && !unknown) {
    throw JobError(ExitStatus::failed,
                   wish.database + ": no such database: name one with --database");
  }
  try {
    const auto survey =
        wish.on_server() ? survey_postgres(wish.database) : survey_sqlite(wish.database);
    return sample_tables(*survey, now, wish.table);
  } catch (const std::exception& error) {
    throw as_storage_error(error, wish.shown());
  }
}

/// The files to write: a configuration, and a list of codes where one is needed.
struct NewFiles {
  std::string config;
  std::string codes;
};

NewFiles known_files(const KnownLog& known,
                     const LogDraft& draft,
                     const LogFindings& findings,
                     DraftPlace place) {
  place.codes = kCodesFile;
  NewFiles files{.codes = std::string{known.codes}};
  Catalogue catalogue = Catalogue::categories_only();
  (void)catalogue.extend(known.codes);
  std::string more = suggested_codes(findings, catalogue);
  more.erase(0, more.empty() ? 0 : more.find('\n') + 1);  // the list has a header already
  files.codes += more;
  for (const std::string& sentence : draft.missing) {
    files.config += "# NOT READY: " + one_line(sentence) + ".\n";
  }
  files.config += fill_in(known, place);
  files.config += elsewhere_section(place);
  return files;
}

NewFiles worked_out_files(const LogDraft& draft, const LogFindings& findings, DraftPlace place) {
  const Catalogue built_in = Catalogue::built_in();
  NewFiles files{.codes = suggested_codes(findings, built_in)};
  place.codes = files.codes.empty() ? "" : kCodesFile;
  place.built_in_codes = std::any_of(findings.codes.begin(),
                                     findings.codes.end(),
                                     [&](const auto& code) { return built_in.find(code.first); });
  files.config = draft_config(draft, findings, place);
  return files;
}

json candidates_json(const std::vector<LogDraft>& drafts) {
  json list = json::array();
  for (const LogDraft& draft : drafts) {
    list.push_back({{"table", utf8_text(draft.table)},
                    {"score", draft.score},
                    {"reasons", utf8_text(reasons_of(draft))}});
  }
  return list;
}

json codes_json(const LogFindings& findings) {
  json list = json::array();
  for (const auto& [code, rows] : findings.codes) {
    list.push_back({{"code", utf8_text(code)}, {"rows", rows}});
  }
  return list;
}

json result_of(const LogDraft& draft, const LogFindings& findings) {
  json not_ready = json::array();
  for (const std::string& sentence : draft.missing) {
    not_ready.push_back(utf8_text(sentence));
  }
  return {{"table", utf8_text(draft.table)},
          {"application", draft.application.empty() ? json(nullptr) : json(draft.application)},
          {"reasons", utf8_text(reasons_of(draft))},
          {"rows", findings.rows},
          {"earliest", json_time(findings.earliest)},
          {"latest", json_time(findings.latest)},
          {"time_format", to_token(draft.mapping.time_format)},
          {"bad_times", findings.bad_times},
          {"without_code", findings.without_code},
          {"codes", codes_json(findings)},
          {"not_ready", std::move(not_ready)}};
}

std::string first_of_all(const json& result) {
  const json& state = result.at("state_directory");
  std::error_code unknown;
  return state.is_null() || std::filesystem::is_directory(state.get<std::string>(), unknown)
             ? ""
             : "make the folder " + cell(state) + " for whoever runs Holdfast (mode 700), ";
}

std::string render_new(const json& result) {
  std::string text = "table " + cell(result.at("table")) + ": " + cell(result.at("reasons")) + "\n";
  std::size_t others = 0;
  for (const json& other : result.at("candidates")) {
    if (other.at("table") != result.at("table") && ++others <= kShownTables) {
      text += "  not table " + cell(other.at("table")) + ": " + cell(other.at("reasons")) + "\n";
    }
  }
  if (others > kShownTables) {
    text += "  nor " + std::to_string(others - kShownTables) + " more (--json lists them)\n";
  }
  if (result.at("not_ready").empty()) {
    text += result.at("rows").dump() + " rows, from " + cell(result.at("earliest"), "-") + " to " +
            cell(result.at("latest"), "-") + " (" + cell(result.at("time_format")) + "), " +
            result.at("bad_times").dump() + " with a time that cannot be read, " +
            std::to_string(result.at("codes").size()) + " codes\n";
  }
  for (const json& file : result.at("written")) {
    text += "wrote " + cell(file) + "\n";
  }
  for (const json& sentence : result.at("not_ready")) {
    text += "not ready: " + cell(sentence) + "\n";
  }
  if (result.at("not_ready").empty()) {
    text += "No window is in force, so nothing would be deleted.\nnext: " + first_of_all(result) +
            "decide the windows in it, then holdfast check\n";
  }
  return text;
}

ExitStatus make_config(Session& session, NewConfig wish) {
  wish.out = wish.out.empty() ? session.options().config : wish.out;
  if (wish.on_server()) {
    if (wish.state_directory.empty()) {
      throw JobError(ExitStatus::invalid, "--state-directory is empty: name a folder");
    }
    wish.state_directory =
        std::filesystem::absolute(wish.state_directory).lexically_normal().string();
  }
  const std::filesystem::path codes = wish.out.parent_path() / kCodesFile;
  refuse_to_overwrite(wish.out);
  refuse_to_overwrite(codes);
  const Instant now = session.clock().now();
  const std::vector<SampledTable> tables = samples_of(wish, now);
  const std::vector<LogDraft> drafts = rank(tables);
  LogDraft draft = wish.table.empty() ? best_draft(drafts, wish) : named_draft(tables, wish);
  const KnownLog* const known = find_known_log(draft.application);
  if (known != nullptr) {
    draft.mapping = mapping_of(*known);
    draft.mapping.table = draft.table;
    std::erase_if(draft.missing, [](const std::string& sentence) {
      return sentence.find("control character") == std::string::npos;
    });
  }
  const LogFindings findings = try_out(wish, draft, now);
  const DraftPlace place{
      .database = path_for(wish),
      .state_directory = wish.on_server() ? wish.state_directory : "",
      .table = draft.table,
      .administrator =
          acting_person({.database = wish.on_server() ? std::filesystem::path{wish.state_directory}
                                                      : std::filesystem::path{wish.database}})};
  const NewFiles files = known != nullptr ? known_files(*known, draft, findings, place)
                                          : worked_out_files(draft, findings, place);
  json result = result_of(draft, findings);
  result["candidates"] = candidates_json(drafts);
  result["state_directory"] = wish.on_server() ? json(wish.state_directory) : json(nullptr);
  result["written"] = json::array();
  const auto write = [&result](const std::filesystem::path& path, const std::string& text) {
    if (!text.empty()) {
      write_fresh_file(path, text, Readers::group_of_folder);
      result["written"].push_back(path.string());
    }
  };
  write(codes, files.codes);
  write(wish.out, files.config);
  answer(session, result, render_new);
  return draft.missing.empty() ? ExitStatus::done : ExitStatus::refused;
}

}  // namespace

void add_config_verbs(CLI::App& app, ChosenVerb& chosen) {
  CLI::App* group = add_group(app,
                              "config",
                              "a first configuration for a database that exists",
                              "  holdfast config new --database app.db");
  const auto wish = std::make_shared<NewConfig>();
  CLI::App* verb = add_verb(*group,
                            "new",
                            "look at a database and write a commented configuration for its log",
                            "  holdfast config new --database app.db\n"
                            "  holdfast config new --database app.db --table logs --out logs.toml\n"
                            "  holdfast config new --database postgresql://holdfast@/app",
                            chosen);
  verb->add_option(
          "--database",
          wish->database,
          "the SQLite database, or the postgresql:// url of one on a server; it is only read")
      ->required();
  verb->add_option("--out", wish->out, "the new file (default: that of --config)");
  wish->state_directory = kStateDirectory;
  verb->add_option("--state-directory",
                   wish->state_directory,
                   "for a url: the folder of witness file, lock and keys (/var/lib/holdfast)");
  verb->add_option("--table", wish->table, "the table, where more than one could be the log");
  verb->callback([&chosen, wish] {
    chosen.carry_out = [wish](Session& session) {
      return make_config(session, *wish);
    };
  });
}

}  // namespace holdfast
