// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/log_format.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <spdlog/details/log_msg.h>

#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";

bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of(kNameLetters) == std::string_view::npos;
}

json number_or_text(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!text.empty() && problem == std::errc{} && end == text.data() + text.size()) {
    return number;
  }
  return utf8_text(text);
}

/// The pairs of a message where it is made of nothing else; otherwise none.
json pairs_of(std::string_view message) {
  json pairs = json::object();
  while (!message.empty()) {
    const std::string_view word = message.substr(0, message.find(' '));
    const std::size_t sign = word.find('=');
    if (sign == std::string_view::npos || !is_name(word.substr(0, sign))) {
      return json::object();
    }
    pairs[std::string(word.substr(0, sign))] = number_or_text(word.substr(sign + 1));
    message.remove_prefix(std::min(message.size(), word.size() + 1));
  }
  return pairs;
}

std::string_view level_name(spdlog::level::level_enum level) {
  const auto name = spdlog::level::to_string_view(level);
  return {name.data(), name.size()};
}

/// Source: sd-daemon(3).
const char* journal_prefix(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "<7>";
    case spdlog::level::info:
      return "<6>";
    case spdlog::level::warn:
      return "<4>";
    case spdlog::level::critical:
      return "<2>";
    case spdlog::level::err:
    case spdlog::level::off:
    case spdlog::level::n_levels:
      break;
  }
  return "<3>";
}

std::string now_text(const spdlog::details::log_msg& message) {
  const auto instant = std::chrono::floor<std::chrono::seconds>(message.time);
  return to_rfc3339(std::chrono::time_point_cast<std::chrono::milliseconds>(instant));
}

class LogFormatter final : public spdlog::formatter {
 public:
  LogFormatter(const LogStyle& style, LogVoice voice) : style_(style), voice_(voice) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string text(message.payload.data(), message.payload.size());
    for (const std::string& line : lines_of(message, text)) {
      append(out, style_.reader == LogReader::journal ? journal_prefix(message.level) : "");
      append(out, line);
      append(out, "\n");
    }
  }

  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LogFormatter>(style_, voice_);
  }

 private:
  static void append(spdlog::memory_buf_t& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
  }

  /// Several only for a complaint of several lines, each of which the journal takes for a message.
  [[nodiscard]] std::vector<std::string> lines_of(const spdlog::details::log_msg& message,
                                                  const std::string& text) const {
    const bool journal = style_.reader == LogReader::journal;
    if (style_.format == LogFormat::json) {
      return {json_log_line(
          journal ? "" : now_text(message), std::string(level_name(message.level)), text)};
    }
    if (voice_ == LogVoice::log) {
      return {journal
                  ? text
                  : now_text(message) + " " + std::string(level_name(message.level)) + " " + text};
    }
    if (!journal) {
      return {"holdfast: " + text};
    }
    std::vector<std::string> lines;
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return lines;
  }

  LogStyle style_;
  LogVoice voice_;
};

}  // namespace

bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): one thread
  struct stat facts {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &facts) != 0) {
    return false;
  }
  return std::string_view(stream) ==
         std::to_string(facts.st_dev) + ":" + std::to_string(facts.st_ino);
}

std::string json_log_line(const std::string& time,
                          const std::string& level,
                          const std::string& message) {
  json line = pairs_of(message);
  const std::size_t colon = message.find(": ");
  if (colon != std::string::npos && is_name(std::string_view(message).substr(0, colon))) {
    line["event"] = message.substr(0, colon);
  }
  // Whatever pairs a message has, these are what they are named.
  line["level"] = level;
  line["message"] = utf8_text(message);
  line.erase("time");
  if (!time.empty()) {
    line["time"] = time;
  }
  return line.dump();
}

std::unique_ptr<spdlog::formatter> make_log_formatter(const LogStyle& style, LogVoice voice) {
  return std::make_unique<LogFormatter>(style, voice);
}

}  // namespace holdfast
