// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/cli/config_problems.h"
#include "policy/retention_window.h"

namespace holdfast {

/// One text of an array, and where it stands.
struct ConfigText {
  std::string text;
  ConfigLine line = 0;
};

/// Whether an array may hold the same text twice, as the arguments of a program may.
enum class Repeats { refused, allowed };

/// One table of the configuration. It gives typed values and reports what has another type; every
/// key that was asked for is a key that exists, and refuse_unknown() reports the others. Shapes: a
/// table that the file lacks answers none to everything and reports nothing. The file's tree and
/// the problems have to outlive it.
class ConfigTable {
 public:
  /// `key` is the full key of the table, "" for the whole file.
  ConfigTable(const toml::table* table, std::string key, ConfigProblems& problems);

  [[nodiscard]] bool present() const { return table_ != nullptr; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] std::string key_of(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] bool is_text(std::string_view name) const;
  [[nodiscard]] bool is_empty_array(std::string_view name) const;
  /// The keys of the table in the order of the file.
  [[nodiscard]] std::vector<std::string> names() const;

  /// A text that is neither empty nor holds control characters. `example` is what to write instead.
  [[nodiscard]] std::optional<std::string> text(std::string_view name, std::string_view example);
  /// The same, and a TOML date or time counts as the text that it is written with.
  [[nodiscard]] std::optional<std::string> text_or_time(std::string_view name,
                                                        std::string_view example);
  [[nodiscard]] std::optional<bool> flag(std::string_view name);
  /// A whole number from 0 on.
  [[nodiscard]] std::optional<std::int64_t> count(std::string_view name);
  /// A share from 0 to 1, as parts per million.
  [[nodiscard]] std::optional<std::int64_t> share(std::string_view name);
  [[nodiscard]] std::optional<RetentionWindow> window(std::string_view name);
  /// One of the words.
  [[nodiscard]] std::optional<std::string> word(std::string_view name,
                                                std::span<const std::string_view> words);
  /// An array of texts; empty where the key is missing.
  [[nodiscard]] std::vector<ConfigText> texts(std::string_view name,
                                              Repeats repeats = Repeats::refused);
  [[nodiscard]] ConfigTable table(std::string_view name, std::string_view example);
  /// An array of tables; each has the full key of the array and the text of its key `label`, or
  /// where it lacks that, and with an empty `label`, its number.
  [[nodiscard]] std::vector<ConfigTable> tables(std::string_view name,
                                                std::string_view label,
                                                std::string_view example);
  /// What `parse` makes of a text; `parse` gives a tl::expected with a sentence as its error.
  template <typename Parse>
  [[nodiscard]] auto parsed(std::string_view name, std::string_view example, Parse parse)
      -> std::optional<typename decltype(parse(std::string_view{}))::value_type>;

  /// Reports one key of the table, or the table itself where the key is not there.
  void refuse(std::string_view name, std::string sentence);
  void refuse_at(ConfigLine line, std::string_view name, std::string sentence);
  void refuse_table(std::string sentence);
  /// Reports that a key is missing; does nothing where the table itself is.
  void require(std::string_view name, std::string_view example);
  /// Reports every key that nobody asked for, with the nearest one that exists.
  void refuse_unknown();

 private:
  /// The node under this key, which counts as asked for from now on.
  [[nodiscard]] const toml::node* node(std::string_view name);
  void refuse_type(std::string_view name, const toml::node& node, std::string_view example);
  [[nodiscard]] std::optional<std::string> sound_text(std::string_view name, std::string written);
  [[nodiscard]] std::optional<ConfigText> sound_item(std::string_view name, const toml::node& item);

  const toml::table* table_;
  std::string key_;
  ConfigProblems* problems_;
  std::vector<std::string> asked_for_;        // in the order of asking
  std::set<std::string, std::less<>> asked_;  // the same, to be looked up: there may be thousands
};

/// Puts the value, where there is one, into its place; the default stays where there is none.
template <typename Value>
void assign(Value& place, std::optional<Value> value) {
  if (value) {
    place = *std::move(value);
  }
}

template <typename Parse>
auto ConfigTable::parsed(std::string_view name, std::string_view example, Parse parse)
    -> std::optional<typename decltype(parse(std::string_view{}))::value_type> {
  const auto written = text(name, example);
  if (!written) {
    return std::nullopt;
  }
  auto value = parse(std::string_view{*written});
  if (!value) {
    refuse(name, value.error());
    return std::nullopt;
  }
  return *std::move(value);
}

}  // namespace holdfast
