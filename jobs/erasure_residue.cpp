// SPDX-License-Identifier: Apache-2.0
#include "jobs/erasure_residue.h"

#include <algorithm>
#include <utility>

#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

bool is_treated(const ModuleTable& table, const std::string& column) {
  return column == table.tenant ||
         std::any_of(table.columns.begin(),
                     table.columns.end(),
                     [&column](const TreatedColumn& treated) { return treated.column == column; });
}

}  // namespace

std::vector<LeftAsItIs> left_as_it_is(Database& database, const Settings& settings) {
  std::vector<LeftAsItIs> left;
  if (auto columns = database.subjects().unmapped_columns(LogPlace::log); !columns.empty()) {
    left.push_back({.table = settings.events.table, .columns = std::move(columns)});
  }
  for (const std::string& trigger : database.audit_log().shape().change_triggers) {
    left.push_back({.table = settings.events.table, .trigger = trigger});
  }
  for (const ChildShape& child : database.audit_log().shape().children) {
    left.push_back({.table = child.table});
  }
  for (const ErasureModule& module : settings.erasure.modules) {
    for (const ModuleTable& table : module.tables) {
      if (table.action != ModuleAction::redact) {
        continue;
      }
      std::vector<std::string> columns = database.subjects().columns_of(table);
      const auto treated = [&table](const std::string& column) {
        return is_treated(table, column);
      };
      columns.erase(std::remove_if(columns.begin(), columns.end(), treated), columns.end());
      if (!columns.empty()) {
        left.push_back(
            {.module = module.name, .table = table.table, .columns = std::move(columns)});
      }
    }
  }
  return left;
}

json left_json(const std::vector<LeftAsItIs>& left) {
  json list = json::array();
  for (const LeftAsItIs& table : left) {
    json columns = nullptr;
    for (const std::string& column : table.columns) {
      columns.push_back(utf8_text(column));
    }
    list.push_back(
        {{"module", table.module.empty() ? json(nullptr) : json(utf8_text(table.module))},
         {"table", utf8_text(table.table)},
         {"columns", std::move(columns)}});
    if (!table.trigger.empty()) {
      list.back()["trigger"] = utf8_text(table.trigger);
    }
  }
  return list;
}

}  // namespace holdfast
