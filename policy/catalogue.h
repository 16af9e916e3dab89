// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/text_hash.h"

#include <tl/expected.hpp>

namespace holdfast {

enum class Severity { info, notice, warning, critical };

/// "Info", "Notice", "Warning", "Critical": as the catalogue and the audit rows spell them.
[[nodiscard]] std::string_view to_token(Severity severity);
/// The severity that is spelt exactly so, none where there is none.
[[nodiscard]] std::optional<Severity> parse_severity(std::string_view word);

/// One audit code.
struct AuditCode {
  std::string code;
  std::string category;  ///< slug of its category
  Severity severity = Severity::info;
  std::string description;
};

/// One category of audit codes: "mfa" and "Multi-factor authentication".
struct AuditCategory {
  std::string slug;
  std::string name;
};

/// The audit codes that Holdfast knows: the 84 built-in ones in 12 categories, those of an
/// extension file, and aliases of either.
class Catalogue {
 public:
  /// The built-in codes alone.
  [[nodiscard]] static Catalogue built_in();
  /// No codes at all, only the 12 categories: for logs whose codes all come from an extension.
  [[nodiscard]] static Catalogue categories_only();

  /// Adds codes from tab-separated text: category, code, severity, description; a first line that
  /// starts with "category" is a header; empty lines and lines that start with "#" are skipped and
  /// do not count as the first. A category that is not known yet (by slug or by name) is added
  /// under its slug: lower case, runs of other characters as one "-". A code that exists under the
  /// same category takes the new severity and description. Pointers into the catalogue end here.
  /// Errors: the line number and what is wrong with it; a code that exists already under another
  /// category, or as an alias, is an error; nothing is changed then.
  [[nodiscard]] tl::expected<void, std::string> extend(std::string_view tsv);

  /// Makes `alias` another name of `code`. Errors: the code is unknown, the alias is empty, a code
  /// itself, or an alias of another code already.
  [[nodiscard]] tl::expected<void, std::string> add_alias(std::string_view alias,
                                                          std::string_view code);

  /// The entry of a code or alias, none where it is neither. Exact spelling, case included.
  [[nodiscard]] const AuditCode* find(std::string_view code_or_alias) const;
  /// The category with this slug or this name (both exact), none where there is none.
  [[nodiscard]] const AuditCategory* find_category(std::string_view slug_or_name) const;

  /// All codes, in the order of the catalogue.
  [[nodiscard]] const std::vector<AuditCode>& codes() const { return codes_; }
  [[nodiscard]] const std::vector<AuditCategory>& categories() const { return categories_; }
  /// Alias to code, sorted by alias.
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& aliases() const {
    return aliases_;
  }

 private:
  [[nodiscard]] std::optional<std::string> add_line(std::string_view line);
  [[nodiscard]] std::string slug_for(std::string_view category);

  std::vector<AuditCode> codes_;
  std::vector<AuditCategory> categories_;
  std::map<std::string, std::string, std::less<>> aliases_;
  // Code or alias to the place of its entry in codes_: one probe per row of the log.
  TextMap<std::size_t> places_;
};

}  // namespace holdfast
