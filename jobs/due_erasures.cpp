// SPDX-License-Identifier: Apache-2.0
#include "jobs/due_erasures.h"

#include <algorithm>

#include "jobs/json_text.h"
#include "jobs/run_errors.h"

namespace holdfast {
namespace {

using nlohmann::json;

bool confirmed(const ErasureRequest& request) {
  return request.state == ErasureState::approved && !request.confirmed_by.empty();
}

json lines_json(const std::vector<DueErasures::Line>& lines) {
  json list = json::array();
  for (const DueErasures::Line& line : lines) {
    list.push_back({{"request_id", line.id}, {"why", utf8_text(line.why)}});
  }
  return list;
}

void complete_one(const ErasureTools& tools,
                  const PolicyState& policy,
                  const ErasureActor& actor,
                  std::int64_t id,
                  DueErasures& found) {
  ErasureWorkflow workflow(tools, policy, actor);
  ErasureResult result = workflow.carry_out(id, {.deed = ErasureDeed::nightly});
  if (result.receipt) {
    found.completed.push_back(id);
    found.deleted.insert(
        found.deleted.end(), result.receipt->deleted.begin(), result.receipt->deleted.end());
  } else {
    found.blocked.push_back({.id = id, .why = result.step.reason});
  }
}

}  // namespace

bool any_confirmed(ErasureRegister& erasures) {
  const auto requests = erasures.all();
  return std::any_of(requests.begin(), requests.end(), confirmed);
}

void complete_confirmed(const ErasureTools& tools,
                        const PolicyState& policy,
                        const ErasureActor& run,
                        const StopFlag& stop,
                        DueErasures& found) {
  for (const ErasureRequest& request : tools.database.erasures().all()) {
    if (!confirmed(request)) {
      continue;
    }
    if (stop.raised()) {
      return;
    }
    ErasureActor actor = run;
    actor.who = request.confirmed_by;
    try {
      complete_one(tools, policy, actor, request.id, found);
    } catch (const std::exception& error) {
      // Its transaction was taken back whole; one bad request does not block the others, and the
      // run says that it failed.
      found.failed.push_back(
          {.id = request.id, .why = run_error(error, tools.database.path()).message});
    }
  }
}

void list_due(ErasureRegister& erasures, Instant system_now, DueErasures& found) {
  for (const ErasureRequest& request : erasures.all()) {
    if (!request.open()) {
      continue;
    }
    ++found.open;
    switch (deadline_state(request, system_now)) {
      case DeadlineState::far:
        break;
      case DeadlineState::due_soon:
        found.due_soon.push_back(request.id);
        break;
      case DeadlineState::overdue:
        found.overdue.push_back(request.id);
        break;
    }
  }
}

json due_erasures_json(const DueErasures& found) {
  return {{"completed", found.completed},
          {"blocked", lines_json(found.blocked)},
          {"failed", lines_json(found.failed)},
          {"due_soon", found.due_soon},
          {"overdue", found.overdue},
          {"open", found.open}};
}

}  // namespace holdfast
