// SPDX-License-Identifier: Apache-2.0
#include "jobs/export_workflow.h"

#include <utility>

#include "jobs/export_contents.h"
#include "jobs/export_upkeep.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"
#include "policy/disposition_cutoff.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr int kTries = 3;  // where readers block writers, others may write between two reads

ExportFile file_of(const ExportRequest& request) {
  return {.name = request.file, .bytes = request.bytes, .sha256 = request.sha256};
}

}  // namespace

ExportWorkflow::ExportWorkflow(const ExportTools& tools,
                               const PolicyState& policy,
                               ExportActor actor)
    : with_(tools), policy_(policy), actor_(std::move(actor)) {
  if (actor_.run != 0) {
    actor_.who = "holdfast";
  }
}

ExportFacts ExportWorkflow::facts(const std::string& person) const {
  if (actor_.run != 0) {
    return {.nightly = true, .guard_now = actor_.clock.guard_now()};
  }
  const auto in_force = versions_in_force(policy_.versions, actor_.clock.guard_now());
  return {.administrator = common_administrators(in_force).contains(actor_.who),
          .is_subject = actor_.who == person,
          .trusted_service = common_services(in_force).contains(actor_.who),
          .guard_now = actor_.clock.guard_now()};
}

ExportRequest ExportWorkflow::require_request(std::int64_t id) {
  auto request = with_.database.exports().find(id);
  if (!request) {
    throw JobError(
        ExitStatus::invalid,
        "there is no export " + std::to_string(id) + ": \"holdfast export list --all\" lists them");
  }
  return *std::move(request);
}

ExportStore& ExportWorkflow::require_store() const {
  if (with_.store == nullptr) {
    throw JobError(ExitStatus::invalid,
                   "[export] is not set, so there is no place for a copy: set [export].directory "
                   "in the configuration");
  }
  return *with_.store;
}

ExportResult ExportWorkflow::stepped(std::int64_t id, ExportDeed deed) {
  ExportResult result{.request = require_request(id)};
  result.step = step_export(&result.request, deed, facts(result.request.subject));
  return result;
}

ExportResult ExportWorkflow::request(const Subject& subject) {
  const auto write = with_.database.begin_write(Durability::full);
  ExportRegister& exports = with_.database.exports();
  ExportResult result;
  const ExportFacts facts = this->facts(subject.person);
  if (const std::int64_t open = open_export(exports, subject, facts.guard_now); open != 0) {
    result.request = require_request(open);
    result.step = step_export(&result.request, ExportDeed::request, facts);
    return result;
  }
  result.step = step_export(nullptr, ExportDeed::request, facts);
  if (result.step.kind == ExportStep::Kind::done) {
    result.request = {.tenant = subject.tenant,
                      .subject = subject.person,
                      .state = result.step.state,
                      .requested_by = actor_.who,
                      .requested_at = actor_.clock.system_now};
    result.request.id = exports.open(result.request);
    append_events(result);
    write->commit();
  }
  return result;
}

ExportResult ExportWorkflow::make(std::int64_t id) {
  ExportResult result = stepped(id, ExportDeed::make);
  if (result.step.kind != ExportStep::Kind::done) {
    return result;
  }
  ExportRequest& request = result.request;
  request.file = export_name(with_.database.identity(), id);
  request.made_by = actor_.who;
  request.made_at = actor_.clock.system_now;
  (void)require_store();
  request.expires_at = deletable_from(actor_.clock.system_now, with_.settings.exports.value().keep);
  write_file(request);
  try {
    record_ready(result);
  } catch (...) {
    remove_unless_ready(request);
    throw;
  }
  if (result.step.kind != ExportStep::Kind::done) {
    remove_unless_ready(request);  // it was destroyed while the file was written
    result.request = require_request(id);
  }
  return result;
}

/// In one view; where readers block writers there is none, and it is read again until nobody else
/// has written meanwhile.
void ExportWorkflow::write_file(ExportRequest& request) {
  ExportStore& store = require_store();
  for (int tried = 1;; ++tried) {
    const std::int64_t commits = with_.database.foreign_commits();
    {
      const auto view = with_.database.begin_read();
      const WrittenExport written =
          store.write(request.file, export_contents(with_.database, with_.settings, request));
      request.bytes = written.bytes;
      request.sha256 = written.sha256;
      request.rows = written.rows;
    }
    if (with_.database.readers_are_free() || with_.database.foreign_commits() == commits) {
      return;
    }
    if (tried == kTries) {
      (void)store.remove(request.file);
      throw JobError(ExitStatus::failed,
                     "export " + std::to_string(request.id) +
                         ": other programs wrote to the database each time that it was read, so "
                         "the copy would not be of one moment: try again when they rest");
    }
  }
}

void ExportWorkflow::record_ready(ExportResult& result) {
  const auto write = with_.database.begin_write(Durability::full);
  const ExportRequest now = require_request(result.request.id);
  result.step = step_export(&now, ExportDeed::make, facts(now.subject));
  if (result.step.kind != ExportStep::Kind::done) {
    return;
  }
  result.request.state = result.step.state;
  with_.database.exports().store(result.request);
  append_events(result);
  write->commit();
}

/// Where even that cannot be done the next run does it.
void ExportWorkflow::remove_unless_ready(const ExportRequest& request) {
  try {
    const auto now = with_.database.exports().find(request.id);
    if (!now || now->state != ExportState::ready) {
      (void)require_store().remove(request.file);
    }
  } catch (const std::exception&) {
    return;  // safe: nobody is handed a file that the register does not call ready
  }
}

ExportResult ExportWorkflow::download(std::int64_t id, const std::string& to) {
  ExportResult result = stepped(id, ExportDeed::download);
  if (result.step.kind != ExportStep::Kind::done) {
    return result;
  }
  const auto copy = require_store().hand_out(file_of(result.request), to);
  {
    const auto write = with_.database.begin_write(Durability::full);
    result = stepped(id, ExportDeed::download);
    if (result.step.kind != ExportStep::Kind::done) {
      return result;
    }
    ++result.request.downloads;
    result.request.downloaded_at = actor_.clock.system_now;
    with_.database.exports().store(result.request);
    append_events(result);
    write->commit();
  }
  copy->put_in_place();
  return result;
}

ExportResult ExportWorkflow::end(std::int64_t id, ExportDeed deed) {
  ExportResult result;
  {
    const auto write = with_.database.begin_write(Durability::full);
    result = stepped(id, deed);
    if (result.step.kind != ExportStep::Kind::done) {
      return result;
    }
    result.request.state = result.step.state;
    result.request.ended_by = actor_.who;
    result.request.ended_at = actor_.clock.system_now;
    result.request.end_reason = result.step.end_reason;
    with_.database.exports().store(result.request);
    write->commit();
  }
  if (result.request.file.empty()) {
    return result;
  }
  try {
    if (with_.store == nullptr) {
      result.left = "[export] is not set any more: remove " + result.request.file + " by hand";
    } else {
      (void)with_.store->remove(result.request.file);
    }
  } catch (const JobError& error) {
    result.left = error.what();
  }
  return result;
}

void ExportWorkflow::append_events(const ExportResult& result) {
  const ExportRequest& request = result.request;
  for (const ErasureEvent& event : result.step.events) {
    json metadata = {{"export_id", request.id}};
    if (actor_.run != 0) {
      metadata["run_id"] = actor_.run;
    }
    if (request.state == ExportState::ready) {
      metadata["expires_at"] = json_time(request.expires_at);
      metadata["rows"] = request.rows;
      metadata["sha256"] = request.sha256;
    }
    with_.database.audit_log().append({.occurred_at = actor_.clock.system_now,
                                       .tenant = request.tenant,
                                       .code = std::string(event.code),
                                       .severity = std::string(event.severity),
                                       .actor = actor_.who,
                                       .subject = request.subject,
                                       .metadata = compact(metadata)});
  }
}

}  // namespace holdfast
