// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "storage/erasure_register.h"

namespace holdfast {

/// Where the tenants' keys are kept: outside the database, one file each, readable by its owner
/// alone. A key is 32 random bytes.
class ErasureKeys {
 public:
  ErasureKeys() = default;
  ErasureKeys(const ErasureKeys&) = delete;
  ErasureKeys& operator=(const ErasureKeys&) = delete;
  ErasureKeys(ErasureKeys&&) = delete;
  ErasureKeys& operator=(ErasureKeys&&) = delete;
  virtual ~ErasureKeys() = default;

  /// The key that belongs to a line of the register, from the file named after its id and check.
  /// None where there is no such file. Errors: JobError where it cannot be read, has other bytes
  /// than the line's check wants, is a link, or others may read or write it.
  [[nodiscard]] virtual std::optional<std::string> read(const ErasureKeyLine& line) = 0;
  /// Writes a key and syncs file and folder, so that it is there before anything depends on it.
  /// Never replaces a file. Errors: JobError.
  virtual void write(const ErasureKeyLine& line, const std::string& key) = 0;
  /// Overwrites and removes a key. Returns false where there was none. Errors: JobError.
  [[nodiscard]] virtual bool destroy(const ErasureKeyLine& line) = 0;
};

/// What stands for a person from their erasure on: "erased:" and the first 16 hex digits of
/// HMAC-SHA-256(key, person).
[[nodiscard]] std::string erasure_token(const std::string& key, const std::string& person);

/// True for what stands for somebody who was erased: no person has such a name.
[[nodiscard]] bool is_erasure_token(const std::string& name);

/// What a key makes of a fixed text: kept in the register, it tells the right key from another.
[[nodiscard]] std::string key_check(const std::string& key);

}  // namespace holdfast
