// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "storage/audit_log.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/log_layout.h"
#include "storage/sqlite/statement.h"

namespace holdfast {

/// Counts rows by code, tenant and own category. Memory grows with the groups, not with the rows.
class GroupCounter {
 public:
  /// Counts the current row: its stored code, code, tenant and category stand from `first` on.
  void add(const Statement& row, int first);

  /// Visits each group once, ordered by the bytes of its values.
  void visit_all(const GroupVisit& visit) const;

 private:
  std::unordered_map<std::string, std::int64_t> rows_;
  std::string group_;       ///< the row's group as canonical bytes
  std::string last_code_;   ///< the stored code that they begin with, where it is text
  std::size_t codes_ = 0;   ///< how many bytes tell of it; 0: the next row's are made anew
  std::string last_group_;  ///< the one before: rows come in runs
  std::int64_t* last_rows_ = nullptr;  ///< its count; stays valid when the map grows
};

/// Which rows are counted.
struct GroupLimits {
  std::optional<std::int64_t> up_to;
  const CodesPart* part = nullptr;  ///< null: all codes
};

/// Counts rows as AuditLog::count_groups() and count_groups_of() say.
void count_log_groups(Connection& connection,
                      const LogLayout& layout,
                      const GroupLimits& limits,
                      const GroupVisit& visit,
                      const Pulse& pulse);

/// What AuditLog::middle_code() says: the middle one of the codes of some rows.
[[nodiscard]] std::optional<std::string> find_middle_code(Connection& connection,
                                                          const LogLayout& layout,
                                                          std::optional<std::int64_t> up_to);

}  // namespace holdfast
