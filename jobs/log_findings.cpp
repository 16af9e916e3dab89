// SPDX-License-Identifier: Apache-2.0
#include "jobs/log_findings.h"

#include <algorithm>
#include <chrono>

#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr const char* kUndecided = "to-decide";
constexpr Instant kEarliest{date::sys_days{date::year{2000} / date::January / 1}};
constexpr std::chrono::milliseconds kLongestRead{50};

bool can_be_listed(const std::string& code) {
  return !code.empty() && code.front() != ' ' && code.back() != ' ' && is_utf8(code) &&
         std::none_of(code.begin(), code.end(), [](char letter) {
           return static_cast<unsigned char>(letter) < ' ';
         });
}

void count_code(std::string_view code, LogFindings& findings) {
  const auto found = findings.codes.find(code);
  if (found != findings.codes.end()) {
    ++found->second;
  } else if (findings.codes.size() < LogFindings::kMostCodes) {
    findings.codes.emplace(code, 1);
  } else {
    ++findings.further_codes;
  }
}

}  // namespace

LogFindings look_over(AuditLog& log, TimeFormat format, Instant now) {
  LogFindings findings;
  const Instant latest = now + std::chrono::hours{24};
  log.scan_all(std::nullopt, kLongestRead, [&](const RowFacts& row) {
    ++findings.rows;
    const auto time = parse_event_time(row.time, format);
    if (!time || *time < kEarliest || *time > latest) {
      ++findings.bad_times;
    } else {
      findings.earliest = std::min(findings.earliest.value_or(*time), *time);
      findings.latest = std::max(findings.latest.value_or(*time), *time);
    }
    if (row.code) {
      count_code(*row.code, findings);
    } else {
      ++findings.without_code;
    }
  });
  return findings;
}

std::string suggested_codes(const LogFindings& findings, const Catalogue& catalogue) {
  std::string lines;
  for (const auto& [code, rows] : findings.codes) {
    if (catalogue.find(code) != nullptr) {
      continue;
    }
    lines += "# " + std::to_string(rows) + " rows\n";
    lines += can_be_listed(code) ? std::string{kUndecided} + "\t" + code + "\tInfo\t\n"
                                 : "# a code that cannot be listed here, whose rows are kept: \"" +
                                       one_line(code) + "\"\n";
  }
  return lines.empty() ? lines
                       : "category\tcode\tseverity\tdescription\n"
                         "# Put a category of your own in the place of \"to-decide\", and say what "
                         "each code means.\n" +
                             lines;
}

}  // namespace holdfast
