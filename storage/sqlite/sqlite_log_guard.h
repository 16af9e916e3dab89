// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/log_guard.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"

namespace holdfast {

/// The guards as triggers and tables of the database.
class SqliteLogGuard final : public LogGuard {
 public:
  /// Both have to outlive the guard. `probed` is false where the layout is that of no table.
  SqliteLogGuard(Connection& connection, const LogLayout& layout, bool probed)
      : connection_(connection), layout_(layout), probed_(probed) {}

  [[nodiscard]] bool present() override;
  [[nodiscard]] std::vector<std::string> faults() override;
  [[nodiscard]] std::unique_ptr<GuardsAside> step_aside() override;
  [[nodiscard]] bool slices_run_others() override;
  void forget_terms() override;
  void set_terms(const GuardTerms& terms) override;

 private:
  [[nodiscard]] bool has_terms();

  Connection& connection_;
  const LogLayout& layout_;
  bool probed_;
};

/// Takes the pass, where there are guards: what this connection writes until return_pass() goes
/// past them. Inside a write transaction only, so that nobody else ever sees it taken.
/// Returns false where there are no guards.
bool take_pass(Connection& connection);
/// True where guards are there and their pass is not, so that nobody gets past them.
[[nodiscard]] bool pass_is_lost(Connection& connection);
void return_pass(Connection& connection);

/// Gives the pass back for one statement, where this connection has it. Returns true where
/// take_pass() has to follow; where the statement fails it must not, for that may have ended the
/// transaction.
[[nodiscard]] bool lay_down_pass(Connection& connection);

/// Makes the guards, or makes them anew where they are not those of this layout. Returns false
/// where they were all there. Inside a write transaction. Errors: StorageError (mapping).
bool place_guards(Connection& connection, const LogLayout& layout);

/// Takes out whatever has the name of a guard; returns how many triggers, views and tables those
/// were. Inside a write transaction.
int remove_guards(Connection& connection);

/// After it no row is due until a run has gone through: the terms that the guards know are of
/// another policy, or of another clock.
void forget_guard_terms(Connection& connection);

}  // namespace holdfast
