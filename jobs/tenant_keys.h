// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/erasure_keys.h"
#include "policy/legal_hold.h"
#include "storage/database.h"

namespace holdfast {

/// The line of the key that a tenant has now; none where it has none, or where it was forgotten.
[[nodiscard]] std::optional<ErasureKeyLine> key_line_of(ErasureRegister& erasures,
                                                        const std::optional<std::string>& tenant);

/// The token that stands for a subject, where the tenant has a key. Errors: JobError where the
/// register says that there is a key and its file is gone: a second key would cut the tokens loose.
[[nodiscard]] std::optional<std::string> token_of(Database& database,
                                                  ErasureKeys& keys,
                                                  const Subject& subject);

/// The same, and the tenant's key is made where it has none yet. Call it inside the write of the
/// completion: the file is written and synced before the transaction commits.
[[nodiscard]] std::string token_of_or_new_key(Database& database,
                                              ErasureKeys& keys,
                                              const Subject& subject,
                                              Instant now);

/// Puts the tokens of erased persons beside their names, so that a hold that is placed after an
/// erasure finds the pseudonymised rows as well. Only for tenants that have their key still.
/// Returns in sentences whose erased persons could not be looked for, because a key's file is gone
/// or cannot be read: a hold is not refused for that.
[[nodiscard]] std::vector<std::string> add_tokens(Database& database,
                                                  ErasureKeys& keys,
                                                  HoldScope& scope);

/// The keys that the register counts on and whose files are gone.
[[nodiscard]] std::vector<ErasureKeyLine> keys_without_file(Database& database, ErasureKeys& keys);

/// What is wrong with the files of keys that the register counts on, in a sentence about the first;
/// empty: nothing is.
[[nodiscard]] std::string key_fault(Database& database, ErasureKeys& keys);

}  // namespace holdfast
