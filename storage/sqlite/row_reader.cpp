// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/row_reader.h"

#include <utility>
#include <vector>

namespace holdfast {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += text.empty() ? "" : ", ";
    text += part;
  }
  return text;
}

}  // namespace

RowReader::RowReader(const LogLayout& layout, std::string table_name)
    : facts_(layout.key_columns.size(), std::move(table_name)) {}

std::string RowReader::key_columns(const LogLayout& layout) {
  return joined(layout.key_columns);
}

std::string RowReader::columns(const LogLayout& layout) {
  return joined({key_columns(layout),
                 layout.time,
                 layout.code,
                 layout.tenant,
                 layout.actor,
                 layout.subject,
                 layout.category,
                 layout.retain_until});
}

}  // namespace holdfast
