// SPDX-License-Identifier: Apache-2.0
#include "jobs/kept_metadata.h"

#include <string_view>

#include "jobs/metadata_filter.h"

namespace holdfast {
namespace {

constexpr std::string_view kErasureCodes = "ACCOUNT_DELETION_";
constexpr std::string_view kExportCodes = "ACCOUNT_DATA_EXPORT_";

}  // namespace

bool about_an_erasure(const RowFacts& row) {
  return row.code && row.code->substr(0, kErasureCodes.size()) == kErasureCodes;
}

bool about_an_export(const RowFacts& row) {
  return row.code && row.code->substr(0, kExportCodes.size()) == kExportCodes;
}

std::set<std::string, std::less<>> kept_metadata_keys(const Settings& settings,
                                                      const RowFacts& row) {
  std::set<std::string, std::less<>> keys;
  const auto add = [&](std::string_view code) {
    const auto listed = settings.erasure.keep_metadata.find(code);
    if (listed != settings.erasure.keep_metadata.end()) {
      keys.insert(listed->second.begin(), listed->second.end());
    }
  };
  add("*");
  if (row.code) {
    add(*row.code);
    const AuditCode* known = settings.catalogue.find(*row.code);
    if (known != nullptr) {
      add(known->code);
    }
  }
  if (about_an_erasure(row)) {
    keys.insert(own_erasure_keys().begin(), own_erasure_keys().end());
  }
  if (about_an_export(row)) {
    keys.insert(own_export_keys().begin(), own_export_keys().end());
  }
  return keys;
}

}  // namespace holdfast
