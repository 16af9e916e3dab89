// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "jobs/export_store.h"
#include "jobs/settings.h"
#include "policy/export_request.h"
#include "storage/database.h"

namespace holdfast {

/// A stored value as a copy shows it: text with \xNN for what is not UTF-8, numbers, null, and
/// {"hex":"0aff"} for bytes; {"real":"inf"} for a number that JSON does not have.
[[nodiscard]] nlohmann::json export_value(const StoredView& value);

/// Who is meant by the names in the rows of one copy: the subject stays, everybody else becomes
/// "person:" and 16 hex digits of an HMAC under a key of this copy that is kept nowhere. One person
/// has one token within a copy, and another one in the next.
class ThirdPersons {
 public:
  explicit ThirdPersons(std::string subject);

  /// Takes a name that is not the subject's for a person from now on.
  void meet(std::string_view name);
  /// The name as the copy shows it. Nobody's name stays as it is: empty, and "holdfast".
  [[nodiscard]] std::string shown(std::string_view name) const;
  /// The value with tokens for the names of those who were met; a text that has such a name as a
  /// part of it becomes "[withheld]", and so does what is nested too deep.
  [[nodiscard]] nlohmann::json shown(const nlohmann::json& value) const;

 private:
  [[nodiscard]] bool names_somebody(std::string_view text) const;
  [[nodiscard]] nlohmann::json shown_at(const nlohmann::json& value, int depth) const;

  std::string subject_;
  std::string key_;
  std::set<std::string, std::less<>> names_;
};

/// What a copy of the subject's data has: each table of every erasure module with the rows that an
/// erasure would touch, and the rows of the audit log that name the subject. The tables read from
/// the database when they are written: call this and write it inside one ReadScope. `request`, the
/// settings and the database have to outlive the result.
[[nodiscard]] ExportContents export_contents(Database& database,
                                             const Settings& settings,
                                             const ExportRequest& request);

}  // namespace holdfast
