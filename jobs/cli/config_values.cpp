// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/config_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <sstream>
#include <system_error>

#include "policy/retention_window.h"

namespace holdfast {
namespace {

struct UnitWord {
  std::string_view word;
  std::int64_t size;
};

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::array<UnitWord, 4> kDurations{
    {{"ms", 1}, {"s", kSecond}, {"min", kMinute}, {"h", kHour}}};
constexpr std::int64_t kLongestDuration = 168 * kHour;

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;
constexpr std::int64_t kGigabyte = std::int64_t{1} << 30;
constexpr std::array<UnitWord, 3> kSizes{{{"kB", 1024}, {"MB", kMegabyte}, {"GB", kGigabyte}}};

constexpr std::int64_t kMillion = 1'000'000;
// Times a million, a decimal with six places is at most some 1e-10 off its whole number; a seventh
// place is 0.1 off.
constexpr double kNoise = 1e-6;

tl::unexpected<std::string> refusal(std::string_view text, std::string_view why) {
  return tl::unexpected<std::string>{'"' + std::string{text} + "\" " + std::string{why}};
}

/// A whole number and a unit, with or without one blank between them, as a multiple of the
/// smallest unit; none for every other shape, and for what would not fit.
std::optional<std::int64_t> quantity(std::string_view text, std::span<const UnitWord> units) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, count);
  if (read.ec != std::errc{} || count < 0) {
    return std::nullopt;
  }
  std::string_view word{read.ptr, static_cast<std::size_t>(end - read.ptr)};
  if (word.starts_with(' ')) {
    word.remove_prefix(1);
  }
  const auto unit = std::find_if(
      units.begin(), units.end(), [word](const UnitWord& known) { return known.word == word; });
  if (unit == units.end() || count > INT64_MAX / unit->size) {
    return std::nullopt;
  }
  return count * unit->size;
}

}  // namespace

tl::expected<std::chrono::milliseconds, std::string> parse_duration(std::string_view text) {
  const auto length = quantity(text, kDurations);
  if (!length) {
    return refusal(text, R"(is no duration: write "50ms", "1s", "5min" or "2h")");
  }
  if (*length < 1 || *length > kLongestDuration) {
    return refusal(text, R"(is out of range: write "1ms" up to "168h")");
  }
  return std::chrono::milliseconds{*length};
}

tl::expected<std::chrono::milliseconds, std::string> parse_days(std::string_view text) {
  const auto window = parse_window(text);
  if (!window || window->unit != WindowUnit::days) {
    return refusal(text, R"(is no number of whole days: write "1 day", "30 days" or more)");
  }
  return std::chrono::hours{24} * window->count;
}

tl::expected<std::int64_t, std::string> parse_bytes(std::string_view text) {
  const auto size = quantity(text, kSizes);
  if (!size) {
    return refusal(text, R"(is no size: write "64MB", "2048kB" or "1GB")");
  }
  if (*size < kMegabyte || *size > 16 * kGigabyte) {
    return refusal(text, R"(is out of range: write "1MB" up to "16GB")");
  }
  return *size;
}

tl::expected<std::int64_t, std::string> to_parts_per_million(double share) {
  std::ostringstream written;
  written << share;
  if (!(share >= 0.0 && share <= 1.0)) {
    return tl::unexpected{written.str() + " is no share: write a number from 0 to 1, such as 0.2"};
  }
  const double scaled = share * static_cast<double>(kMillion);
  const double rounded = std::round(scaled);
  if (std::abs(scaled - rounded) > kNoise) {
    return tl::unexpected{written.str() + " has more than six decimals: write fewer"};
  }
  return static_cast<std::int64_t>(rounded);
}

}  // namespace holdfast
