// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "jobs/cli/config_sections.h"
#include "jobs/cli/config_values.h"

namespace holdfast {
namespace {

constexpr char kCaseStep = 'a' - 'A';
constexpr std::string_view kEveryCode = "*";
constexpr std::string_view kOwnModule = "holdfast";  // Holdfast's hold register answers as this one
constexpr std::string_view kModuleExample = R"([[erasure.module]] with name = "crm" under it)";
constexpr std::string_view kTableExample =
    R"({ table = "contacts", subject = "user_id", action = "delete" })";
constexpr std::array<std::string_view, 2> kActions{"delete", "redact"};
constexpr std::array<std::string_view, 2> kTreatments{"null", "token"};
constexpr std::array<std::string_view, 1> kNone{"none"};
constexpr std::array<std::string_view, 3> kHoldKeys{"holds_sql", "holds_command", "holds"};

/// Names of tables and columns are the same to SQLite in either letter case (ASCII).
std::string folded(std::string text) {
  for (char& letter : text) {
    letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + kCaseStep) : letter;
  }
  return text;
}

/// What has to be unique over all modules: their names, and tables with the column of the person.
struct Taken {
  std::set<std::string> modules;
  std::set<std::pair<std::string, std::string>> tables;
};

std::vector<std::string> known_codes(const Catalogue& catalogue) {
  std::vector<std::string> codes{std::string{kEveryCode}};
  for (const AuditCode& code : catalogue.codes()) {
    codes.push_back(code.code);
  }
  for (const auto& [alias, code] : catalogue.aliases()) {
    codes.push_back(alias);
  }
  return codes;
}

void read_keep_metadata(ConfigTable table, CatalogueState state, Settings& settings) {
  const Catalogue& catalogue = settings.catalogue;
  for (const std::string& written : table.names()) {
    const AuditCode* const known = catalogue.find(written);
    if (known == nullptr && written != kEveryCode && state == CatalogueState::complete) {
      // Asked for all the same, so that it is not told as an unknown key as well.
      static_cast<void>(table.texts(written));
      table.refuse(written, "no such code" + did_you_mean(written, known_codes(catalogue)));
      continue;
    }
    std::set<std::string> keys;
    for (ConfigText& key : table.texts(written)) {
      keys.insert(std::move(key.text));
    }
    const std::string& code = known == nullptr ? written : known->code;
    if (!settings.erasure.keep_metadata.emplace(code, std::move(keys)).second) {
      table.refuse(written,
                   in_quotes(code) + " is there twice, once by an alias: write it once, as " +
                       in_quotes(code));
    }
  }
}

Treatment treatment_of(const std::string& word) {
  return word == "null" ? Treatment::null : Treatment::token;
}

/// The columns as the file says, and the subject's where it does not say.
std::vector<TreatedColumn> read_columns(ConfigTable columns, const std::string& subject) {
  std::vector<TreatedColumn> treated;
  std::set<std::string> seen;
  for (const std::string& name : columns.names()) {
    const auto word = columns.word(name, kTreatments);
    if (name.empty() || holds_control(name)) {
      columns.refuse(name, "is no name of a column: write one on one line without controls");
    } else if (!seen.insert(folded(name)).second) {
      columns.refuse(name, "is there twice in other letter case: write it once");
    } else if (word) {
      treated.push_back({.column = name, .treatment = treatment_of(*word)});
    }
  }
  if (!subject.empty() && !seen.contains(folded(subject))) {
    treated.push_back({.column = subject, .treatment = Treatment::token});
  }
  return treated;
}

void read_action(ConfigTable& table, ModuleTable& read) {
  table.require("action", R"("delete" or "redact")");
  const auto action = table.word("action", kActions);
  ConfigTable columns = table.table("columns", R"({ email = "null", name = "token" })");
  if (!action) {
    return;
  }
  if (*action == "delete") {
    read.action = ModuleAction::remove;
    if (table.has("columns")) {
      table.refuse("columns",
                   R"(says nothing where rows are deleted: write action = "redact", or)"
                   " remove it");
    }
    return;
  }
  read.action = ModuleAction::redact;
  table.require("columns", R"({ email = "null", name = "token" })");
  if (columns.present() && columns.names().empty()) {
    table.refuse("columns", R"(names no column: write for example { email = "null" })");
  }
  read.columns = read_columns(std::move(columns), read.subject);
}

/// Where a column of a table may not be another one too.
void refuse_one_column_twice(ConfigTable& table, const ModuleTable& read) {
  if (read.tenant && folded(*read.tenant) == folded(read.subject)) {
    table.refuse("tenant",
                 in_quotes(*read.tenant) + " is the subject's column already: name the tenant's");
  }
  const bool treats_tenant =
      read.tenant &&
      std::any_of(read.columns.begin(), read.columns.end(), [&read](const TreatedColumn& treated) {
        return folded(treated.column) == folded(*read.tenant);
      });
  if (treats_tenant && folded(*read.tenant) != folded(read.subject)) {
    table.refuse("columns",
                 in_quotes(*read.tenant) + " is the tenant's column, which has to stay: remove it");
  }
}

ModuleTable read_table(ConfigTable table, Taken& taken) {
  ModuleTable read;
  table.require("table", R"("contacts")");
  table.require("subject", R"("user_id" or another column)");
  assign(read.table, table.text("table", R"("contacts")"));
  assign(read.subject, table.text("subject", R"("user_id")"));
  read.tenant = table.text("tenant", R"("tenant")");
  read_action(table, read);
  refuse_one_column_twice(table, read);
  const bool named = !read.table.empty() && !read.subject.empty();
  if (named && !taken.tables.emplace(folded(read.table), folded(read.subject)).second) {
    table.refuse("table",
                 in_quotes(read.table) + " with subject " + in_quotes(read.subject) +
                     " is there already: write it once");
  }
  table.refuse_unknown();
  return read;
}

void read_command(ConfigTable& module, std::vector<std::string>& command) {
  const std::vector<ConfigText> words = module.texts("holds_command", Repeats::allowed);
  if (module.is_empty_array("holds_command")) {
    module.refuse("holds_command", R"(names no program: write ["/usr/local/bin/crm-holds"])");
  }
  if (!words.empty() && !words.front().text.starts_with('/')) {
    module.refuse_at(words.front().line,
                     "holds_command",
                     in_quotes(words.front().text) +
                         " is no absolute path: write where the program lies, from / on");
  }
  for (const ConfigText& word : words) {
    command.push_back(word.text);
  }
}

/// Who says that the data must stay: exactly one.
void read_holds(ConfigTable& module, ErasureModule& read) {
  assign(read.holds_sql, module.text("holds_sql", R"("a query that gives a column id")"));
  read_command(module, read.holds_command);
  read.says_no_holds = module.word("holds", kNone).has_value();
  std::string_view first;
  for (const std::string_view key : kHoldKeys) {
    if (!first.empty() && module.has(key)) {
      module.refuse(key, "stands beside " + std::string{first} + ": a module has one of them");
    }
    first = first.empty() && module.has(key) ? key : first;
  }
  if (first.empty()) {
    module.refuse_table(
        R"(says nothing of holds: write holds_sql, holds_command or holds = "none")");
  }
}

void check_name(ConfigTable& module, const std::string& name, Taken& taken) {
  if (folded(name) == kOwnModule) {
    module.refuse("name", in_quotes(name) + " is Holdfast's own register: choose another name");
  } else if (!taken.modules.insert(name).second) {
    module.refuse("name", in_quotes(name) + " is there twice: a module's name is its own");
  }
}

ErasureModule read_module(ConfigTable module, Taken& taken) {
  ErasureModule read;
  module.require("name", R"("crm")");
  if (auto name = module.text("name", R"("crm")")) {
    check_name(module, *name, taken);
    read.name = *std::move(name);
  }
  for (ConfigTable& table : module.tables("tables", "", '[' + std::string{kTableExample} + ']')) {
    read.tables.push_back(read_table(std::move(table), taken));
  }
  read_holds(module, read);
  assign(read.time_limit, module.parsed("time_limit", R"("10s")", parse_duration));
  if (read.says_no_holds && (!module.has("tables") || module.is_empty_array("tables"))) {
    module.refuse_table("has neither tables nor holds: write tables = [" +
                        std::string{kTableExample} + "], or remove it");
  }
  module.refuse_unknown();
  return read;
}

/// A folder without the slash at its end, which would let a link pass for what it leads to.
std::filesystem::path folder_at(const std::filesystem::path& written) {
  std::filesystem::path folder = written.lexically_normal();
  return folder.has_filename() ? folder : folder.parent_path();
}

}  // namespace

void read_erasure(ConfigTable section,
                  const std::filesystem::path& folder,
                  CatalogueState state,
                  Settings& settings) {
  ErasureSettings& erasure = settings.erasure;
  assign(erasure.cool_off, section.parsed("cool_off", R"("14 days")", parse_days));
  if (const auto keys = section.text("keys", R"("/var/lib/holdfast/keys")")) {
    erasure.key_folder = folder_at(folder / *keys);
  }
  read_keep_metadata(
      section.table("keep_metadata", R"({ "*" = ["ip_country"] })"), state, settings);
  Taken taken;
  for (ConfigTable& module : section.tables("module", "name", kModuleExample)) {
    erasure.modules.push_back(read_module(std::move(module), taken));
  }
  section.refuse_unknown();
}

}  // namespace holdfast
