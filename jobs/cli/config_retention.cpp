// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <utility>

#include "jobs/cli/config_sections.h"
#include "policy/presets.h"

namespace holdfast {
namespace {

constexpr std::string_view kPresetExample = R"([{ name = "...", categories = ["account"] }])";

constexpr std::string_view kEntryExample =
    R"({ window = "13 months", basis = "why" } with a window of your own)";

/// Whose windows a table sets: a tenant may set no floor.
enum class EntryOwner { platform, tenant };

WindowEntry read_entry(ConfigTable entry, EntryOwner owner) {
  WindowEntry read;
  read.window = entry.window("window");
  // A tenant's floor is read as well, because validate() says why it is refused.
  read.at_least = entry.window("at_least");
  assign(read.locked, entry.flag("locked"));
  assign(read.basis, entry.text("basis", R"("policy 4.2")"));
  entry.refuse_unknown();
  if (entry.present() && !entry.has("window") && !entry.has("at_least")) {
    entry.refuse_table(owner == EntryOwner::tenant
                           ? R"(sets no window: write window = "24 months" or remove the entry)"
                           : R"(sets neither window nor at_least: write window = "13 months")"
                             R"( or remove the entry)");
  }
  return read;
}

/// The key that the policy uses for what the file wrote: a code stands under itself, not its alias.
std::string code_of(const Catalogue& catalogue, const std::string& written) {
  const AuditCode* const known = catalogue.find(written);
  return known == nullptr ? written : known->code;
}

void read_categories(ConfigTable table, EntryOwner owner, WindowEntries& entries) {
  for (const std::string& slug : table.names()) {
    entries.emplace(slug, read_entry(table.table(slug, kEntryExample), owner));
  }
}

/// Lets problems with the code be told at the line where its alias stands.
void note_lines_of_alias(const ConfigTable& table,
                         std::pair<std::string_view, std::string_view> alias_and_code,
                         ConfigProblems& problems) {
  const std::string written = table.key_of(alias_and_code.first);
  const std::string meant = table.key_of(alias_and_code.second);
  for (const std::string_view part : {"", ".window", ".at_least"}) {
    problems.note_line(meant + std::string{part}, problems.line_of(written + std::string{part}));
  }
}

/// What read_codes() needs beside its table.
struct CodeContext {
  EntryOwner owner = EntryOwner::platform;
  const Catalogue* catalogue = nullptr;
  ConfigProblems* problems = nullptr;
};

void read_codes(ConfigTable table, const CodeContext& context, WindowEntries& entries) {
  for (const std::string& written : table.names()) {
    const std::string code = code_of(*context.catalogue, written);
    WindowEntry entry = read_entry(table.table(written, kEntryExample), context.owner);
    if (entries.contains(code)) {
      table.refuse(written,
                   in_quotes(code) + " is there twice, once by an alias: write it once, as " +
                       in_quotes(code));
      continue;
    }
    if (written != code) {
      note_lines_of_alias(table, {written, code}, *context.problems);
    }
    entries.emplace(code, std::move(entry));
  }
}

void read_tenants(ConfigTable table, const CodeContext& context, RetentionPolicy& policy) {
  for (const std::string& name : table.names()) {
    ConfigTable tenant = table.table(name, "a table of its own, with category or code in it");
    TenantEntries& entries = policy.tenant[name];
    read_categories(
        tenant.table("category", "a table of categories"), EntryOwner::tenant, entries.category);
    read_codes(tenant.table("code", "a table of codes"), context, entries.code);
    tenant.refuse_unknown();
  }
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) {
    names.emplace_back(preset.name);
  }
  return names;
}

/// The floor of a binding. One of the configuration may lengthen the preset's, never shorten it.
std::optional<RetentionWindow> read_floor(ConfigTable& table, const Preset& preset) {
  const auto asked = table.window("min");
  const std::string name = in_quotes(preset.name);
  if (!asked) {
    if (preset.needs_value && !table.has("min")) {
      table.require("min", R"("12 months", because preset )" + name + " leaves the period to you");
    }
    return preset.min;
  }
  if (!preset.min && !preset.needs_value) {
    table.refuse("min",
                 "preset " + name + " sets no floor to lengthen: write at_least in" +
                     " [retention.category] instead");
    return std::nullopt;
  }
  if (preset.min && ends_earlier_somewhere(*asked, *preset.min)) {
    table.refuse("min",
                 in_quotes(to_string(*asked)) + " is shorter than the " + to_string(*preset.min) +
                     " of preset " + name + ": min may only lengthen it");
    return preset.min;
  }
  return asked;
}

std::vector<std::string> read_bound_categories(ConfigTable& table, const Catalogue& catalogue) {
  std::vector<std::string> known;
  for (const AuditCategory& category : catalogue.categories()) {
    known.push_back(category.slug);
  }
  std::vector<std::string> bound;
  for (ConfigText& item : table.texts("categories")) {
    if (std::find(known.begin(), known.end(), item.text) == known.end()) {
      table.refuse_at(
          item.line,
          "categories",
          "no such category as " + in_quotes(item.text) + did_you_mean(item.text, known));
      continue;
    }
    bound.push_back(std::move(item.text));
  }
  if (table.is_empty_array("categories")) {
    table.refuse("categories", R"(binds no category: write for example ["account"])");
  }
  std::sort(bound.begin(), bound.end());
  return bound;
}

const Preset* read_preset_name(ConfigTable& table) {
  table.require("name", R"("pci-10.5.1" or another preset)");
  const auto name = table.text("name", R"("pci-10.5.1")");
  const Preset* const preset = name ? find_preset(*name) : nullptr;
  if (name && preset == nullptr) {
    const std::string nearest = did_you_mean(*name, preset_names());
    table.refuse("name",
                 "no such preset as " + in_quotes(*name) +
                     (nearest.empty() ? R"(: "holdfast policy presets" lists them)" : nearest));
  }
  return preset;
}

void read_preset(ConfigTable table, const Catalogue& catalogue, RetentionPolicy& policy) {
  const Preset* const preset = read_preset_name(table);
  table.require("categories", R"(["account"])");
  PresetBinding binding{.categories = read_bound_categories(table, catalogue)};
  assign(binding.locked, table.flag("locked"));
  if (preset == nullptr) {
    // Whether its min fits cannot be said, but that it is a window can.
    static_cast<void>(table.window("min"));
    table.refuse_unknown();
    return;
  }
  binding.name = preset->name;
  binding.min = read_floor(table, *preset);
  binding.max = preset->max;
  binding.citation = preset->citation;
  table.refuse_unknown();
  policy.presets.push_back(std::move(binding));
}

}  // namespace

void read_retention(ConfigTable section, ConfigProblems& problems, Settings& settings) {
  RetentionPolicy& policy = settings.retention;
  const Catalogue& catalogue = settings.catalogue;
  for (ConfigTable& preset : section.tables("presets", "name", kPresetExample)) {
    read_preset(std::move(preset), catalogue, policy);
  }
  read_categories(
      section.table("category", "a table of categories"), EntryOwner::platform, policy.category);
  CodeContext context{
      .owner = EntryOwner::platform, .catalogue = &catalogue, .problems = &problems};
  read_codes(section.table("code", "a table of codes"), context, policy.code);
  context.owner = EntryOwner::tenant;
  read_tenants(section.table("tenant", "a table of tenants"), context, policy);
  section.refuse_unknown();
}

}  // namespace holdfast
