// SPDX-License-Identifier: Apache-2.0
#include "jobs/digest.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <array>
#include <stdexcept>

#include "jobs/hold_document.h"

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

HmacSha256::HmacSha256(std::string_view key) : context_(nullptr) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  auto* context = mac == nullptr ? nullptr : EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  context_ = context;
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  const std::vector<unsigned char> bytes{key.begin(), key.end()};
  require(context != nullptr &&
              EVP_MAC_init(context, bytes.data(), bytes.size(), parameters.data()) == 1,
          "no HMAC-SHA-256");
}

HmacSha256::HmacSha256(const HmacSha256& other)
    : context_(EVP_MAC_CTX_dup(static_cast<const EVP_MAC_CTX*>(other.context_))) {
  require(context_ != nullptr, "HMAC copy");
}

HmacSha256::~HmacSha256() {
  EVP_MAC_CTX_free(static_cast<EVP_MAC_CTX*>(context_));
}

void HmacSha256::update(std::string_view bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the library wants unsigned bytes
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  require(EVP_MAC_update(static_cast<EVP_MAC_CTX*>(context_), data, bytes.size()) == 1,
          "HMAC update");
}

std::string HmacSha256::hex() {
  std::array<unsigned char, kSha256Bytes> digest{};
  std::size_t length = 0;
  require(EVP_MAC_final(
              static_cast<EVP_MAC_CTX*>(context_), digest.data(), &length, digest.size()) == 1 &&
              length == digest.size(),
          "HMAC final");
  return to_hex(digest);
}

std::optional<std::string> bytes_of_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) {
    return std::nullopt;
  }
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const std::size_t high = kHexDigits.find(hex[i]);
    const std::size_t low = kHexDigits.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return std::nullopt;
    }
    bytes += static_cast<char>(static_cast<unsigned char>(high << 4U | low));
  }
  return bytes;
}

std::string hex_of_bytes(std::string_view bytes) {
  return to_hex(bytes);
}

std::string hold_set_digest(const std::vector<LegalHold>& holds) {
  Sha256 digest;
  for (const LegalHold& hold : holds) {
    digest.update(hold_text(hold));
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
