// SPDX-License-Identifier: Apache-2.0
#include "policy/hold_answer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace holdfast {
namespace {

constexpr std::array<std::pair<HoldStatus, std::string_view>, 3> kStatusWords{{
    {HoldStatus::clear, "clear"},
    {HoldStatus::hold, "hold"},
    {HoldStatus::error, "error"},
}};

/// An answer that contradicts itself says nothing that could be relied on.
bool answered(const ModuleReport& report) {
  switch (report.status) {
    case HoldStatus::clear:
      return report.holds.empty();
    case HoldStatus::hold:
      return !report.holds.empty();
    case HoldStatus::error:
      return false;
  }
  return false;
}

/// A value after its length, so that no two lists of values have the same bytes.
void append_value(std::string& bytes, std::string_view value) {
  bytes += std::to_string(value.size());
  bytes += ':';
  bytes += value;
}

/// A list as a set: sorted, each once, after its size.
void append_set(std::string& bytes, std::vector<std::string> elements) {
  std::sort(elements.begin(), elements.end());
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  append_value(bytes, std::to_string(elements.size()));
  for (const std::string& element : elements) {
    bytes += element;
  }
}

std::string bytes_of(const ReportedHold& hold) {
  std::string bytes;
  append_value(bytes, hold.id);
  append_value(bytes, hold.basis);
  append_value(bytes, hold.locked ? "locked" : "");
  append_value(bytes, hold.review_by ? std::to_string(to_unix_ms(*hold.review_by)) : "");
  return bytes;
}

std::string bytes_of(const ModuleReport& report) {
  std::string bytes;
  append_value(bytes, report.module);
  append_value(bytes, to_token(report.status));
  std::vector<std::string> holds;
  holds.reserve(report.holds.size());
  for (const ReportedHold& hold : report.holds) {
    holds.push_back(bytes_of(hold));
  }
  append_set(bytes, std::move(holds));
  return bytes;
}

}  // namespace

std::string_view to_token(HoldStatus status) {
  for (const auto& [each, word] : kStatusWords) {
    if (each == status) {
      return word;
    }
  }
  return "error";
}

std::optional<HoldStatus> parse_hold_status(std::string_view word) {
  for (const auto& [status, known] : kStatusWords) {
    if (known == word) {
      return status;
    }
  }
  return std::nullopt;
}

bool HoldAnswer::all_clear() const {
  return complete() && std::all_of(reports.begin(), reports.end(), [](const ModuleReport& report) {
           return report.status == HoldStatus::clear;
         });
}

bool HoldAnswer::complete() const {
  return !reports.empty() && std::all_of(reports.begin(), reports.end(), answered);
}

bool HoldAnswer::any_locked() const {
  return std::any_of(reports.begin(), reports.end(), [](const ModuleReport& report) {
    return std::any_of(report.holds.begin(), report.holds.end(), [](const ReportedHold& hold) {
      return hold.locked;
    });
  });
}

std::string canonical_bytes(const HoldAnswer& answer) {
  std::vector<std::string> reports;
  reports.reserve(answer.reports.size());
  for (const ModuleReport& report : answer.reports) {
    reports.push_back(bytes_of(report));
  }
  std::string bytes;
  append_set(bytes, std::move(reports));
  return bytes;
}

}  // namespace holdfast
