// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace holdfast {

/// Reads "50ms", "1s", "5min" or "2h": how long something may last within one run.
/// Shapes: 1 ms to 7 days. Errors: a sentence that names the text and says what to write.
[[nodiscard]] tl::expected<std::chrono::milliseconds, std::string> parse_duration(
    std::string_view text);

/// Reads "1 day", "30 days" or "P30D": how long something waits between runs.
/// Errors: a sentence that names the text; months and years have no fixed length and are refused.
[[nodiscard]] tl::expected<std::chrono::milliseconds, std::string> parse_days(
    std::string_view text);

/// Reads "256kB", "64MB" or "1GB" in powers of 1024.
/// Shapes: 1 MB to 16 GB. Errors: a sentence that names the text and says what to write.
[[nodiscard]] tl::expected<std::int64_t, std::string> parse_bytes(std::string_view text);

/// A share from 0 to 1 as parts per million. Errors: a sentence where it is outside, is no number,
/// or has more than six decimals, because a policy has no rounding.
[[nodiscard]] tl::expected<std::int64_t, std::string> to_parts_per_million(double share);

}  // namespace holdfast
