// SPDX-License-Identifier: Apache-2.0
#include "jobs/json_text.h"

#include <algorithm>
#include <array>
#include <limits>

namespace holdfast {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kWithParent = "with_parent";  // in a slice's tally: rows of a child
constexpr unsigned char kFirstContinuation = 0x80;
constexpr unsigned char kLastContinuation = 0xBF;

/// One row of the table of well-formed UTF-8 in the Unicode Standard (table 3-7): which lead bytes,
/// how long, and what the second byte may be. Overlong forms, surrogates and values beyond U+10FFFF
/// are out.
struct Utf8Form {
  unsigned char first;
  unsigned char last;
  std::size_t length;
  unsigned char second_from;
  unsigned char second_to;
};
constexpr std::array<Utf8Form, 9> kUtf8Forms = {{{0x00, 0x7F, 1, 0x00, 0xFF},
                                                 {0xC2, 0xDF, 2, 0x80, 0xBF},
                                                 {0xE0, 0xE0, 3, 0xA0, 0xBF},
                                                 {0xE1, 0xEC, 3, 0x80, 0xBF},
                                                 {0xED, 0xED, 3, 0x80, 0x9F},
                                                 {0xEE, 0xEF, 3, 0x80, 0xBF},
                                                 {0xF0, 0xF0, 4, 0x90, 0xBF},
                                                 {0xF1, 0xF3, 4, 0x80, 0xBF},
                                                 {0xF4, 0xF4, 4, 0x80, 0x8F}}};

bool is_between(char byte, unsigned char from, unsigned char to) {
  const auto value = static_cast<unsigned char>(byte);
  return from <= value && value <= to;
}

bool has_form(std::string_view text, const Utf8Form& form) {
  if (!is_between(text.front(), form.first, form.last) || text.size() < form.length) {
    return false;
  }
  if (form.length > 1 && !is_between(text[1], form.second_from, form.second_to)) {
    return false;
  }
  const std::string_view rest = form.length > 2 ? text.substr(2, form.length - 2) : "";
  return std::all_of(rest.begin(), rest.end(), [](char byte) {
    return is_between(byte, kFirstContinuation, kLastContinuation);
  });
}

/// How many bytes the UTF-8 character at the start of `text` has; 0 where it is none.
std::size_t utf8_length(std::string_view text) {
  const auto* form = std::find_if(kUtf8Forms.begin(),
                                  kUtf8Forms.end(),
                                  [text](const Utf8Form& entry) { return has_form(text, entry); });
  return form == kUtf8Forms.end() ? 0 : form->length;
}

void add_hex(unsigned char byte, std::string& out) {
  out += "\\x";
  out += kHexDigits[byte >> 4U];
  out += kHexDigits[byte & 0x0FU];
}

/// Letters that stand in JSON as they are.
bool is_plain(char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  return byte >= 0x20 && byte < kFirstContinuation && letter != '"' && letter != '\\';
}

void add_lines(const TallyPlace& place, const ReasonCounts& counts, std::string& out) {
  for (const Reason reason : kAllReasons) {
    if (counts[reason] == 0) {
      continue;
    }
    out += R"({"category":)";
    add_json_text(place.category, out);
    out += R"(,"reason":)";
    add_json_text(to_token(reason), out);
    out += R"(,"rows":)" + std::to_string(counts[reason]) + R"(,"tenant":)";
    if (place.tenant) {
      add_json_text(*place.tenant, out);
    } else {
      out += "null";
    }
    out += "},";
  }
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  const auto is_ascii = [](char byte) {
    return static_cast<unsigned char>(byte) < kFirstContinuation;
  };
  while (!bytes.empty()) {
    const auto* const plain_end = std::find_if_not(bytes.begin(), bytes.end(), is_ascii);
    bytes.remove_prefix(static_cast<std::size_t>(plain_end - bytes.begin()));
    if (bytes.empty()) {
      return true;
    }
    const std::size_t length = utf8_length(bytes);
    if (length == 0) {
      return false;
    }
    bytes.remove_prefix(length);
  }
  return true;
}

std::string utf8_text(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    std::size_t length = utf8_length(bytes);
    if (length == 0) {
      add_hex(static_cast<unsigned char>(bytes.front()), out);
      length = 1;
    } else {
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(length);
  }
  return out;
}

std::string one_line(std::string_view bytes) {
  const std::string text = utf8_text(bytes);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    // U+0080 to U+009F are control characters as well, and come as C2 80 to C2 9F.
    const bool second = byte == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0;
    if (second) {
      add_hex(byte, out);
      add_hex(static_cast<unsigned char>(text[++at]), out);
    } else if (byte < 0x20 || byte == 0x7F) {
      add_hex(byte, out);
    } else {
      out += text[at];
    }
  }
  return out;
}

std::string plain_lines(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    out += one_line(bytes.substr(0, end));
    bytes.remove_prefix(end);
    if (!bytes.empty()) {
      out += '\n';
      bytes.remove_prefix(1);
    }
  }
  return out;
}

nlohmann::json json_or_null(const std::optional<std::string>& text) {
  return text ? nlohmann::json(utf8_text(*text)) : nlohmann::json(nullptr);
}

std::int64_t whole_number(const nlohmann::json& value) {
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    throw nlohmann::json::out_of_range::create(406, "a number does not fit", &value);
  }
  return value.get_ref<const nlohmann::json::number_integer_t&>();
}

nlohmann::json json_time(const std::optional<Instant>& instant) {
  return instant ? nlohmann::json(to_rfc3339(*instant)) : nlohmann::json(nullptr);
}

nlohmann::json kept_json(const ReasonCounts& counts, Zeros zeros) {
  nlohmann::json kept = nlohmann::json::object();
  for (const Reason reason : kAllReasons) {
    if (reason != Reason::expired && (zeros == Zeros::shown || counts[reason] != 0)) {
      kept[std::string(to_token(reason))] = counts[reason];
    }
  }
  return kept;
}

void add_json_text(std::string_view bytes, std::string& out) {
  if (std::all_of(bytes.begin(), bytes.end(), is_plain)) {
    out += '"';
    out += bytes;
    out += '"';
  } else {
    out += compact(utf8_text(bytes));
  }
}

std::string slice_tally(const Tally& tally, const std::map<std::string, std::int64_t>& children) {
  std::string out = "[";
  for (const auto* entry : tally.places_in_order()) {
    add_lines(entry->first, entry->second, out);
  }
  for (const auto& [table, rows] : children) {
    if (rows != 0) {
      out += compact({{"reason", kWithParent}, {"table", utf8_text(table)}, {"rows", rows}}) + ",";
    }
  }
  if (out.back() == ',') {
    out.pop_back();
  }
  return out + "]";
}

void add_children_of(const nlohmann::json& tally, std::map<std::string, std::int64_t>& children) {
  for (const nlohmann::json& line : tally.is_array() ? tally : nlohmann::json::array()) {
    if (line.is_object() && line.value("reason", "") == kWithParent) {
      children[line.at("table").get<std::string>()] += whole_number(line.at("rows"));
    }
  }
}

nlohmann::json children_json(const std::map<std::string, std::int64_t>& children) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [table, rows] : children) {
    list.push_back({{"table", utf8_text(table)}, {"rows", rows}});
  }
  return list;
}

std::string compact(const nlohmann::json& value) {
  return value.dump();
}

bool nests_deeper(std::string_view json_text, int most) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < json_text.size(); ++at) {
    const char letter = json_text[at];
    if (in_string) {
      at += letter == '\\' ? 1 : 0;
      in_string = letter != '"';
      continue;
    }
    in_string = letter == '"';
    depth += letter == '{' || letter == '[' ? 1 : 0;
    depth -= letter == '}' || letter == ']' ? 1 : 0;
    if (depth > most) {
      return true;
    }
  }
  return false;
}

nlohmann::json parse_foreign(std::string_view json_text) {
  constexpr int kDeepest = 200;
  return nests_deeper(json_text, kDeepest)
             ? nlohmann::json(nlohmann::json::value_t::discarded)
             : nlohmann::json::parse(json_text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace holdfast
