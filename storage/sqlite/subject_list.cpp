// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/subject_list.h"

#include <set>
#include <utility>
#include <variant>

#include "storage/sqlite/row_reader.h"
#include "storage/sqlite/statement.h"

namespace holdfast {
namespace {

/// "+" and the collation keep apart what the column itself would call equal ("Ann" and "ann").
std::string select_of(const PersonSource& source) {
  const std::string tenant =
      source.tenant == "NULL" ? source.tenant : "(+" + source.tenant + ") COLLATE BINARY";
  return "SELECT (+" + source.person + ") COLLATE BINARY AS person, " + tenant +
         " AS tenant FROM " + source.table + " WHERE " + source.person + " IS NOT NULL";
}

/// SQLite takes equal values out, on disk where they are many. Only values that are not text can
/// read like another one; they come first, so that no more than those have to be remembered.
std::string list_sql(const std::vector<PersonSource>& sources) {
  std::string selects;
  for (const PersonSource& source : sources) {
    selects += (selects.empty() ? "" : " UNION ALL ") + select_of(source);
  }
  return "SELECT DISTINCT person, tenant FROM (" + selects +
         ") ORDER BY typeof(person) = 'text' AND typeof(tenant) = 'text'";
}

bool is_text(const StoredView& value) {
  return std::holds_alternative<std::string_view>(value);
}

}  // namespace

void visit_subjects(Connection& connection,
                    const std::vector<PersonSource>& sources,
                    const SubjectVisit& visit) {
  if (sources.empty()) {
    return;
  }
  Statement rows{connection.db(), list_sql(sources)};
  std::set<std::pair<std::string, std::string>> remembered;
  TextForm person_form;
  TextForm tenant_form;
  while (rows.step()) {
    const StoredView person = rows.column(0);
    const StoredView tenant = rows.column(1);
    const std::string name{person_form.of(person).value_or("")};
    const std::string realm{tenant_form.of(tenant).value_or("")};
    const bool plain = is_text(person) && is_text(tenant);
    const bool known =
        plain ? remembered.contains({realm, name}) : !remembered.insert({realm, name}).second;
    if (!known) {
      visit({.tenant = realm.empty() ? std::nullopt : std::optional{realm}, .person = name});
    }
  }
}

}  // namespace holdfast
