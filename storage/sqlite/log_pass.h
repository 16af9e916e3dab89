// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "policy/row_key.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/statement.h"

namespace holdfast {

/// How long one piece of a pass may hold the read lock where the caller does not say.
inline constexpr std::chrono::milliseconds kLongestPiece{20};

/// How far a pass goes, and how long it may hold the read lock at a time.
struct PassLimits {
  std::optional<std::int64_t> up_to;  ///< only looked at where keys have an order
  std::chrono::milliseconds longest_read = kLongestPiece;
};

using StatementVisit = std::function<void(const Statement&)>;

/// Passes over every row of the audit log once: in one statement where readers block nobody,
/// otherwise in pieces by key, and between two of them writers have their turn.
class LogPass {
 public:
  /// `columns` is what a SELECT lists; it begins with RowReader::key_columns(). Both references
  /// have to outlive the pass.
  LogPass(Connection& connection, const LogLayout& layout, std::string columns);

  /// Errors: StorageError where a piece does not get past the one before; what `visit` throws.
  void run(const PassLimits& limits, const StatementVisit& visit);

 private:
  void run_at_once(const PassLimits& limits, const StatementVisit& visit);
  void run_by_ordered_key(const PassLimits& limits, const StatementVisit& visit);
  void run_by_key(const PassLimits& limits, const StatementVisit& visit);
  [[nodiscard]] std::optional<RowKey> read_piece(Statement& rows,
                                                 std::chrono::milliseconds longest_read,
                                                 const StatementVisit& visit);
  [[noreturn]] void refuse_standstill() const;

  Connection& connection_;
  const LogLayout& layout_;
  std::string columns_;
};

}  // namespace holdfast
