// SPDX-License-Identifier: Apache-2.0
#include "policy/reason.h"

#include <set>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "tests/policy/policy_builders.h"

using namespace holdfast;

TEST_CASE("the reasons stand in the order of the rules", "[reason]") {
  std::string tokens;
  for (const Reason reason : kAllReasons) {
    tokens += to_token(reason);
    tokens += ' ';
  }
  CHECK(tokens ==
        "bad_time unknown_code no_policy window hold hold_grace row_stamp floor code_floor "
        "policy_delay not_consumed not_archived newest_id limit not_reached expired ");
}

TEST_CASE("a reason is read back from its token, and has a meaning of its own", "[reason]") {
  std::set<std::string_view> meanings;
  for (const Reason reason : kAllReasons) {
    CAPTURE(reason);
    CHECK(parse_reason(to_token(reason)) == reason);
    CHECK_FALSE(meaning(reason).empty());
    meanings.insert(meaning(reason));
  }
  CHECK(meanings.size() == kReasons);
  CHECK_FALSE(parse_reason("").has_value());
  CHECK_FALSE(parse_reason("Hold").has_value());
  CHECK_FALSE(parse_reason("hold ").has_value());
}
