// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

/// A line of the configuration file, counted from 1; 0 where there is none to name.
using ConfigLine = std::uint32_t;

/// Everything that is wrong with one configuration file, and where its keys stand.
class ConfigProblems {
 public:
  /// `key` is the full key, "run.max_rows"; `sentence` says what is wrong and what to write.
  void add(ConfigLine line, std::string key, std::string sentence);
  [[nodiscard]] bool empty() const { return problems_.empty(); }
  /// One line for each problem, in the order of the file, without a line end after the last.
  [[nodiscard]] std::string text(const std::string& file) const;

  void note_line(std::string key, ConfigLine line);
  /// Where the key stands, or else the nearest table around it; 0 where none of them is in the
  /// file.
  [[nodiscard]] ConfigLine line_of(std::string_view key) const;

 private:
  struct Problem {
    ConfigLine line = 0;
    std::string key;
    std::string sentence;
  };
  std::vector<Problem> problems_;
  std::map<std::string, ConfigLine, std::less<>> lines_;
};

/// True where the text holds a character that would break a line or end it early.
[[nodiscard]] bool holds_control(std::string_view text);

/// `"word"`, as messages name a value.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// ` (did you mean "this"?)`, or nothing where no candidate is near.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& candidates);

}  // namespace holdfast
