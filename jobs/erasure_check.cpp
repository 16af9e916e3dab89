// SPDX-License-Identifier: Apache-2.0
#include "jobs/erasure_check.h"

#include <functional>
#include <utility>

#include "jobs/export_columns.h"
#include "jobs/export_upkeep.h"

namespace holdfast {
namespace {

/// Adds a sentence where the question finds that the configuration and the database do not fit.
void add_fault(const std::string& where,
               const std::function<void()>& question,
               std::vector<std::string>& faults) {
  try {
    question();
  } catch (const StorageError& error) {
    if (error.trouble() != StorageTrouble::mapping) {
      throw;
    }
    faults.push_back(where + ": " + error.what());
  }
}

}  // namespace

std::vector<std::string> erasure_faults(const Desk& desk) {
  std::vector<std::string> faults;
  SubjectStore& subjects = desk.database.subjects();
  for (const ErasureModule& module : desk.settings.erasure.modules) {
    const std::string where = "erasure.module." + module.name;
    for (const ModuleTable& table : module.tables) {
      add_fault(
          where, [&] { subjects.require_module_table(table); }, faults);
    }
    if (!module.holds_sql.empty()) {
      add_fault(
          where + ".holds_sql", [&] { subjects.require_hold_query(module.holds_sql); }, faults);
    }
  }
  if (!desk.settings.erasure.modules.empty()) {
    add_fault(
        "erasure", [&] { subjects.require_rewritable_log(); }, faults);
  }
  add_fault(
      "export", [&] { (void)export_columns(desk.database, desk.settings); }, faults);
  for (std::string& fault : export_faults(desk.database.exports(), desk.exports)) {
    faults.push_back(std::move(fault));
  }
  return faults;
}

std::string left_by_erasures(const Desk& desk) {
  const auto& children = desk.database.audit_log().shape().children;
  if (desk.settings.erasure.modules.empty() || children.empty()) {
    return "";
  }
  std::string tables;
  for (const ChildShape& child : children) {
    tables += (tables.empty() ? "\"" : ", \"") + child.table + '"';
  }
  return "an erasure leaves the rows of " + tables +
         " ([events].children) as they are where their row of the log stays, with whatever they say "
         "about the person: name those tables in [erasure.module] too, or keep persons out of them";
}

}  // namespace holdfast
