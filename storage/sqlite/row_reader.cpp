// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/row_reader.h"

#include <utility>
#include <vector>

namespace holdfast {
namespace {

/// The key, and what the decision reads.
std::vector<std::string> fact_expressions(const LogLayout& layout) {
  std::vector<std::string> expressions = layout.key_columns;
  expressions.insert(expressions.end(),
                     {layout.time,
                      layout.code,
                      layout.tenant,
                      layout.actor,
                      layout.subject,
                      layout.category,
                      layout.retain_until});
  return expressions;
}

}  // namespace

RowReader::RowReader(const LogLayout& layout, std::string table_name)
    : facts_(layout.key_columns.size(), std::move(table_name)) {}

std::string RowReader::key_columns(const LogLayout& layout) {
  return listed(layout.key_columns);
}

std::string RowReader::columns(const LogLayout& layout) {
  return listed(fact_expressions(layout));
}

WholeColumns RowReader::whole_columns(const LogLayout& layout) {
  return {fact_expressions(layout), layout.columns};
}

}  // namespace holdfast
