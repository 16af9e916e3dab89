// SPDX-License-Identifier: Apache-2.0
#include "policy/spelling.h"

#include <catch2/catch.hpp>

using namespace holdfast;

namespace {

const std::vector<std::string>& keys() {
  static const std::vector<std::string> all{
      "window", "at_least", "basis", "locked", "sessions", "account", "retain_until", "id"};
  return all;
}

}  // namespace

TEST_CASE("the nearest word is found for a slip of the pen", "[spelling]") {
  struct Case {
    const char* word;
    const char* meant;
  };
  const auto each = GENERATE(values<Case>({
      {"window", "window"},
      {"windw", "window"},
      {"windows", "window"},
      {"widnow", "window"},
      {"at-least", "at_least"},
      {"AT_LEAST", "at_least"},
      {"Session", "sessions"},
      {"retainuntill", "retain_until"},
      {"ID", "id"},
      {"di", "id"},
      {"i", "id"},
  }));
  CAPTURE(each.word);
  CHECK(nearest_spelling(each.word, keys()) == each.meant);
}

TEST_CASE("nothing is suggested where nothing is near", "[spelling]") {
  const auto word = GENERATE(as<std::string>{}, "", "retention", "wnd", "ab", "bases_of_it", "???");
  CAPTURE(word);
  CHECK_FALSE(nearest_spelling(word, keys()).has_value());
}

TEST_CASE("a third of the letters may change and not one more", "[spelling]") {
  CHECK(nearest_spelling("abcdeXX", {"abcdefg"}) == "abcdefg");
  CHECK_FALSE(nearest_spelling("abcdXXX", {"abcdefg"}).has_value());
  CHECK(nearest_spelling("aX", {"ab"}) == "ab");
  CHECK_FALSE(nearest_spelling("XX", {"ab"}).has_value());
}

TEST_CASE("a difference in case is nearer than a different letter", "[spelling]") {
  CHECK(nearest_spelling("alice", {"Blice", "Alice"}) == "Alice");
  CHECK(nearest_spelling("alice", {"alicd", "ALIce"}) == "ALIce");
}

TEST_CASE("the first of two equally near words is taken and no words give none", "[spelling]") {
  CHECK(nearest_spelling("abcx", {"abcd", "abce"}) == "abcd");
  CHECK_FALSE(nearest_spelling("abcx", {}).has_value());
}
