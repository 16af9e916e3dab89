// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace holdfast {

/// Why nothing may be sent to this address, as the end of a sentence: it cannot be read, it has a
/// user or password in it, its scheme is neither https nor http, or it is http to another machine
/// and that is not allowed. None where it may be used. The address itself is not in the sentence,
/// because it may hold a token.
[[nodiscard]] std::optional<std::string> webhook_url_fault(const std::string& url, bool allow_http);

/// Scheme, host and port of an address, which may be printed; "?" where it cannot be read.
[[nodiscard]] std::string webhook_place(const std::string& url);

}  // namespace holdfast
