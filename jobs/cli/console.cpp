// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/console.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "jobs/cli/json_lines.h"
#include "jobs/cli/log_format.h"
#include "jobs/cli/progress_line.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr const char* kComplaints = "holdfast-complaints";

bool has_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return value != nullptr && *value != '\0';
}

/// A terminal that cannot move its cursor.
bool is_dumb_terminal() {
  const char* value = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): one thread
  return value != nullptr && std::string_view(value) == "dumb";
}

/// Under cron nobody wants to read what went well, so only warnings come through there.
spdlog::level::level_enum level_for(const Console::Wishes& wishes, bool terminal) {
  const auto asked = spdlog::level::from_str(wishes.log_level);
  if (terminal || wishes.verbose) {
    return asked;
  }
  return std::max(asked, spdlog::level::warn);
}

}  // namespace

Console::Console(const Wishes& wishes)
    : wishes_(wishes),
      stdout_terminal_(::isatty(STDOUT_FILENO) == 1),
      stderr_terminal_(::isatty(STDERR_FILENO) == 1),
      colours_(stdout_terminal_ && !has_environment("NO_COLOR") && !is_dumb_terminal()) {
  const LogStyle style{.format = wishes.log_format,
                       .reader = stderr_is_journal() ? LogReader::journal : LogReader::plain};
  const auto logger = std::make_shared<spdlog::logger>(
      "holdfast", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(make_log_formatter(style, LogVoice::log));
  logger->set_level(level_for(wishes, stderr_terminal_));
  spdlog::set_default_logger(logger);
  // Why a command failed is said whatever [log] level is.
  spdlog::drop(kComplaints);
  const auto complaints = std::make_shared<spdlog::logger>(
      kComplaints, std::make_shared<spdlog::sinks::stderr_sink_mt>());
  complaints->set_formatter(make_log_formatter(style, LogVoice::complaint));
  spdlog::register_logger(complaints);
}

bool Console::shows_progress() const {
  return stderr_terminal_ && !wishes_.json && wishes_.log_format == LogFormat::text &&
         !is_dumb_terminal();
}

bool Console::log_is_collected() const {
  return wishes_.log_format == LogFormat::json || stderr_is_journal();
}

bool Console::talkative() const {
  return stdout_terminal_ || wishes_.verbose;
}

void Console::print(const std::string& text) {
  std::cout << text;
  if (text.empty() || text.back() != '\n') {
    std::cout << '\n';
  }
  std::cout.flush();
}

void Console::print_json(const nlohmann::json& value) {
  print(value.dump(2));
}

void Console::print_json_text(const std::string& text) {
  write_indented(text, std::cout);
  std::cout << std::endl;
}

void Console::complain(const std::string& sentence) {
  if (const auto complaints = spdlog::get(kComplaints)) {
    complaints->error("{}", plain_lines(sentence));
  } else {
    std::cerr << "holdfast: " << plain_lines(sentence) << '\n';
  }
}

std::string Console::strong(const std::string& text) const {
  return colours_ ? "\x1b[1m" + text + "\x1b[0m" : text;
}

ConsoleObserver::~ConsoleObserver() {
  clear_line();
}

void ConsoleObserver::progress(const Progress& progress) {
  if (!console_.shows_progress()) {
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (progress.phase != phase_) {
    phase_ = progress.phase;
    phase_began_ = now;
    done_before_ = progress.done;
  }
  const std::string line = progress_line(progress,
                                         {.done_before = done_before_, .since = now - phase_began_},
                                         terminal_columns(STDERR_FILENO).value_or(0));
  std::cerr << '\r' << line << "\x1b[K" << std::flush;
  line_shown_ = true;
}

void ConsoleObserver::clear_line() {
  if (line_shown_) {
    std::cerr << "\r\x1b[K" << std::flush;
    line_shown_ = false;
  }
}

void ConsoleObserver::note(const std::string& line) {
  clear_line();
  spdlog::info("{}", one_line(line));
}

void ConsoleObserver::warn(const std::string& line) {
  clear_line();
  spdlog::warn("{}", one_line(line));
}

}  // namespace holdfast
