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

bool is_erasure_token(const std::string& name) {
  return name.size() == kTokenMark.size() + kTokenDigits &&
         name.compare(0, kTokenMark.size(), kTokenMark) == 0 &&
         name.find_first_not_of("0123456789abcdef", kTokenMark.size()) == std::string::npos;
}

std::string key_check(const std::string& key) {
  return hmac_sha256_hex(key, kCheckedText);
}

}  // namespace holdfast
