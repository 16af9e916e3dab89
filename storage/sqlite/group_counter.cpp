// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/group_counter.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/row_key.h"
#include "storage/sqlite/log_pass.h"
#include "storage/sqlite/row_reader.h"

namespace holdfast {
namespace {

constexpr int kValues = 4;  // stored code, code, tenant, category
constexpr std::int64_t kRowsPerPulse = 4096;
constexpr std::int64_t kSamples = 31;  // rows that are looked at for a code in the middle

void visit_group(const std::string& group, std::int64_t rows, const GroupVisit& visit) {
  const auto values = split_canonical(group);
  assert(values && values->size() == kValues);
  const std::vector<StoredView>& stored = *values;
  TextForm code;
  TextForm tenant;
  TextForm category;
  LogGroup facts{.stored_code = stored[0],
                 .tenant = tenant.of(stored[2]),
                 .stored_category = category.of(stored[3]),
                 .rows = rows};
  if (can_be_code(stored[1])) {
    facts.code = code.of(stored[1]);
  }
  visit(facts);
}

}  // namespace

void GroupCounter::add(const Statement& row, int first) {
  const StoredView stored = row.column(first);
  const auto* const text = std::get_if<std::string_view>(&stored);
  if (text == nullptr || codes_ == 0 || *text != last_code_) {
    group_.clear();
    append_canonical(group_, stored);
    append_canonical(group_, row.column(first + 1));
    last_code_ = text == nullptr ? std::string_view{} : *text;
    codes_ = text == nullptr ? 0 : group_.size();
  } else {
    group_.resize(codes_);
  }
  for (int i = 2; i < kValues; ++i) {
    append_canonical(group_, row.column(first + i));
  }
  if (last_rows_ == nullptr || group_ != last_group_) {
    last_rows_ = &rows_[group_];
    last_group_ = group_;
  }
  ++*last_rows_;
}

void GroupCounter::visit_all(const GroupVisit& visit) const {
  std::vector<const std::pair<const std::string, std::int64_t>*> groups;
  groups.reserve(rows_.size());
  for (const auto& group : rows_) {
    groups.push_back(&group);
  }
  std::sort(groups.begin(), groups.end(), [](const auto* left, const auto* right) {
    return left->first < right->first;
  });
  for (const auto* group : groups) {
    visit_group(group->first, group->second, visit);
  }
}

namespace {

std::string group_columns(const LogLayout& layout) {
  return layout.raw_code + ", " + layout.code + ", " + layout.tenant + ", " + layout.category;
}

/// The rows of the index, in its order: all that come before the part's end and the next ones, or
/// all from its middle on. With a part, the last column says 1 of the rows from its middle on.
Statement rows_of_index(Connection& connection,
                        const LogLayout& layout,
                        const GroupLimits& limits) {
  const bool from = limits.part != nullptr && limits.part->side == CodesPart::Side::from;
  const bool bounded = layout.rowid_alias && limits.up_to;
  const std::string in_part = layout.raw_code + " >= ?";
  std::string sql = "SELECT " + group_columns(layout) +
                    (limits.part != nullptr ? ", " + in_part : "") + " FROM " + layout.table +
                    " INDEXED BY " + layout.code_time_index + (from ? " WHERE " + in_part : "");
  if (bounded) {
    sql += (from ? " AND " : " WHERE ") + layout.key_columns.front() + " <= ?";
  }
  Statement rows{connection.db(), sql + " ORDER BY " + layout.raw_code + ", " + layout.time};
  int place = 0;
  if (limits.part != nullptr) {
    rows.bind(++place, limits.part->middle);
  }
  if (from) {
    rows.bind(++place, limits.part->middle);
  }
  if (bounded) {
    rows.bind(++place, *limits.up_to);
  }
  return rows;
}

bool is_true(const StoredView& value) {
  const auto* const number = std::get_if<std::int64_t>(&value);
  return number != nullptr && *number == 1;
}

/// Rows on the wrong side of the middle: one of the two halves would leave some out.
[[noreturn]] void refuse_disorder(const Connection& connection, const LogLayout& layout) {
  throw StorageError(StorageTrouble::corrupt,
                     connection.path() + ": index " + layout.code_time_index +
                         " is not in the order of its codes, so rows could be left out and nothing "
                         "is planned: make it anew (REINDEX), then run again");
}

/// Counts the rows of the index that belong to the part.
void count_in_index(Connection& connection,
                    const LogLayout& layout,
                    const GroupLimits& limits,
                    const std::function<void(const Statement&, int)>& count) {
  Statement rows = rows_of_index(connection, layout, limits);
  if (limits.part == nullptr) {
    while (rows.step()) {
      count(rows, 0);
    }
    return;
  }
  const bool before = limits.part->side == CodesPart::Side::before;
  while (rows.step()) {
    const bool behind = is_true(rows.column(kValues));
    if (before && behind) {
      break;
    }
    if (!before && !behind) {
      refuse_disorder(connection, layout);
    }
    count(rows, 0);
  }
  if (before && rows.step() && !is_true(rows.column(kValues))) {
    refuse_disorder(connection, layout);
  }
}

}  // namespace

void count_log_groups(Connection& connection,
                      const LogLayout& layout,
                      const GroupLimits& limits,
                      const GroupVisit& visit,
                      const Pulse& pulse) {
  const bool by_index = connection.wal() && layout.groups_in_index;
  if (limits.part != nullptr && !by_index) {
    throw StorageError(StorageTrouble::other, "without its index the log is counted in one go");
  }
  GroupCounter groups;
  std::int64_t counted = 0;
  const auto count = [&](const Statement& row, int first) {
    groups.add(row, first);
    if (pulse && ++counted % kRowsPerPulse == 0) {
      pulse();
    }
  };
  if (by_index) {
    count_in_index(connection, layout, limits, count);
  } else {
    const int first = static_cast<int>(layout.key_columns.size());
    LogPass{connection, layout, RowReader::key_columns(layout) + ", " + group_columns(layout)}.run(
        {.up_to = limits.up_to}, [&](const Statement& row) { count(row, first); });
  }
  groups.visit_all(visit);
}

std::optional<std::string> find_middle_code(Connection& connection,
                                            const LogLayout& layout,
                                            std::optional<std::int64_t> up_to) {
  if (!connection.wal() || !layout.groups_in_index || !layout.rowid_alias || !up_to) {
    return std::nullopt;
  }
  const std::string& key = layout.key_columns.front();
  Statement lowest{connection.db(), "SELECT min(" + key + ") FROM " + layout.table};
  const StoredView found = lowest.step() ? lowest.column(0) : StoredView{};
  const auto* const number = std::get_if<std::int64_t>(&found);
  const std::int64_t first = number == nullptr ? 0 : std::max<std::int64_t>(0, *number);
  Statement row{connection.db(),
                "SELECT " + layout.raw_code + " FROM " + layout.table + " WHERE " + key +
                    " >= ? ORDER BY " + key + " LIMIT 1"};
  std::vector<std::string> codes;
  for (std::int64_t i = 0; i < kSamples; ++i) {
    row.reset();
    row.bind(1, first + (*up_to - first) / kSamples * i);
    const StoredView code = row.step() ? row.column(0) : StoredView{};
    if (const auto* const text = std::get_if<std::string_view>(&code)) {
      codes.emplace_back(*text);
    }
  }
  if (codes.empty()) {
    return std::nullopt;
  }
  const auto middle = codes.begin() + static_cast<std::ptrdiff_t>(codes.size() / 2);
  std::nth_element(codes.begin(), middle, codes.end());
  return *middle;
}

}  // namespace holdfast
