// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/console.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "jobs/cli/json_lines.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr std::int64_t kPercent = 100;

bool has_environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
  return value != nullptr && *value != '\0';
}

/// Under cron nobody wants to read what went well, so only warnings come through there.
spdlog::level::level_enum level_for(const Console::Wishes& wishes, bool terminal) {
  const auto asked = spdlog::level::from_str(wishes.log_level);
  if (terminal || wishes.verbose) {
    return asked;
  }
  return std::max(asked, spdlog::level::warn);
}

/// How many columns a text takes: continuation bytes of UTF-8 take none.
std::size_t columns(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
  }));
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

Console::Console(const Wishes& wishes)
    : wishes_(wishes),
      stdout_terminal_(::isatty(STDOUT_FILENO) == 1),
      stderr_terminal_(::isatty(STDERR_FILENO) == 1),
      colours_(stdout_terminal_ && !has_environment("NO_COLOR")) {
  const auto logger = std::make_shared<spdlog::logger>(
      "holdfast", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%SZ %l %v", spdlog::pattern_time_type::utc);
  logger->set_level(level_for(wishes, stderr_terminal_));
  spdlog::set_default_logger(logger);
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
  std::cerr << "holdfast: " << plain_lines(sentence) << '\n';
}

std::string Console::strong(const std::string& text) const {
  return colours_ ? "\x1b[1m" + text + "\x1b[0m" : text;
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t at = 0; at < row.size(); ++at) {
      widths.at(at) = std::max(widths.at(at), columns(row[at]));
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t at = 0; at < row.size(); ++at) {
      const std::string gap(widths.at(at) - columns(row[at]), ' ');
      line += is_number(row[at]) ? gap + row[at] : row[at] + gap;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

ConsoleObserver::~ConsoleObserver() {
  clear_line();
}

void ConsoleObserver::progress(const Progress& progress) {
  if (!console_.stderr_is_terminal() || console_.json()) {
    return;
  }
  std::cerr << '\r' << progress.phase << ' ' << progress.done;
  if (progress.total > 0) {
    std::cerr << " of " << progress.total << " rows (" << kPercent * progress.done / progress.total
              << " %)";
  } else {
    std::cerr << " rows";
  }
  std::cerr << "   " << std::flush;
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
