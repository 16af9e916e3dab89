// SPDX-License-Identifier: Apache-2.0
#include "jobs/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <stdexcept>

#include "jobs/hold_document.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr std::size_t kSha256Bytes = 32;
constexpr std::string_view kHexDigits = "0123456789abcdef";

void require(bool done, const char* what) {
  if (!done) {
    throw std::runtime_error(std::string("the cryptographic library failed: ") + what);
  }
}

template <typename Bytes>
std::string to_hex(const Bytes& bytes) {
  std::string hex;
  for (const unsigned char byte : bytes) {
    hex += kHexDigits[byte >> 4U];
    hex += kHexDigits[byte & 0x0FU];
  }
  return hex;
}

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  require(context_ != nullptr &&
              EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr) == 1,
          "no SHA-256");
}

Sha256::~Sha256() {
  EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_));
}

void Sha256::update(std::string_view bytes) {
  require(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) == 1,
          "SHA-256 update");
}

std::string Sha256::hex() {
  std::array<unsigned char, kSha256Bytes> digest{};
  require(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), digest.data(), nullptr) == 1,
          "SHA-256 final");
  return to_hex(digest);
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

std::string hmac_sha256_hex(std::string_view key, std::string_view text) {
  const std::vector<unsigned char> bytes{text.begin(), text.end()};
  // A null pointer would mean "the key of last time".
  const std::string own_key{key};
  std::array<unsigned char, kSha256Bytes> digest{};
  unsigned int length = 0;
  const bool done = HMAC(EVP_sha256(),
                         own_key.data(),
                         static_cast<int>(own_key.size()),
                         bytes.data(),
                         bytes.size(),
                         digest.data(),
                         &length) != nullptr;
  require(done && length == digest.size(), "HMAC-SHA-256");
  return to_hex(digest);
}

std::string hold_set_digest(const std::vector<LegalHold>& holds) {
  Sha256 digest;
  for (const LegalHold& hold : holds) {
    digest.update(compact(hold_json(hold, HoldDetail::with_names)));
    digest.update("\n");
  }
  return digest.hex();
}

std::string random_bytes(std::size_t bytes) {
  std::vector<unsigned char> buffer(bytes);
  require(RAND_bytes(buffer.data(), static_cast<int>(bytes)) == 1, "no random bytes");
  return {buffer.begin(), buffer.end()};
}

std::string random_hex(std::size_t bytes) {
  return to_hex(random_bytes(bytes));
}

}  // namespace holdfast
