// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jobs/erasure_workflow.h"
#include "jobs/run_observer.h"

#include <nlohmann/json.hpp>

namespace holdfast {

/// What the nightly run found and did about erasures. Requests are named by id, never by subject.
struct DueErasures {
  struct Line {
    std::int64_t id = 0;
    std::string why;
  };
  std::vector<std::int64_t> completed;
  std::vector<Line> blocked;  ///< confirmed, and a guard stopped them
  std::vector<Line> failed;   ///< an error stopped them; nothing of theirs was done
  std::vector<std::int64_t> due_soon;
  std::vector<std::int64_t> overdue;
  std::int64_t open = 0;
  std::vector<RowKey> deleted;  ///< rows of the log that went with completed requests
};

/// True where a person has asked for a completion when due.
[[nodiscard]] bool any_confirmed(ErasureRegister& erasures);

/// Completes what a person has confirmed, in that person's name and with every guard asked anew,
/// each in a transaction of its own; one that fails does not keep the others from going. A cron is
/// not a second person: what nobody confirmed is only listed.
void complete_confirmed(const ErasureTools& tools,
                        const PolicyState& policy,
                        const ErasureActor& run,
                        const StopFlag& stop,
                        DueErasures& found);

/// Lists what is open, due within 7 days, and overdue.
void list_due(ErasureRegister& erasures, Instant system_now, DueErasures& found);

[[nodiscard]] nlohmann::json due_erasures_json(const DueErasures& found);

}  // namespace holdfast
