// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/log_guard.h"

namespace holdfast {

/// Where there are no guards: `init --guard` is refused for PostgreSQL, whose own privileges can
/// keep others from deleting rows.
class WithoutGuard final : public LogGuard {
 public:
  [[nodiscard]] bool present() override { return false; }
  [[nodiscard]] std::vector<std::string> faults() override { return {}; }
  [[nodiscard]] std::unique_ptr<GuardsAside> step_aside() override { return nullptr; }
  /// Not looked into, so nothing is built on it.
  [[nodiscard]] bool slices_run_others() override { return true; }
  void forget_terms() override {}
  void set_terms(const GuardTerms& /*terms*/) override {}
};

}  // namespace holdfast
