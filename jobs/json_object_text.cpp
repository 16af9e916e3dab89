// SPDX-License-Identifier: Apache-2.0
#include "jobs/json_object_text.h"

#include "jobs/json_text.h"
#include "jobs/run_record.h"

namespace holdfast {

std::string& JsonObjectText::key(std::string_view name) {
  out_ += first_ ? "\"" : ",\"";
  first_ = false;
  out_ += name;
  out_ += "\":";
  return out_;
}

void JsonObjectText::text(std::string_view name, std::string_view bytes) {
  add_json_text(bytes, key(name));
}

void JsonObjectText::number(std::string_view name, std::int64_t value) {
  key(name) += std::to_string(value);
}

void JsonObjectText::exact_number(std::string_view name, std::int64_t value) {
  const nlohmann::json exact = exact_integer(value);
  key(name) += exact.is_string() ? compact(exact) : std::to_string(value);
}

void JsonObjectText::flag(std::string_view name, bool value) {
  key(name) += value ? "true" : "false";
}

void JsonObjectText::time(std::string_view name, const std::optional<Instant>& instant) {
  if (instant) {
    text(name, to_rfc3339(*instant));
  } else {
    key(name) += "null";
  }
}

}  // namespace holdfast
