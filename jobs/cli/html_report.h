// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace holdfast {

/// What a page needs beside the record: the address that codes are explained at; empty: none. A
/// record that names one goes before.
struct ReportLinks {
  std::string catalogue_url;
};

/// One run as a page to read and to print: all thirteen groups of the record in their order. What
/// an older record lacks is said to be not recorded. Shapes: a record as report_json() gives it, or
/// one of a run that was found dead, with figures that are null. The same record gives the same
/// bytes.
[[nodiscard]] std::string html_report(const nlohmann::json& record, const ReportLinks& links);

}  // namespace holdfast
