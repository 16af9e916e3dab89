// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/cli/session.h"

namespace holdfast {

/// After a run, where [reports] is set: puts run-N.json and run-N.html of the last run, of every
/// newer run that has none yet, and index.html into its directory, each in one step. A failure is
/// warned about and changes nothing else: the record is in the ledger. Never throws.
void write_reports(Session& session, Database& database);

}  // namespace holdfast
