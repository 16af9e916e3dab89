// SPDX-License-Identifier: Apache-2.0
#include "policy/catalogue.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "audit_codes_embedded.h"

namespace holdfast {
namespace {

constexpr std::array<std::pair<Severity, std::string_view>, 4> kSeverities{{
    {Severity::info, "Info"},
    {Severity::notice, "Notice"},
    {Severity::warning, "Warning"},
    {Severity::critical, "Critical"},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kBuiltInCategories{{
    {"account", "Account"},
    {"sessions", "Sessions"},
    {"mfa", "Multi-factor authentication"},
    {"webauthn", "WebAuthn / Passkeys"},
    {"step-up", "Step-up authentication"},
    {"saml", "SAML single sign-on"},
    {"scim", "SCIM provisioning"},
    {"network-policy", "Network policy"},
    {"attestation-policy", "Attestation policy"},
    {"webhooks", "Event webhooks"},
    {"audit-retention", "Audit-log retention"},
    {"data-erasure", "Data erasure"},
}};

constexpr std::size_t kFields = 4;

std::string quoted(std::string_view text) {
  return '"' + std::string{text} + '"';
}

/// Takes the next line, without its end, off the front of `rest`.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

/// The four fields of a line, none where there are more or fewer.
std::optional<std::array<std::string_view, kFields>> split_fields(std::string_view line) {
  if (std::count(line.begin(), line.end(), '\t') != kFields - 1) {
    return std::nullopt;
  }
  std::array<std::string_view, kFields> fields;
  for (std::string_view& field : fields) {
    const std::size_t end = std::min(line.find('\t'), line.size());
    field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return fields;
}

/// A code with a blank at either end would match no row, and nobody would see why.
bool is_name(std::string_view field) {
  return !field.empty() && field.front() != ' ' && field.back() != ' ';
}

bool is_slug_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
}

char to_lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// "Network policy" as "network-policy"; empty where the name has no letter and no digit.
std::string to_slug(std::string_view name) {
  std::string slug;
  bool parted = false;
  for (const char written : name) {
    const char letter = to_lower(written);
    if (!is_slug_letter(letter)) {
      parted = true;
      continue;
    }
    if (parted && !slug.empty()) {
      slug += '-';
    }
    parted = false;
    slug += letter;
  }
  return slug;
}

}  // namespace

std::string_view to_token(Severity severity) {
  const auto* const found =
      std::find_if(kSeverities.begin(), kSeverities.end(), [severity](const auto& known) {
        return known.first == severity;
      });
  return found == kSeverities.end() ? std::string_view{} : found->second;
}

std::optional<Severity> parse_severity(std::string_view word) {
  const auto* const found =
      std::find_if(kSeverities.begin(), kSeverities.end(), [word](const auto& known) {
        return known.second == word;
      });
  if (found == kSeverities.end()) {
    return std::nullopt;
  }
  return found->first;
}

Catalogue Catalogue::categories_only() {
  Catalogue catalogue;
  for (const auto& [slug, name] : kBuiltInCategories) {
    catalogue.categories_.push_back({.slug = std::string{slug}, .name = std::string{name}});
  }
  return catalogue;
}

Catalogue Catalogue::built_in() {
  Catalogue catalogue = categories_only();
  [[maybe_unused]] const auto added = catalogue.extend(kAuditCodesTsv);
  assert(added.has_value());
  return catalogue;
}

tl::expected<void, std::string> Catalogue::extend(std::string_view tsv) {
  Catalogue extended = *this;
  bool may_be_header = true;
  for (std::size_t number = 1; !tsv.empty(); ++number) {
    const std::string_view line = take_line(tsv);
    if (line.empty() || line.starts_with('#')) {
      continue;
    }
    if (std::exchange(may_be_header, false) && line.starts_with("category")) {
      continue;
    }
    const auto fault = extended.add_line(line);
    if (fault) {
      return tl::unexpected{"line " + std::to_string(number) + ": " + *fault};
    }
  }
  *this = std::move(extended);
  return {};
}

std::optional<std::string> Catalogue::add_line(std::string_view line) {
  const auto fields = split_fields(line);
  if (!fields) {
    return "not four fields parted by tabs: category, code, severity, description";
  }
  const auto& [category, code, word, description] = *fields;
  if (!is_name(code)) {
    return "code " + quoted(code) + " is empty, or begins or ends with a blank";
  }
  const auto severity = parse_severity(word);
  if (!severity) {
    return "severity " + quoted(word) + " is none of Info, Notice, Warning, Critical";
  }
  const std::string slug = is_name(category) ? slug_for(category) : std::string{};
  if (slug.empty()) {
    return "category " + quoted(category) +
           " is empty, begins or ends with a blank, or has no letter a to z and no digit";
  }
  if (aliases_.contains(code)) {
    return "code " + quoted(code) + " is an alias already";
  }
  AuditCode entry{.code = std::string{code},
                  .category = slug,
                  .severity = *severity,
                  .description = std::string{description}};
  const auto [place, is_new] = places_.try_emplace(entry.code, codes_.size());
  if (is_new) {
    codes_.push_back(std::move(entry));
    return std::nullopt;
  }
  AuditCode& existing = codes_[place->second];
  if (existing.category != slug) {
    return "code " + quoted(code) + " exists already in category " + quoted(existing.category);
  }
  existing = std::move(entry);
  return std::nullopt;
}

std::string Catalogue::slug_for(std::string_view category) {
  if (const AuditCategory* const known = find_category(category)) {
    return known->slug;
  }
  std::string slug = to_slug(category);
  if (!slug.empty() && find_category(slug) == nullptr) {
    categories_.push_back({.slug = slug, .name = std::string{category}});
  }
  return slug;
}

tl::expected<void, std::string> Catalogue::add_alias(std::string_view alias,
                                                     std::string_view code) {
  const auto target = places_.find(code);
  if (target == places_.end()) {
    return tl::unexpected{"alias " + quoted(alias) + " names the unknown code " + quoted(code)};
  }
  const std::size_t place = target->second;
  if (alias.empty()) {
    return tl::unexpected{"an alias of " + quoted(code) + " is empty"};
  }
  const auto existing = places_.find(alias);
  if (existing == places_.end()) {
    aliases_.emplace(alias, codes_[place].code);
    places_.emplace(alias, place);
    return {};
  }
  if (!aliases_.contains(alias)) {
    return tl::unexpected{"alias " + quoted(alias) + " is a code itself"};
  }
  if (existing->second != place) {
    return tl::unexpected{"alias " + quoted(alias) + " is already an alias of " +
                          quoted(codes_[existing->second].code)};
  }
  return {};
}

const AuditCode* Catalogue::find(std::string_view code_or_alias) const {
  const auto found = places_.find(code_or_alias);
  return found == places_.end() ? nullptr : &codes_[found->second];
}

const AuditCategory* Catalogue::find_category(std::string_view slug_or_name) const {
  const auto found = std::find_if(
      categories_.begin(), categories_.end(), [slug_or_name](const AuditCategory& known) {
        return known.slug == slug_or_name || known.name == slug_or_name;
      });
  return found == categories_.end() ? nullptr : &*found;
}

}  // namespace holdfast
