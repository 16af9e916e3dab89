// SPDX-License-Identifier: Apache-2.0
#include "jobs/erasure_keys.h"

#include <string_view>

#include "jobs/digest.h"

namespace holdfast {
namespace {

constexpr std::string_view kTokenMark = "erased:";
constexpr std::size_t kTokenDigits = 16;
// No person's id has line ends, so the check never is the token of somebody in full length.
constexpr std::string_view kCheckedText = "holdfast\nerasure key\n";

}  // namespace

std::string erasure_token(const std::string& key, const std::string& person) {
  return std::string{kTokenMark} + hmac_sha256_hex(key, person).substr(0, kTokenDigits);
}

std::string key_check(const std::string& key) {
  return hmac_sha256_hex(key, kCheckedText);
}

}  // namespace holdfast
