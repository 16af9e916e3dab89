// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
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

/// HMAC-SHA-256 over bytes given piece by piece. Source: RFC 2104.
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);
  /// Goes on by itself from the bytes that the other has been given.
  HmacSha256(const HmacSha256& other);
  HmacSha256& operator=(const HmacSha256&) = delete;
  HmacSha256(HmacSha256&&) = delete;
  HmacSha256& operator=(HmacSha256&&) = delete;
  ~HmacSha256();

  void update(std::string_view bytes);
  /// Lower-case hex; the object is used up.
  [[nodiscard]] std::string hex();

 private:
  void* context_;  // EVP_MAC_CTX, kept out of this header
};

/// The bytes that lower-case hex stands for. Errors: none for anything else.
[[nodiscard]] std::optional<std::string> bytes_of_hex(std::string_view hex);
[[nodiscard]] std::string hex_of_bytes(std::string_view bytes);

/// The digest of a hold set: every hold that is active or was ever released, with its scope.
[[nodiscard]] std::string hold_set_digest(const std::vector<LegalHold>& holds);

/// Random bytes from the system's generator.
[[nodiscard]] std::string random_bytes(std::size_t bytes);
/// `bytes` random bytes as lower-case hex.
[[nodiscard]] std::string random_hex(std::size_t bytes);

}  // namespace holdfast
