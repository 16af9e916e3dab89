// SPDX-License-Identifier: Apache-2.0
#include "jobs/code_rows.h"

namespace holdfast {

CodeRows& code_rows_at(CodeRowsByName& codes, const LogGroup& group) {
  std::string name;
  append_canonical(name, group.stored_code);
  const auto [found, fresh] = codes.try_emplace(name);
  CodeRows& rows = found->second;
  if (!fresh) {
    return rows;
  }
  if (group.code) {
    rows.code = std::string(*group.code);
  }
  rows.blob = std::holds_alternative<BlobView>(group.stored_code);
  if (const auto* text = std::get_if<std::string_view>(&group.stored_code)) {
    rows.stored = std::string(*text);
  } else if (const auto* blob = std::get_if<BlobView>(&group.stored_code)) {
    rows.stored = std::string(blob->bytes);
  } else if (const auto* number = std::get_if<std::int64_t>(&group.stored_code)) {
    rows.stored = *number;
  } else if (const auto* real = std::get_if<double>(&group.stored_code)) {
    rows.stored = *real;
  }
  return rows;
}

StoredView stored_code(const CodeRows& rows) {
  if (const auto* text = std::get_if<std::string>(&rows.stored)) {
    return rows.blob ? StoredView{BlobView{*text}} : StoredView{std::string_view{*text}};
  }
  if (const auto* number = std::get_if<std::int64_t>(&rows.stored)) {
    return *number;
  }
  if (const auto* real = std::get_if<double>(&rows.stored)) {
    return *real;
  }
  return std::monostate{};
}

}  // namespace holdfast
