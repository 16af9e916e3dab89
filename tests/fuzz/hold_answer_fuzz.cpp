// SPDX-License-Identifier: Apache-2.0
// What a module's program prints. It never throws; `clear` counts only where the JSON says so about
// this subject, and the digest of an answer does not depend on the order of its holds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "jobs/hold_command.h"
#include "tests/fuzz/fuzz_input.h"

#include <nlohmann/json.hpp>

using namespace holdfast;
using namespace holdfast::fuzzing;

namespace {

const ErasureModule kModule{.name = "crm"};
const Subject kSubject{.tenant = "acme", .person = "u-4711"};

void check_counted(const std::string& printed, const ModuleReport& report) {
  const auto json = nlohmann::json::parse(printed, nullptr, false);
  require(json.is_object(), "an answer that counts is a JSON object");
  require(json.value("module", "") == kModule.name, "it names this module");
  require(json.value("subject", "") == kSubject.person, "it names this subject");
  require(json.value("status", "") == to_token(report.status), "its status is the one it says");
  require(json.at("holds").size() == report.holds.size(), "no hold is lost");
  require((report.status == HoldStatus::clear) == report.holds.empty(),
          "clear is without holds, and hold has some");
  require(report.problem.empty(), "an answer that counts has no problem");
}

void check_digest(ModuleReport report) {
  const ModuleReport own{.module = "holdfast", .status = HoldStatus::clear};
  const HoldAnswer answer{.reports = {own, report}};
  require(answer.complete() == (report.status != HoldStatus::error), "an error is no answer");
  require(!answer.all_clear() || report.status == HoldStatus::clear, "only clear is clear");
  std::reverse(report.holds.begin(), report.holds.end());
  const HoldAnswer turned{.reports = {report, own}};
  require(canonical_bytes(answer) == canonical_bytes(turned), "the order does not matter");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string printed{FuzzInput(data, size).rest()};
  const ModuleReport report = parse_module_answer(printed, kModule, kSubject);
  require(report.module == kModule.name, "a report is the module's");
  if (report.status == HoldStatus::error) {
    require(!report.problem.empty() && report.holds.empty(), "an error says why, and no more");
    require(report.problem.find(kSubject.person) == std::string::npos,
            "a problem names no subject");
  } else {
    check_counted(printed, report);
  }
  check_digest(report);
  return 0;
}
