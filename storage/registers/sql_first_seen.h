// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "storage/registers/register_query.h"
#include "storage/small_registers.h"

namespace holdfast {

/// The first-seen clocks in holdfast_first_seen. What a run meets stands in temporary tables of
/// this connection until it is recorded; a write that is taken back takes the recording back with
/// it. "The same" is the same storage class and the same value: 5, 5.0 and the text 5 are three
/// times.
class SqlFirstSeen final : public FirstSeenRegister {
 public:
  explicit SqlFirstSeen(const RegisterHome& home);

  [[nodiscard]] std::optional<Instant> find(const RowFacts& row) override;
  /// A row met twice counts once, as it was the second time.
  void meet(const RowFacts& row) override;
  void forget_met() override;
  [[nodiscard]] std::int64_t record_met(Instant seen_at, std::int64_t most) override;
  void drop_unmet() override;
  void drop(const RowKey& key) override;

 private:
  RegisterHome home_;
  RegisterQuery find_;
  RegisterQuery meet_;
  RegisterQuery drop_;
};

}  // namespace holdfast
