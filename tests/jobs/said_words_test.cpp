// SPDX-License-Identifier: Apache-2.0
// Whether a text names somebody, whatever stands around the name.
#include "jobs/said_words.h"

#include <string>

#include <catch2/catch.hpp>

using namespace holdfast;
using nlohmann::json;

namespace {

SaidWords words_of(const json& value) {
  SaidWords said;
  said.take(value);
  return said;
}

}  // namespace

TEST_CASE("a name is told whatever stands around it", "[export]") {
  const std::string text = GENERATE(as<std::string>{},
                                    "carol",
                                    "told carol today",
                                    "escalated to carol.",
                                    "by carol: ok",
                                    "user:carol",
                                    "carol@example.com",
                                    "ops-carol-2",
                                    "ops_carol",
                                    "(carol)",
                                    "carol's",
                                    "„carol“",
                                    "carol’s",
                                    "see carol, dave");
  CAPTURE(text);
  CHECK(words_of(text).say("carol"));
  CHECK(words_of(json{{"by", json::array({text})}}).say("carol"));
  CHECK(words_of(json{{text, 1}}).say("carol"));
}

TEST_CASE("a name of several parts is told where it stands so", "[export]") {
  const SaidWords said = words_of(
      {{"a", "mail to <c.miller-jones@example.com>."}, {"b", "x:Jürgen, 4711"}, {"c", 815}});
  CHECK(said.say("c.miller-jones@example.com"));
  CHECK(said.say("miller-jones"));
  CHECK(said.say("Jürgen"));
  CHECK(said.say("4711"));
  CHECK(said.say("815"));
  CHECK(said.say("<c.miller"));
  CHECK_FALSE(said.say("miller.jones"));
  CHECK_FALSE(said.say("example-com"));
  CHECK_FALSE(said.say("c.mill"));
  CHECK_FALSE(said.say(""));
}

TEST_CASE("a name inside a longer word is not told", "[export]") {
  const SaidWords said = words_of("Carolina carolx xcarol carol9");
  CHECK_FALSE(said.say("carol"));
  CHECK_FALSE(said.say("Carol"));
}
