// SPDX-License-Identifier: Apache-2.0
#include "jobs/erasure_check.h"

#include <functional>
#include <utility>

#include "jobs/export_columns.h"
#include "jobs/export_upkeep.h"
#include "jobs/json_text.h"

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

std::vector<std::string> left_by_erasures(const Desk& desk) {
  const bool asked_for = desk.database.is_set_up() && !desk.database.erasures().all().empty();
  if (desk.settings.erasure.modules.empty() && !asked_for) {
    return {};
  }
  std::vector<std::string> doubts;
  std::string tables;
  for (const ChildShape& child : desk.database.audit_log().shape().children) {
    tables += (tables.empty() ? "\"" : ", \"") + child.table + '"';
  }
  if (!tables.empty()) {
    doubts.push_back(
        "an erasure leaves the rows of " + tables +
        " ([events].children) as they are where their row of the log stays, with whatever they say "
        "about the person: name those tables in [erasure.module] too, or keep persons out of them");
  }
  std::string triggers;
  for (const std::string& trigger : desk.database.audit_log().shape().change_triggers) {
    triggers += (triggers.empty() ? "\"" : ", \"") + utf8_text(trigger) + '"';
  }
  if (!triggers.empty()) {
    doubts.push_back(
        "an erasure does not see what these triggers of the log write elsewhere when a row is "
        "changed or goes: " +
        triggers + "; a table of theirs that keeps what rows said belongs in [erasure.module]");
  }
  std::string columns;
  for (const std::string& name : desk.database.subjects().unmapped_columns(LogPlace::log)) {
    columns += (columns.empty() ? "" : ", ") + utf8_text(name);
  }
  if (!columns.empty()) {
    doubts.push_back(
        "an erasure does not look at these columns of the log and leaves them as they "
        "are in rows that stay, because [events] does not say what they mean: " +
        columns +
        "; map them there, or see yourself to what they say about the person: the "
        "receipt of each erasure names them");
  }
  return doubts;
}

}  // namespace holdfast
