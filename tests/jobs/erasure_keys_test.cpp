// SPDX-License-Identifier: Apache-2.0
#include "jobs/erasure_keys.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/digest.h"

using namespace holdfast;

TEST_CASE("HMAC-SHA-256 gives the values of RFC 4231", "[erasure][keys]") {
  struct Vector {
    std::string key;
    std::string text;
    std::string hex;
  };
  const std::vector<Vector> vectors{
      {std::string(20, '\x0b'),
       "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe",
       "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'),
       std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {std::string(131, '\xaa'),
       "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      // Not in the RFC; what other implementations give for nothing at all.
      {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  for (const Vector& vector : vectors) {
    CAPTURE(vector.text);
    CHECK(hmac_sha256_hex(vector.key, vector.text) == vector.hex);
  }
}

TEST_CASE("an empty key is a key of its own, not the key of last time", "[erasure][keys]") {
  const std::string before = hmac_sha256_hex("", "text");

  CHECK(hmac_sha256_hex("another key", "text") != before);
  CHECK(hmac_sha256_hex("", "text") == before);
}

TEST_CASE("a token is the mark and 16 digits, the same for one key and person", "[erasure][keys]") {
  CHECK(erasure_token("Jefe", "what do ya want for nothing?") == "erased:5bdcc146bf60754e");
  CHECK(erasure_token("Jefe", "alice") != erasure_token("Jefe", "Alice"));
  CHECK(erasure_token("Jefe", "alice") != erasure_token("jefe", "alice"));
}

TEST_CASE("the check of a key tells it from another and gives no token away", "[erasure][keys]") {
  CHECK(key_check("Jefe").size() == 64);
  CHECK(key_check("Jefe") == key_check("Jefe"));
  CHECK(key_check("Jefe") != key_check("jefe"));
}
