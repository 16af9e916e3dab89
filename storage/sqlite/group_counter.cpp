// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/group_counter.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <variant>
#include <vector>

#include "policy/row_key.h"
#include "storage/sqlite/row_reader.h"

namespace holdfast {
namespace {

constexpr int kValues = 4;  // stored code, code, tenant, category

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

}  // namespace holdfast
