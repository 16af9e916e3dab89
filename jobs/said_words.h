// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace holdfast {

/// What texts say, word by word, so that many names can be asked for without reading them again.
class SaidWords {
 public:
  /// Takes every text, number and key of the value.
  void take(const nlohmann::json& value);
  /// True where a text is the name or has it inside, whatever stands around it: a blank, a full
  /// stop, a colon, a quotation mark. A name inside a longer word (carol in Carolina) is not told.
  [[nodiscard]] bool say(std::string_view name) const;
  [[nodiscard]] bool empty() const { return words_.empty(); }

 private:
  void take_text(const std::string& text);

  std::set<std::string, std::less<>> words_;
  std::string texts_;  // one a line
};

}  // namespace holdfast
