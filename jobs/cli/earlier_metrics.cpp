// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/earlier_metrics.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <string_view>

namespace holdfast {
namespace {

constexpr double kMillisecondsPerSecond = 1000.0;
constexpr double kMostRuns = 1e6;  // in a row; more is no figure of ours
constexpr std::chrono::minutes kClockSkew{5};

/// The first sample of a family, as a line; empty where there is none.
std::string_view sample_line(std::string_view text, const std::string& name) {
  const std::string start = "holdfast_" + name + "{";
  std::size_t at = text.starts_with(start) ? 0 : text.find("\n" + start);
  if (at == std::string_view::npos) {
    return {};
  }
  at += text[at] == '\n' ? 1 : 0;
  return text.substr(at, text.find('\n', at) - at);
}

/// Its value from 0 on; none where it is no such number.
std::optional<double> sample(std::string_view text, const std::string& name) {
  const std::string_view line = sample_line(text, name);
  const std::size_t gap = line.rfind(' ');
  if (gap == std::string_view::npos) {
    return std::nullopt;
  }
  double value = 0;
  const char* const end = line.data() + line.size();
  const auto [parsed, problem] = std::from_chars(line.data() + gap + 1, end, value);
  if (problem != std::errc{} || parsed != end || !std::isfinite(value) || value < 0) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::string> database_label(std::string_view text) {
  constexpr std::string_view kStart = "{database=\"";
  const std::string_view line = sample_line(text, "last_run_id");
  const std::size_t start = line.find(kStart);
  if (start == std::string_view::npos) {
    return std::nullopt;
  }
  std::string label;
  for (std::size_t at = start + kStart.size(); at < line.size() && line[at] != '"'; ++at) {
    const bool escaped = line[at] == '\\' && at + 1 < line.size();
    at += escaped ? 1 : 0;
    label += escaped && line[at] == 'n' ? '\n' : line[at];
  }
  return label;
}

}  // namespace

EarlierMetrics parse_earlier_metrics(const std::string& text, Instant now) {
  EarlierMetrics earlier{.database = database_label(text)};
  const auto success = sample(text, "last_success_timestamp_seconds");
  const auto partial = sample(text, "consecutive_partial_runs");
  const auto failed = sample(text, "consecutive_failed_runs");
  const double latest = static_cast<double>(to_unix_ms(now + kClockSkew)) / kMillisecondsPerSecond;
  if (!success || *success > latest || !partial || *partial > kMostRuns || !failed ||
      *failed > kMostRuns) {
    return earlier;
  }
  earlier.streak = RunStreak{.partial = static_cast<std::int64_t>(*partial),
                             .failed = static_cast<std::int64_t>(*failed)};
  if (*success > 0) {
    earlier.streak->last_success =
        from_unix_ms(static_cast<std::int64_t>(std::llround(*success * kMillisecondsPerSecond)));
  }
  return earlier;
}

}  // namespace holdfast
