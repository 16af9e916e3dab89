// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace holdfast {

/// Runs one command line and returns the exit status. Everything that can go wrong ends here, as
/// one sentence on stderr (and as "error" in the JSON answer).
[[nodiscard]] int run_app(int argc, const char* const* argv);

}  // namespace holdfast
