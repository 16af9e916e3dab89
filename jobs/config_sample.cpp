// SPDX-License-Identifier: Apache-2.0
// The rows that `config new` looks at.

#include <chrono>
#include <utility>
#include <variant>

#include "jobs/config_draft.h"

namespace holdfast {
namespace {

constexpr std::size_t kSampledRows = 2'000;
constexpr std::size_t kLongestCode = 64;

}  // namespace

void ColumnSample::add(const StoredView& value) {
  time.add(value);
  if (std::holds_alternative<std::monostate>(value)) {
    return;
  }
  ++values;
  const auto* const text = std::get_if<std::string_view>(&value);
  texts += text != nullptr ? 1 : 0;
  const bool short_text = text != nullptr && !text->empty() && text->size() <= kLongestCode;
  could_be_codes += short_text || std::holds_alternative<std::int64_t>(value) ? 1 : 0;
  if (different.size() <= kMostDifferent) {
    different.insert(to_display(value));
  }
}

std::vector<SampledTable> sample_tables(DatabaseSurvey& survey,
                                        Instant now,
                                        const std::string& only) {
  std::vector<SampledTable> tables;
  for (SurveyTable& table : survey.tables()) {
    SampledTable sampled{.table = std::move(table)};
    for (std::size_t i = 0; i < sampled.table.columns.size(); ++i) {
      sampled.columns.emplace_back(now + std::chrono::hours{24});
    }
    sampled.unread = sampled.table.unread;
    if (sampled.unread.empty() && (only.empty() || only == sampled.table.name)) {
      sampled.unread = survey.sample(
          sampled.table, kSampledRows, [&](std::size_t column, const StoredView& value) {
            sampled.columns.at(column).add(value);
          });
    }
    tables.push_back(std::move(sampled));
  }
  return tables;
}

}  // namespace holdfast
