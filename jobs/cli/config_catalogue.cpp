// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "jobs/cli/config_sections.h"
#include "jobs/cli/file_bytes.h"
#include "jobs/cli/trusted_path.h"

namespace holdfast {
namespace {

bool extend_from_file(ConfigTable& section,
                      const std::filesystem::path& folder,
                      Catalogue& catalogue) {
  const auto written = section.text("extend", R"("codes.tsv")");
  if (!written) {
    return !section.has("extend");
  }
  const auto read = read_file_bytes(folder / *written);
  if (!read) {
    section.refuse("extend",
                   in_quotes(*written) + " " + (read.error().missing ? "is " : "") +
                       read.error().sentence + ": write the path of a file of codes");
    return false;
  }
  if (const auto refusal = why_not_trust(folder / *written)) {
    section.refuse("extend", in_quotes(*written) + " is not used: " + *refusal);
    return false;
  }
  const auto extended = catalogue.extend(read->bytes);
  if (!extended) {
    section.refuse("extend", *written + ", " + extended.error());
    return false;
  }
  return true;
}

std::vector<std::string> known_codes(const Catalogue& catalogue) {
  std::vector<std::string> codes;
  codes.reserve(catalogue.codes().size());
  for (const AuditCode& code : catalogue.codes()) {
    codes.push_back(code.code);
  }
  return codes;
}

void add_alias(ConfigTable& aliases, const std::string& alias, Catalogue& catalogue) {
  const auto code = aliases.text(alias, R"("ACCOUNT_MFA_ENROLLED" or another code)");
  if (!code) {
    return;
  }
  const std::vector<std::string> codes = known_codes(catalogue);
  if (std::find(codes.begin(), codes.end(), *code) == codes.end()) {
    aliases.refuse(alias,
                   aliases.has(*code)
                       ? in_quotes(*code) + " is an alias itself: write the code that it stands for"
                       : "no such code as " + in_quotes(*code) + did_you_mean(*code, codes));
    return;
  }
  const auto added = catalogue.add_alias(alias, *code);
  if (!added) {
    aliases.refuse(alias, added.error() + ": choose another name, or remove the line");
  }
}

}  // namespace

CatalogueState read_catalogue(ConfigTable section,
                              const std::filesystem::path& folder,
                              Settings& settings) {
  assign(settings.catalogue_url, section.text("url", R"("https://docs.example.com/audit-codes")"));
  const bool built_in = section.flag("built_in").value_or(true);
  settings.catalogue = built_in ? Catalogue::built_in() : Catalogue::categories_only();
  const bool complete = extend_from_file(section, folder, settings.catalogue);
  ConfigTable aliases = section.table("aliases", R"({ ALIAS = "CODE" })");
  for (const std::string& alias : aliases.names()) {
    add_alias(aliases, alias, settings.catalogue);
  }
  section.refuse_unknown();
  return complete ? CatalogueState::complete : CatalogueState::incomplete;
}

}  // namespace holdfast
