// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/log_mapping.h"

namespace holdfast {

/// True for the table that `init` makes: whether the configuration spells its columns out does not
/// matter.
[[nodiscard]] bool is_default_log(const LogMapping& mapping);

}  // namespace holdfast
