// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <spdlog/formatter.h>

#include "jobs/settings.h"

namespace holdfast {

/// Who reads stderr. The journal wants its priority before each line and has a clock of its own.
enum class LogReader { plain, journal };

struct LogStyle {
  LogFormat format = LogFormat::text;
  LogReader reader = LogReader::plain;
};

/// A line of the log, or the sentence that says why a command failed.
enum class LogVoice { log, complaint };

/// True where stderr is the journal: $JOURNAL_STREAM names its device and inode.
/// Source: systemd.exec(5).
[[nodiscard]] bool stderr_is_journal();

/// A message of the log as one JSON object: time (left out where `time` is empty), level, message;
/// the pairs of a message that is made of key=value as members of their own, whole numbers as
/// numbers; and "event", the word before the colon with which a warning begins.
[[nodiscard]] std::string json_log_line(const std::string& time,
                                        const std::string& level,
                                        const std::string& message);

/// How spdlog writes a message in this style.
[[nodiscard]] std::unique_ptr<spdlog::formatter> make_log_formatter(const LogStyle& style,
                                                                    LogVoice voice);

}  // namespace holdfast
