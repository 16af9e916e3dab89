// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/instant.h"

namespace holdfast {

/// Before which time the rows of one code are due, of whichever tenant they are.
struct GuardCutoff {
  std::string code;        ///< as the log has it
  std::string known_code;  ///< what it is an alias of, or the same
  std::string category;
  std::string category_name;  ///< what people call it; empty where it has no name
  Instant before;
};

/// What a run tells the guards, which read no clock and no policy.
struct GuardTerms {
  std::vector<GuardCutoff> cutoffs;  ///< of a code without one no row is due
  Instant earliest;                  ///< times and stamps before it mean nothing
  Instant stamps_before;             ///< a stamp before it has passed
  Instant releases_before;           ///< a hold that was released before it has had its grace
};

/// See LogGuard::step_aside().
class GuardsAside {
 public:
  GuardsAside() = default;
  GuardsAside(const GuardsAside&) = delete;
  GuardsAside& operator=(const GuardsAside&) = delete;
  GuardsAside(GuardsAside&&) = delete;
  GuardsAside& operator=(GuardsAside&&) = delete;
  virtual ~GuardsAside() = default;
};

/// The guards in the database: what stops everybody but Holdfast from deleting or changing rows of
/// the log that are held, stamped or not due, and lines of Holdfast's own tables.
class LogGuard {
 public:
  LogGuard() = default;
  LogGuard(const LogGuard&) = delete;
  LogGuard& operator=(const LogGuard&) = delete;
  LogGuard(LogGuard&&) = delete;
  LogGuard& operator=(LogGuard&&) = delete;
  virtual ~LogGuard() = default;

  /// True where `init --guard` has set them, or something is left of them.
  [[nodiscard]] virtual bool present() = 0;
  /// Whole sentences about guards that are gone, changed or of no effect; empty where there are
  /// none, or where all are as `init --guard` makes them.
  [[nodiscard]] virtual std::vector<std::string> faults() = 0;
  /// While the scope lives, no trigger runs for this connection, so that deleting a row costs what
  /// it does without guards: for slices, which write nothing but what they delete and their own
  /// lines. Null, and nothing is changed, where there are no guards, or where a trigger that is no
  /// guard would have to run. Outside of a write.
  [[nodiscard]] virtual std::unique_ptr<GuardsAside> step_aside() = 0;
  /// True where writing a slice runs what is no guard of Holdfast's: a trigger on one of its own
  /// tables that slices write, or an action of a foreign key that refers to one. What that changes
  /// nobody knows.
  [[nodiscard]] virtual bool slices_run_others() = 0;
  /// Until set_terms() no row is due; opening a run does it too, and so does a change of policy or
  /// clock. Nothing happens where there are no guards. Call inside a
  /// write.
  virtual void forget_terms() = 0;
  /// In the same way.
  virtual void set_terms(const GuardTerms& terms) = 0;
};

}  // namespace holdfast
