// SPDX-License-Identifier: Apache-2.0
#include "policy/presets.h"

#include <set>
#include <string>

#include <catch2/catch.hpp>

using namespace holdfast;

namespace {

std::string text_of(const std::optional<RetentionWindow>& window) {
  return window ? to_string(*window) : "-";
}

}  // namespace

TEST_CASE("each preset sets the floor and cap that its citation gives", "[presets]") {
  struct Case {
    const char* name;
    const char* min;
    const char* max;
    const char* names_logs;
    const char* citation;
  };
  const auto each = GENERATE(values<Case>({
      {"pci-10.5.1", "12 months", "-", "yes", "PCI DSS v4.0.1 requirement 10.5.1"},
      {"cis-8.10", "90 days", "-", "yes", "CIS Controls v8, 8.10"},
      {"fedramp-au-11", "90 days", "-", "yes", "FedRAMP AU-11"},
      {"nist-au-11", "-", "-", "yes", "NIST SP 800-53r5 AU-11"},
      {"hipaa-docs", "6 years", "-", "no", "45 CFR 164.316(b)(2)(i)"},
      {"sec-2-06", "7 years", "-", "no", "17 CFR 210.2-06(a), made under SOX section 802"},
      {"sox-1520", "5 years", "-", "no", "18 U.S.C. 1520(a)(1)"},
      {"catalogue-override",
       "10 years",
       "-",
       "-",
       "the audit-code catalogue, ACCOUNT_DELETION_HOLDS_OVERRIDDEN"},
      {"sec-17a-4-a", "6 years", "-", "no", "17 CFR 240.17a-4(a)"},
      {"finra-4511", "6 years", "-", "no", "FINRA rule 4511(b)"},
      {"nydfs-500.6-fin", "5 years", "-", "audit trail", "23 NYCRR 500.6(a)(1), (b)"},
      {"nydfs-500.6-cyber", "3 years", "-", "audit trail", "23 NYCRR 500.6(a)(2), (b)"},
      {"eu-ai-act", "6 months", "-", "yes", "Regulation (EU) 2024/1689 art. 19, 26(6)"},
      {"cnil-logs", "6 months", "12 months", "yes", "CNIL recommendation on logging, 2021"},
      {"glba-314.4", "-", "2 years", "no", "16 CFR 314.4(c)(6)(i)"},
      {"ccpa-requests", "24 months", "-", "no", "11 CCR 7101"},
      {"swiss-or-958f", "10 years", "-", "no", "Swiss Code of Obligations art. 958f"},
      {"omb-m-21-31", "30 months", "-", "yes", "OMB M-21-31 (12 active, 18 cold)"},
  }));
  CAPTURE(each.name);
  const Preset* const preset = find_preset(each.name);
  REQUIRE(preset != nullptr);
  CHECK(text_of(preset->min) == each.min);
  CHECK(text_of(preset->max) == each.max);
  CHECK(preset->names_logs == each.names_logs);
  CHECK(preset->citation == each.citation);
}

TEST_CASE("there are 18 presets with names of their own", "[presets]") {
  std::set<std::string_view> names;
  for (const Preset& each : presets()) {
    CAPTURE(each.name);
    names.insert(each.name);
    CHECK(each.needs_value == (each.name == "nist-au-11"));
    CHECK((each.min || each.max || each.needs_value));
    CHECK(find_preset(each.name) == &each);
  }
  CHECK(names.size() == 18);
}

TEST_CASE("an unknown preset is not found", "[presets]") {
  CHECK(find_preset("") == nullptr);
  CHECK(find_preset("PCI-10.5.1") == nullptr);
  CHECK(find_preset("sox-802") == nullptr);
}
