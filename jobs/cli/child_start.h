// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "jobs/cli/child_program.h"
#include "jobs/cli/descriptor.h"

#include <tl/expected.hpp>

namespace holdfast {

/// A child that is becoming the program of a call, and our ends of its pipes; none of them waits.
struct StartedChild {
  pid_t id = 0;  ///< of the child, and of its process group
  Descriptor input;
  Descriptor output;
  Descriptor complaint;
  Descriptor start;  ///< ends where the program runs; brings an errno where it could not be started
};

/// Forks and executes, as run_program() says. Errors: the errno of what failed before the fork.
[[nodiscard]] tl::expected<StartedChild, int> start_child(const ProgramCall& call);

}  // namespace holdfast
