// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/desk.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// The time that an evidence pack speaks of: half-open.
struct EvidencePeriod {
  Instant from;
  Instant until;
};

// The documents of an evidence pack, as they stand now. None names a person who is the subject of a
// hold, an erasure or a copy: holds count them and print tokens, open requests leave them out, and
// where a free text of the register says such a name, "[subject]" stands in its place.

/// Every run that was opened in the period: {runs: [{run_id, opened_at, outcome, record}]}, record
/// null where the run is open or lost. Ascending.
[[nodiscard]] nlohmann::json period_runs(const Desk& desk, const EvidencePeriod& period);

/// The certificate of disposition over those runs.
[[nodiscard]] nlohmann::json disposition_certificate(const Desk& desk,
                                                     const EvidencePeriod& period,
                                                     const nlohmann::json& runs);

/// Every hold that was placed before the end of the period and not released before its beginning.
[[nodiscard]] nlohmann::json hold_register_document(const Desk& desk, const EvidencePeriod& period);

/// Every request that was open or ended in the period, with its attempts and receipt.
[[nodiscard]] nlohmann::json erasure_register_document(const Desk& desk,
                                                       const EvidencePeriod& period);

/// Every copy of a person's data that was asked for before the end of the period and not destroyed
/// before its beginning, with who made, fetched and destroyed it.
[[nodiscard]] nlohmann::json export_register_document(const Desk& desk,
                                                      const EvidencePeriod& period);

/// Every version of the policy that came into force before the end of the period.
[[nodiscard]] nlohmann::json policy_register_document(const Desk& desk,
                                                      const EvidencePeriod& period);

/// What was out of the ordinary in those runs: {exceptions: [{run_id, kind, detail}]}.
[[nodiscard]] nlohmann::json exceptions_document(const nlohmann::json& runs);

}  // namespace holdfast
