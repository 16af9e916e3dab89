// SPDX-License-Identifier: Apache-2.0
#include "jobs/export_upkeep.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "jobs/job_error.h"

namespace holdfast {
namespace {

constexpr std::size_t kIdentityLetters = 8;
constexpr std::string_view kHoldfast = "holdfast";

std::string stem(const std::string& database_id) {
  return "export-" + database_id.substr(0, kIdentityLetters) + "-";
}

/// Copies of this database, and drafts of them, which have a dot in front.
bool is_ours(std::string_view name, const std::string& stem) {
  return name.starts_with(stem) || (name.starts_with('.') && name.substr(1).starts_with(stem));
}

std::set<std::string> ready_files(Database& database) {
  std::set<std::string> ready;
  for (const ExportRequest& request : database.exports().kept()) {
    if (request.state == ExportState::ready) {
      ready.insert(request.file);
    }
  }
  return ready;
}

/// Removes every file of this database but these. Returns what could not be done.
std::vector<std::string> remove_but(const std::set<std::string>& stay,
                                    Database& database,
                                    ExportStore& store) {
  const std::string ours = stem(database.identity());
  std::vector<std::string> doubts;
  try {
    for (const std::string& name : store.names()) {
      if (is_ours(name, ours) && !stay.contains(name)) {
        (void)store.remove(name);
      }
    }
  } catch (const JobError& error) {
    doubts.emplace_back(error.what());
  }
  return doubts;
}

/// The register would say of a copy that it is destroyed, and nobody would ever look for its file.
void require_within_reach(const ExportRequest& request, ExportStore* store, bool again) {
  if (request.state != ExportState::ready) {
    return;
  }
  // A folder that is not there is an error of its own: it cannot tell that a copy is gone.
  const auto names = store == nullptr ? std::vector<std::string>{} : store->names();
  if (again && store != nullptr) {
    return;
  }
  if (std::find(names.begin(), names.end(), request.file) == names.end()) {
    throw JobError(ExitStatus::refused,
                   "export " + std::to_string(request.id) + ": " + request.file +
                       (store == nullptr ? " cannot be destroyed, because [export] is not set"
                                         : " is not in " + store->folder()) +
                       ": set [export].directory to the folder that it is in, or make sure that it "
                       "is gone everywhere and end it with \"holdfast export destroy " +
                       std::to_string(request.id) + "\"");
  }
}

}  // namespace

std::string export_name(const std::string& database_id, std::int64_t id) {
  return stem(database_id) + std::to_string(id) + ".zip";
}

std::int64_t open_export(ExportRegister& exports, const Subject& subject, Instant guard_now) {
  std::int64_t found = 0;
  for (const ExportRequest& request : exports.of(subject)) {
    if (is_open(request, guard_now)) {
      found = request.id;
    }
  }
  return found;
}

std::vector<std::int64_t> erase_exports(ExportRegister& exports,
                                        ExportStore* store,
                                        const Subject& subject,
                                        const std::string& token,
                                        Instant now,
                                        bool again) {
  std::vector<std::int64_t> destroyed;
  for (ExportRequest& request : exports.of(subject)) {
    require_within_reach(request, store, again);
    const ExportStep step = step_export(&request, ExportDeed::erase, {});
    if (step.kind == ExportStep::Kind::done) {
      request.state = step.state;
      request.ended_by = kHoldfast;
      request.ended_at = now;
      request.end_reason = step.end_reason;
      destroyed.push_back(request.id);
    }
    request.subject = token;
    for (std::string* name : {&request.requested_by, &request.made_by, &request.ended_by}) {
      if (*name == subject.person) {
        *name = token;
      }
    }
    exports.store(request);
  }
  return destroyed;
}

std::vector<std::string> tidy_exports(Database& database, ExportStore& store) {
  return remove_but(ready_files(database), database, store);
}

std::vector<std::string> destroy_all_exports(Database& database, ExportStore* store) {
  const std::set<std::string> ready = ready_files(database);
  if (store != nullptr) {
    return remove_but({}, database, *store);
  }
  std::vector<std::string> doubts;
  for (const std::string& name : ready) {
    doubts.push_back("[export] is not set any more, so " + name + " is left: remove it by hand");
  }
  return doubts;
}

void remove_erased_exports(const Desk& desk) {
  if (desk.exports == nullptr) {
    return;
  }
  for (const std::string& doubt : tidy_exports(desk.database, *desk.exports)) {
    desk.observer.warn("export_not_removed: " + doubt + "; the next run tries again");
  }
}

std::string export_fault(const ExportRequest& request, ExportStore* store) {
  if (request.state != ExportState::ready) {
    return {};
  }
  if (store == nullptr) {
    return "it is ready, and [export] is not set any more: nobody can find its file";
  }
  return store->fault({.name = request.file, .bytes = request.bytes, .sha256 = request.sha256});
}

std::vector<std::string> export_faults(ExportRegister& exports, ExportStore* store) {
  std::vector<std::string> faults;
  std::int64_t waiting = 0;
  for (const ExportRequest& request : exports.kept()) {
    const std::string fault = export_fault(request, store);
    if (!fault.empty()) {
      faults.push_back("export " + std::to_string(request.id) + ": " + fault +
                       "; \"holdfast export destroy " + std::to_string(request.id) +
                       "\" ends it, and a new one can be asked for");
    }
    waiting += request.state == ExportState::requested ? 1 : 0;
  }
  if (waiting > 0 && store == nullptr) {
    faults.push_back(std::to_string(waiting) +
                     " exports are asked for and cannot be made: set [export].directory");
  }
  return faults;
}

}  // namespace holdfast
