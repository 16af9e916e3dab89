// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "jobs/verify.h"
#include "jobs/witness.h"
#include "storage/database.h"

namespace holdfast {

// Each adds to the findings what it checked, and every problem that it met.

/// Every record against its hash and its predecessor, and the numbers of the runs without gaps.
void verify_chain(Database& database, VerifyFindings& findings);
/// The witness file against its outbox, and the runs that it knows against the ledger.
void verify_witness(const Desk& desk, VerifyFindings& findings);
/// The holds that commands placed and did not release, as the witness has them, against the
/// register: each is still there, or one that covers the same.
void verify_holds(Database& database, const WitnessComparison& witness, VerifyFindings& findings);
/// Approvals and the run clock against what the witness noted when they were given or set. Says
/// nothing of what is older than its first line, or than the last `recover`.
void verify_words(Database& database, const WitnessComparison& witness, VerifyFindings& findings);
/// The versions of the policy against the digests that the records of runs have of them.
void verify_policies(Database& database, VerifyFindings& findings);
/// Every record against its line and its slices: sums, tallies, keys, digests, salt.
void verify_ledger(Database& database, VerifyFindings& findings);
/// Every archive against its manifest and the ledger.
void verify_archives(const Desk& desk, VerifyFindings& findings);
/// Every copy of a person's data that is ready is there with its size.
void verify_exports(const Desk& desk, VerifyFindings& findings);
/// No deleted row is back, and between runs no row came or went.
void verify_log(Database& database, std::int64_t since, VerifyFindings& findings);
/// The digests of slices whose rows a backup still has.
void verify_backup(Database& database, Database& backup, VerifyFindings& findings);

}  // namespace holdfast
