// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "jobs/cli/evidence_pack.h"

namespace holdfast {

/// The certificate of disposition with its sign-off block, to read and to print.
[[nodiscard]] std::string html_certificate(const EvidenceDocuments& documents);

/// Policies, catalogue, holds, erasures and exceptions, to read and to print.
[[nodiscard]] std::string html_registers(const EvidenceDocuments& documents);

}  // namespace holdfast
