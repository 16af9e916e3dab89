// SPDX-License-Identifier: Apache-2.0
#include "storage/registers/instant_lowering.h"

#include <array>

namespace holdfast {
namespace {

constexpr const char* kSelectLaterHolds = R"sql(
SELECT id FROM holdfast_hold WHERE released_at_ms > ?1 ORDER BY id
)sql";

constexpr const char* kLowerHolds = R"sql(
UPDATE holdfast_hold SET released_at_ms = ?1, placed_at_ms = CASE WHEN placed_at_ms > ?1 THEN ?1 ELSE placed_at_ms END
WHERE released_at_ms > ?1
)sql";

/// What is lowered, in the words of the sentence about it.
struct Lowering {
  const char* sql;
  const char* one;
  const char* many;
};

constexpr std::array<Lowering, 8> kLowerings = {{
    {R"sql(UPDATE holdfast_first_seen SET seen_at_ms = ?1 WHERE seen_at_ms > ?1)sql",
     "row was first seen",
     "rows were first seen"},
    {R"sql(UPDATE holdfast_policy SET in_force_from_ms = ?1 WHERE in_force_from_ms > ?1)sql",
     "policy version came into force",
     "policy versions came into force"},
    {R"sql(UPDATE holdfast_approval SET approved_at_ms = ?1 WHERE approved_at_ms > ?1)sql",
     "approval was given",
     "approvals were given"},
    {R"sql(UPDATE holdfast_approval SET last_used_at_ms = ?1 WHERE last_used_at_ms > ?1)sql",
     "approval was last used",
     "approvals were last used"},
    {R"sql(UPDATE holdfast_plan SET saved_at_ms = ?1 WHERE saved_at_ms > ?1)sql",
     "plan was saved",
     "plans were saved"},
    // It is kept for as long as it would have been.
    {R"sql(UPDATE holdfast_export SET expires_at_ms = expires_at_ms - (made_at_ms - ?1), made_at_ms = ?1
WHERE state = 'ready' AND made_at_ms > ?1)sql",
     "copy of a person's data was made",
     "copies of persons' data were made"},
    // What was counted from the wrong clock ends as much earlier. The cooling-off of a request from
    // before it may count from that request, so it stays: then the request is made anew.
    {R"sql(UPDATE holdfast_erasure SET deadline_ms = deadline_ms - (requested_at_ms - ?1),
  cooloff_until_ms = cooloff_until_ms - (requested_at_ms - ?1), requested_at_ms = ?1
WHERE state IN ('requested', 'approved') AND requested_at_ms > ?1)sql",
     "erasure was asked for",
     "erasures were asked for"},
    {R"sql(UPDATE holdfast_erasure SET approved_at_ms = ?1,
  confirmed_at_ms = CASE WHEN confirmed_at_ms > ?1 THEN ?1 ELSE confirmed_at_ms END
WHERE state = 'approved' AND approved_at_ms > ?1)sql",
     "erasure was approved",
     "erasures were approved"},
}};

std::string ending(Instant now) {
  return " after the new clock: lowered to " + to_rfc3339(now);
}

/// Holds by their ids: a release is what the grace before deletion counts from.
void lower_holds(const RegisterHome& home, Instant now, std::vector<std::string>& sentences) {
  std::string ids;
  std::int64_t holds = 0;
  RegisterQuery later(home, kSelectLaterHolds);
  later.with(now);
  while (later.next()) {
    ids += (holds == 0 ? "" : ", ") + std::to_string(later.integer(0));
    ++holds;
  }
  if (holds > 0) {
    RegisterQuery(home, kLowerHolds).with(now).run();
    sentences.push_back(std::to_string(holds) + (holds == 1 ? " hold was" : " holds were") +
                        " released (" + ids + ")" + ending(now));
  }
}

}  // namespace

std::vector<std::string> lower_own_instants(const RegisterHome& home, Instant now) {
  std::vector<std::string> sentences;
  home.connection.forget_guarded_terms();
  lower_holds(home, now, sentences);
  for (const Lowering& lowering : kLowerings) {
    const std::int64_t lines = RegisterQuery(home, lowering.sql).with(now).run();
    if (lines > 0) {
      sentences.push_back(std::to_string(lines) + " " +
                          (lines == 1 ? lowering.one : lowering.many) + ending(now));
    }
  }
  return sentences;
}

}  // namespace holdfast
