// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "jobs/decision_context.h"
#include "jobs/export_store.h"
#include "jobs/settings.h"
#include "policy/export_request.h"
#include "storage/database.h"

namespace holdfast {

/// What a deed on a copy needs beside the request.
struct ExportTools {
  Database& database;
  const Settings& settings;
  ExportStore* store = nullptr;  ///< null: [export] is not set
};

/// Somebody who does something, and when. The nightly run acts in nobody's name.
struct ExportActor {
  std::string who;
  RunClock clock;        ///< of the run, or the one that the next run would have
  std::int64_t run = 0;  ///< 0: a person
};

/// What became of it.
struct ExportResult {
  ExportStep step;
  ExportRequest request;  ///< as it stands afterwards
  std::string left;  ///< why the file of a destroyed copy is still there; empty where it is not
};

/// Carries deeds on copies out: asks step_export() and does what it says, the register's line and
/// the audit row in one transaction. A file is written before its line says ready, and removed
/// after its line says destroyed; what a crash leaves in between is for tidy_exports().
class ExportWorkflow {
 public:
  ExportWorkflow(const ExportTools& tools, const PolicyState& policy, ExportActor actor);

  /// Opens a request for a subject, or says which one there is.
  [[nodiscard]] ExportResult request(const Subject& subject);
  /// Reads everything inside one view and writes the file. The caller holds the RunLock. Errors:
  /// JobError where there is no such request, no [export], or the data changed while it was read
  /// (only where readers block writers); StorageError. No file is left then.
  [[nodiscard]] ExportResult make(std::int64_t id);
  /// Hands the copy out under a path that must be free. The audit row is committed before anybody
  /// can see the file there.
  [[nodiscard]] ExportResult download(std::int64_t id, const std::string& to);
  /// destroy or expire.
  [[nodiscard]] ExportResult end(std::int64_t id, ExportDeed deed);

 private:
  [[nodiscard]] ExportFacts facts(const std::string& person) const;
  [[nodiscard]] ExportRequest require_request(std::int64_t id);
  [[nodiscard]] ExportStore& require_store() const;
  [[nodiscard]] ExportResult stepped(std::int64_t id, ExportDeed deed);
  void write_file(ExportRequest& request);
  void record_ready(ExportResult& result);
  void remove_unless_ready(const ExportRequest& request);
  void append_events(const ExportResult& result);

  ExportTools with_;
  const PolicyState& policy_;
  ExportActor actor_;
};

}  // namespace holdfast
