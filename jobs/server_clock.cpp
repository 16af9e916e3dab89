// SPDX-License-Identifier: Apache-2.0
#include "jobs/server_clock.h"

#include <algorithm>

namespace holdfast {

bool WitnessedClock::apart() const {
  return server && (*server > machine + kClockTolerance || machine > *server + kClockTolerance);
}

Instant WitnessedClock::earlier() const {
  return server ? std::min(machine, *server) : machine;
}

std::string WitnessedClock::sentence() const {
  return "this machine's clock says " + to_rfc3339(machine) +
         " and that of the database's server " +
         (server ? to_rfc3339(*server) : std::string{"nothing"}) +
         ", so that one of them is wrong and nobody can tell which: set it right, then run again";
}

WitnessedClock witness_clock(Database& database, Instant machine) {
  return {.machine = machine, .server = database.server_now()};
}

}  // namespace holdfast
