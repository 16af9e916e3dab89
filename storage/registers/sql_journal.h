// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "storage/registers/register_query.h"
#include "storage/small_registers.h"

namespace holdfast {

/// The journal in holdfast_journal. Its numbers are never used again.
class SqlJournal final : public Journal {
 public:
  explicit SqlJournal(const RegisterHome& home) : home_(home) {}

  void add(const JournalEntry& entry) override;
  [[nodiscard]] std::vector<JournalEntry> since(std::int64_t id) override;

 private:
  RegisterHome home_;
};

}  // namespace holdfast
