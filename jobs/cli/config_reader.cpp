// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/config_reader.h"

#include <algorithm>
#include <sstream>

#include "jobs/cli/config_values.h"

namespace holdfast {
namespace {

constexpr std::string_view kWindowExample = R"("13 months" or "forever")";

/// A value as the message names it, with its kind.
std::string shown(const toml::node& node) {
  std::ostringstream out;
  node.visit([&out](const auto& value) {
    if constexpr (toml::is_string<decltype(value)>) {
      out << in_quotes(value.get()) << " is a text";
    } else if constexpr (toml::is_integer<decltype(value)>) {
      out << value.get() << " is an integer";
    } else if constexpr (toml::is_floating_point<decltype(value)>) {
      out << value.get() << " is a number with a decimal point";
    } else if constexpr (toml::is_boolean<decltype(value)>) {
      out << (value.get() ? "true" : "false") << " is a yes or no";
    } else if constexpr (toml::is_table<decltype(value)>) {
      out << "this is a table";
    } else if constexpr (toml::is_array<decltype(value)>) {
      out << "this is an array";
    } else {
      out << value.get() << " is a date or time";
    }
  });
  return out.str();
}

constexpr std::string_view kHeaderLeft =
    ": it looks like a window; take the \"# \" from the line [retention.category] above it too";

/// A window's entry where there is none: whoever took its comment sign away forgot the header's.
bool is_window(const toml::node& value) {
  const toml::table* const table = value.as_table();
  return table != nullptr && (table->contains("window") || table->contains("at_least"));
}

std::string joined(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) {
    list += (list.empty() ? "" : ", ") + word;
  }
  return list;
}

}  // namespace

ConfigTable::ConfigTable(const toml::table* table, std::string key, ConfigProblems& problems)
    : table_(table), key_(std::move(key)), problems_(&problems) {}

std::string ConfigTable::key_of(std::string_view name) const {
  return key_.empty() ? std::string{name} : key_ + '.' + std::string{name};
}

bool ConfigTable::has(std::string_view name) const {
  return table_ != nullptr && table_->contains(name);
}

bool ConfigTable::is_text(std::string_view name) const {
  return has(name) && table_->get(name)->is_string();
}

bool ConfigTable::is_empty_array(std::string_view name) const {
  return has(name) && table_->get(name)->is_array() && table_->get(name)->as_array()->empty();
}

std::vector<std::string> ConfigTable::names() const {
  std::vector<ConfigText> found;
  if (table_ != nullptr) {
    for (const auto& [key, value] : *table_) {
      found.push_back({.text = std::string{key.str()}, .line = key.source().begin.line});
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const ConfigText& a, const ConfigText& b) {
    return a.line < b.line;
  });
  std::vector<std::string> names;
  names.reserve(found.size());
  for (ConfigText& name : found) {
    names.push_back(std::move(name.text));
  }
  return names;
}

const toml::node* ConfigTable::node(std::string_view name) {
  if (!asked_.contains(name)) {
    asked_.emplace(name);
    asked_for_.emplace_back(name);
  }
  if (table_ == nullptr) {
    return nullptr;
  }
  const auto found = table_->find(name);
  if (found == table_->cend()) {
    return nullptr;
  }
  problems_->note_line(key_of(name), found->first.source().begin.line);
  return &found->second;
}

std::optional<std::string> ConfigTable::sound_text(std::string_view name, std::string written) {
  if (written.empty()) {
    refuse(name, "\"\" is empty: write a text, or leave the key out");
    return std::nullopt;
  }
  if (holds_control(written)) {
    refuse(name,
           in_quotes(written) + " holds a control character: write it on one line without any");
    return std::nullopt;
  }
  return written;
}

std::optional<std::string> ConfigTable::text(std::string_view name, std::string_view example) {
  const toml::node* const found = node(name);
  if (found == nullptr) {
    return std::nullopt;
  }
  if (!found->is_string()) {
    refuse_type(name, *found, example);
    return std::nullopt;
  }
  return sound_text(name, found->as_string()->get());
}

std::optional<std::string> ConfigTable::text_or_time(std::string_view name,
                                                     std::string_view example) {
  const toml::node* const found = node(name);
  if (found == nullptr || (!found->is_date() && !found->is_date_time())) {
    return text(name, example);
  }
  std::ostringstream written;
  if (found->is_date()) {
    written << found->as_date()->get();
  } else {
    written << found->as_date_time()->get();
  }
  return written.str();
}

std::optional<bool> ConfigTable::flag(std::string_view name) {
  const toml::node* const found = node(name);
  if (found == nullptr) {
    return std::nullopt;
  }
  if (!found->is_boolean()) {
    refuse_type(name, *found, "true or false");
    return std::nullopt;
  }
  return found->as_boolean()->get();
}

std::optional<std::int64_t> ConfigTable::count(std::string_view name) {
  const toml::node* const found = node(name);
  if (found == nullptr) {
    return std::nullopt;
  }
  if (!found->is_integer()) {
    refuse_type(name, *found, "a whole number");
    return std::nullopt;
  }
  const std::int64_t value = found->as_integer()->get();
  if (value < 0) {
    refuse(name, std::to_string(value) + " is negative: write 0 or more");
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> ConfigTable::share(std::string_view name) {
  const toml::node* const found = node(name);
  if (found == nullptr) {
    return std::nullopt;
  }
  const auto written = found->is_number() ? found->value<double>() : std::nullopt;
  if (!written) {
    refuse_type(name, *found, "a number from 0 to 1, such as 0.2");
    return std::nullopt;
  }
  const auto share = to_parts_per_million(*written);
  if (!share) {
    refuse(name, share.error());
    return std::nullopt;
  }
  return *share;
}

std::optional<RetentionWindow> ConfigTable::window(std::string_view name) {
  const toml::node* const found = node(name);
  if (found == nullptr) {
    return std::nullopt;
  }
  if (found->is_integer()) {
    const std::string value = std::to_string(found->as_integer()->get());
    refuse(name,
           found->as_integer()->get() > 0
               ? value + " has no unit: write \"" + value + " days\" or \"" + value + " months\""
               : value + R"( would keep nothing: write at least "1 day", or "forever")");
    return std::nullopt;
  }
  if (!found->is_string()) {
    refuse_type(name, *found, kWindowExample);
    return std::nullopt;
  }
  const auto window = parse_window(found->as_string()->get());
  if (!window) {
    const bool says_what_to_write = window.error().find(": write ") != std::string::npos;
    refuse(name,
           says_what_to_write
               ? window.error()
               : window.error() + ": write for example " + std::string{kWindowExample});
    return std::nullopt;
  }
  return *window;
}

std::optional<std::string> ConfigTable::word(std::string_view name,
                                             std::span<const std::string_view> words) {
  const std::vector<std::string> known{words.begin(), words.end()};
  auto written = text(name, in_quotes(known.front()));
  if (written && std::find(known.begin(), known.end(), *written) == known.end()) {
    refuse(name,
           in_quotes(*written) + " is none of " + joined(known) + did_you_mean(*written, known));
    return std::nullopt;
  }
  return written;
}

std::optional<ConfigText> ConfigTable::sound_item(std::string_view name, const toml::node& item) {
  const ConfigLine line = item.source().begin.line;
  const std::string text = item.is_string() ? item.as_string()->get() : std::string{};
  if (!item.is_string()) {
    refuse_at(line, name, shown(item) + ": write only texts in this array");
    return std::nullopt;
  }
  if (text.empty() || holds_control(text)) {
    refuse_at(line, name, in_quotes(text) + " is empty or holds a control character");
    return std::nullopt;
  }
  return ConfigText{.text = text, .line = line};
}

std::vector<ConfigText> ConfigTable::texts(std::string_view name, Repeats repeats) {
  const toml::node* const found = node(name);
  std::vector<ConfigText> texts;
  if (found == nullptr) {
    return texts;
  }
  if (!found->is_array()) {
    refuse_type(name, *found, R"(an array of texts, such as ["one", "two"])");
    return texts;
  }
  for (const toml::node& item : *found->as_array()) {
    auto read = sound_item(name, item);
    if (!read) {
      continue;
    }
    const bool repeated = std::any_of(texts.begin(), texts.end(), [&read](const ConfigText& other) {
      return other.text == read->text;
    });
    if (repeated && repeats == Repeats::refused) {
      refuse_at(read->line, name, in_quotes(read->text) + " is there twice: write it once");
    } else {
      texts.push_back(*std::move(read));
    }
  }
  return texts;
}

ConfigTable ConfigTable::table(std::string_view name, std::string_view example) {
  const toml::node* const found = node(name);
  if (found != nullptr && !found->is_table()) {
    refuse_type(name, *found, example);
  }
  return {found == nullptr ? nullptr : found->as_table(), key_of(name), *problems_};
}

std::vector<ConfigTable> ConfigTable::tables(std::string_view name,
                                             std::string_view label,
                                             std::string_view example) {
  const toml::node* const found = node(name);
  std::vector<ConfigTable> tables;
  if (found == nullptr) {
    return tables;
  }
  if (!found->is_array()) {
    refuse_type(name, *found, example);
    return tables;
  }
  for (const toml::node& item : *found->as_array()) {
    const toml::table* const table = item.as_table();
    if (table == nullptr) {
      refuse_at(item.source().begin.line, name, shown(item) + ": write " + std::string{example});
      continue;
    }
    const std::string text = (*table)[label].value_or(std::string{});
    const std::string number = '[' + std::to_string(tables.size() + 1) + ']';
    std::string key = text.empty() ? key_of(name) + number : key_of(name) + '.' + text;
    problems_->note_line(key, item.source().begin.line);
    tables.emplace_back(table, std::move(key), *problems_);
  }
  return tables;
}

void ConfigTable::refuse(std::string_view name, std::string sentence) {
  refuse_at(problems_->line_of(key_of(name)), name, std::move(sentence));
}

void ConfigTable::refuse_at(ConfigLine line, std::string_view name, std::string sentence) {
  problems_->add(line, key_of(name), std::move(sentence));
}

void ConfigTable::refuse_table(std::string sentence) {
  problems_->add(problems_->line_of(key_), key_, std::move(sentence));
}

void ConfigTable::refuse_type(std::string_view name,
                              const toml::node& node,
                              std::string_view example) {
  refuse(name, shown(node) + ": write " + std::string{example});
}

void ConfigTable::require(std::string_view name, std::string_view example) {
  if (present() && !has(name)) {
    refuse(name, "is missing: write " + std::string{name} + " = " + std::string{example});
  }
}

void ConfigTable::refuse_unknown() {
  for (const std::string& name : names()) {
    if (asked_.contains(name)) {
      continue;
    }
    const std::string nearest = did_you_mean(name, asked_for_);
    const auto found = table_->find(name);
    std::string why = "no such key";
    if (is_window(found->second)) {
      why += kHeaderLeft;
    } else {
      why += nearest.empty() ? " (known here: " + joined(asked_for_) + ')' : nearest;
    }
    refuse_at(found->first.source().begin.line, name, std::move(why));
  }
}

}  // namespace holdfast
