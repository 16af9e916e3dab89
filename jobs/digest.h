// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/legal_hold.h"

namespace holdfast {

/// SHA-256 over bytes given piece by piece.
class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  Sha256(Sha256&&) = delete;
  Sha256& operator=(Sha256&&) = delete;
  ~Sha256();

  void update(std::string_view bytes);
  /// Lower-case hex; the object is used up.
  [[nodiscard]] std::string hex();

 private:
  void* context_;  // EVP_MD_CTX, kept out of this header
};

[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// HMAC-SHA-256 as lower-case hex. Shapes: key and text of any bytes and any length, empty too.
/// Source: RFC 2104, RFC 4231.
[[nodiscard]] std::string hmac_sha256_hex(std::string_view key, std::string_view text);

/// The digest of a hold set: every hold that is active or was ever released, with its scope.
[[nodiscard]] std::string hold_set_digest(const std::vector<LegalHold>& holds);

/// Random bytes from the system's generator.
[[nodiscard]] std::string random_bytes(std::size_t bytes);
/// `bytes` random bytes as lower-case hex.
[[nodiscard]] std::string random_hex(std::size_t bytes);

}  // namespace holdfast
