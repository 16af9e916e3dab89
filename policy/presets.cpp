// SPDX-License-Identifier: Apache-2.0
#include "policy/presets.h"

#include <algorithm>
#include <array>

namespace holdfast {
namespace {

constexpr RetentionWindow days(int count) {
  return {.count = count, .unit = WindowUnit::days};
}
constexpr RetentionWindow months(int count) {
  return {.count = count, .unit = WindowUnit::months};
}
constexpr RetentionWindow years(int count) {
  return {.count = count, .unit = WindowUnit::years};
}

constexpr std::array<Preset, 18> kPresets{{
    {.name = "pci-10.5.1",
     .min = months(12),
     .names_logs = "yes",
     .citation = "PCI DSS v4.0.1 requirement 10.5.1",
     .note = "the newest 3 months at hand immediately"},
    {.name = "cis-8.10", .min = days(90), .names_logs = "yes", .citation = "CIS Controls v8, 8.10"},
    {.name = "fedramp-au-11",
     .min = days(90),
     .names_logs = "yes",
     .citation = "FedRAMP AU-11",
     .note = "online; more offline"},
    {.name = "nist-au-11",
     .needs_value = true,
     .names_logs = "yes",
     .citation = "NIST SP 800-53r5 AU-11",
     .note = "the organisation defines the period: the config has to give it"},
    {.name = "hipaa-docs",
     .min = years(6),
     .names_logs = "no",
     .citation = "45 CFR 164.316(b)(2)(i)",
     .note = "policies and required records of actions; applied to logs by custom"},
    {.name = "sec-2-06",
     .min = years(7),
     .names_logs = "no",
     .citation = "17 CFR 210.2-06(a), made under SOX section 802",
     .note = "auditors' records"},
    {.name = "sox-1520",
     .min = years(5),
     .names_logs = "no",
     .citation = "18 U.S.C. 1520(a)(1)",
     .note = "auditors' workpapers"},
    {.name = "catalogue-override",
     .min = years(10),
     .names_logs = "-",
     .citation = "the audit-code catalogue, ACCOUNT_DELETION_HOLDS_OVERRIDDEN",
     .note = "platform policy"},
    {.name = "sec-17a-4-a",
     .min = years(6),
     .names_logs = "no",
     .citation = "17 CFR 240.17a-4(a)",
     .note = "the first 2 years easily accessible"},
    {.name = "finra-4511", .min = years(6), .names_logs = "no", .citation = "FINRA rule 4511(b)"},
    {.name = "nydfs-500.6-fin",
     .min = years(5),
     .names_logs = "audit trail",
     .citation = "23 NYCRR 500.6(a)(1), (b)",
     .note = "to reconstruct financial transactions"},
    {.name = "nydfs-500.6-cyber",
     .min = years(3),
     .names_logs = "audit trail",
     .citation = "23 NYCRR 500.6(a)(2), (b)",
     .note = "to detect and respond"},
    {.name = "eu-ai-act",
     .min = months(6),
     .names_logs = "yes",
     .citation = "Regulation (EU) 2024/1689 art. 19, 26(6)",
     .note = "logs of high-risk AI systems"},
    {.name = "cnil-logs",
     .min = months(6),
     .max = months(12),
     .names_logs = "yes",
     .citation = "CNIL recommendation on logging, 2021",
     .note = "3 years for internal control; the commonest cap"},
    {.name = "glba-314.4",
     .max = years(2),
     .names_logs = "no",
     .citation = "16 CFR 314.4(c)(6)(i)",
     .note = "disposal after the last use, with exceptions"},
    {.name = "ccpa-requests",
     .min = months(24),
     .names_logs = "no",
     .citation = "11 CCR 7101",
     .note = "records of requests"},
    {.name = "swiss-or-958f",
     .min = years(10),
     .names_logs = "no",
     .citation = "Swiss Code of Obligations art. 958f",
     .note = "accounting records"},
    {.name = "omb-m-21-31",
     .min = months(30),
     .names_logs = "yes",
     .citation = "OMB M-21-31 (12 active, 18 cold)",
     .note = "legacy: rescinded in 2026"},
}};

}  // namespace

std::span<const Preset> presets() {
  return kPresets;
}

const Preset* find_preset(std::string_view name) {
  const auto* const found = std::find_if(
      kPresets.begin(), kPresets.end(), [name](const Preset& known) { return known.name == name; });
  return found == kPresets.end() ? nullptr : found;
}

}  // namespace holdfast
