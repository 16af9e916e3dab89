// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "jobs/cli/session.h"
#include "jobs/outcome.h"

namespace holdfast {

/// The verb `run`: the nightly job from its lock to its exit status, and after it, however it
/// ended, what others are told of it. Errors: JobError(another_run) where the lock is held; then
/// nobody is told anything, because the other run is the one that counts.
[[nodiscard]] ExitStatus nightly_run(Session& session);

}  // namespace holdfast
