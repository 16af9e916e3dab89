// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "jobs/settings.h"

namespace holdfast {

/// What would keep a run from telling others how it ended, as whole sentences: a folder that
/// metrics cannot be written to, a secret that nothing can be signed with. Asks the file system and
/// changes nothing; a server is not asked.
[[nodiscard]] std::vector<std::string> monitoring_faults(const Settings& settings);

}  // namespace holdfast
