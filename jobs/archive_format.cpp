// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_format.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include "jobs/digest.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr std::string_view kPrefix = "run-";
constexpr std::string_view kArchiveSuffix = ".ndjson.zst";
constexpr std::string_view kManifestSuffix = ".manifest.json";
constexpr std::size_t kIdentityLetters = 8;
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr unsigned char kFirstPrintable = 0x20;

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc{} && end == text.data() + text.size() ? std::optional{number}
                                                                    : std::nullopt;
}

/// What the names of a database's files begin with.
std::string name_begin(std::string_view database) {
  return std::string{kPrefix} + std::string{database.substr(0, kIdentityLetters)} + "-";
}

std::optional<std::int64_t> run_of(std::string_view name,
                                   std::string_view database,
                                   std::string_view suffix) {
  const std::string begin = name_begin(database);
  if (name.size() <= begin.size() + suffix.size() || !name.starts_with(begin) ||
      !name.ends_with(suffix)) {
    return std::nullopt;
  }
  name.remove_prefix(begin.size());
  name.remove_suffix(suffix.size());
  const auto run = parse_number<std::int64_t>(name);
  return run && *run > 0 && std::to_string(*run) == name ? run : std::nullopt;
}

/// Text as a JSON string; it has to be UTF-8.
void append_quoted(std::string& out, std::string_view text) {
  const auto is_special = [](char letter) {
    return static_cast<unsigned char>(letter) < kFirstPrintable || letter == '"' || letter == '\\';
  };
  out += '"';
  for (;;) {
    const auto* const special = std::find_if(text.begin(), text.end(), is_special);
    out.append(text.begin(), special);
    if (special == text.end()) {
      break;
    }
    const auto byte = static_cast<unsigned char>(*special);
    if (byte < kFirstPrintable) {
      out += "\\u00";
      out += kHexDigits[byte >> 4U];
      out += kHexDigits[byte & 0x0FU];
    } else {
      out += '\\';
      out += *special;
    }
    text.remove_prefix(static_cast<std::size_t>(special - text.begin()) + 1);
  }
  out += '"';
}

std::string bytes_of_bits(std::uint64_t bits) {
  std::string bytes(sizeof bits, '\0');
  for (std::size_t place = bytes.size(); place > 0; --place) {
    bytes[place - 1] = static_cast<char>(static_cast<unsigned char>(bits & 0xFFU));
    bits >>= 8U;
  }
  return bytes;
}

/// One value as [TYPE,TEXT].
struct PairWriter {
  std::string& out;  // NOLINT(misc-non-private-member-variables-in-classes): lives for one visit

  void pair(std::string_view type, std::string_view text) const {
    out += "[\"";
    out += type;
    out += "\",";
    append_quoted(out, text);
    out += ']';
  }
  void operator()(std::monostate /*nothing*/) const { pair("n", ""); }
  void operator()(std::int64_t number) const { pair("i", to_display(StoredView{number})); }
  void operator()(double number) const {
    if (std::isnan(number)) {
      pair("rh", hex_of_bytes(bytes_of_bits(std::bit_cast<std::uint64_t>(number))));
    } else {
      pair("r", to_display(StoredView{number}));
    }
  }
  void operator()(std::string_view text) const {
    if (is_utf8(text)) {
      pair("t", text);
    } else {
      pair("th", hex_of_bytes(text));
    }
  }
  void operator()(const BlobView& blob) const { pair("b", hex_of_bytes(blob.bytes)); }
};

/// Reads a line from left to right; once something does not fit, nothing fits any more.
class LineScanner {
 public:
  explicit LineScanner(std::string_view line) : rest_(line) {}

  /// Goes past `expected` where it comes next.
  [[nodiscard]] bool skip(std::string_view expected) {
    if (!rest_.starts_with(expected)) {
      return false;
    }
    rest_.remove_prefix(expected.size());
    return true;
  }
  [[nodiscard]] std::optional<std::string> quoted() {
    std::string text;
    if (!skip("\"")) {
      return std::nullopt;
    }
    while (!rest_.empty()) {
      const std::size_t plain = rest_.find_first_of("\"\\");
      if (plain == std::string_view::npos) {
        return std::nullopt;
      }
      text += rest_.substr(0, plain);
      rest_.remove_prefix(plain);
      if (skip("\"")) {
        return text;
      }
      if (!escape(text)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::int64_t> integer() {
    const std::size_t digits = rest_.find_first_not_of("-0123456789");
    const auto number = parse_number<std::int64_t>(rest_.substr(0, digits));
    rest_.remove_prefix(std::min(digits, rest_.size()));
    return number;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  bool escape(std::string& text) {
    if (skip("\\\"")) {
      text += '"';
      return true;
    }
    if (skip("\\\\")) {
      text += '\\';
      return true;
    }
    if (!skip("\\u00") || rest_.size() < 2) {
      return false;
    }
    const auto byte = bytes_of_hex(rest_.substr(0, 2));
    if (!byte || static_cast<unsigned char>(byte->front()) >= kFirstPrintable) {
      return false;
    }
    text += *byte;
    rest_.remove_prefix(2);
    return true;
  }

  std::string_view rest_;
};

/// Appends the canonical bytes of a hex value. Returns false where it is none.
bool append_hex_value(const std::string& type, const std::string& text, std::string& content) {
  const auto bytes = bytes_of_hex(text);
  if (!bytes) {
    return false;
  }
  if (type == "b") {
    append_canonical(content, BlobView{*bytes});
    return true;
  }
  if (type == "th") {
    append_canonical(content, StoredView{std::string_view{*bytes}});
    return true;
  }
  if (type != "rh" || bytes->size() != sizeof(std::uint64_t)) {
    return false;
  }
  std::uint64_t bits = 0;
  for (const char byte : *bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(byte);
  }
  append_canonical(content, StoredView{std::bit_cast<double>(bits)});
  return true;
}

bool append_value(const std::string& type, const std::string& text, std::string& content) {
  if (type == "n") {
    append_canonical(content, StoredView{});
    return text.empty();
  }
  if (type == "t") {
    append_canonical(content, StoredView{std::string_view{text}});
    return true;
  }
  if (type == "i") {
    const auto number = parse_number<std::int64_t>(text);
    append_canonical(content, StoredView{number.value_or(0)});
    return number.has_value();
  }
  if (type == "r") {
    const auto number = parse_number<double>(text);
    append_canonical(content, StoredView{number.value_or(0)});
    return number.has_value();
  }
  return append_hex_value(type, text, content);
}

void append_columns(std::string& out, const FrameHead& head) {
  out += ",\"columns\":[";
  bool first = true;
  for (const std::string& column : head.columns) {
    out += std::exchange(first, false) ? "" : ",";
    append_quoted(out, utf8_text(column));
  }
  out += "],\"mapping\":{";
  first = true;
  for (const auto& [word, name] : head.mapping) {
    out += std::exchange(first, false) ? "" : ",";
    append_quoted(out, utf8_text(word));
    out += ':';
    append_quoted(out, utf8_text(name));
  }
  out += '}';
}

/// What append_columns() writes, from the first name on.
bool scan_columns(LineScanner& scanner, FrameHead& head) {
  do {
    auto column = scanner.quoted();
    if (!column) {
      return false;
    }
    head.columns.push_back(*std::move(column));
  } while (scanner.skip(","));
  if (!scanner.skip("],\"mapping\":{")) {
    return false;
  }
  for (bool first = true; !scanner.skip("}"); first = false) {
    auto word = first || scanner.skip(",") ? scanner.quoted() : std::nullopt;
    auto name = word && scanner.skip(":") ? scanner.quoted() : std::nullopt;
    if (!name || !head.mapping.emplace(*std::move(word), *std::move(name)).second) {
      return false;
    }
  }
  return true;
}

/// One [TYPE,TEXT] into `content`.
bool scan_value(LineScanner& scanner, std::string& content) {
  if (!scanner.skip("[")) {
    return false;
  }
  const auto type = scanner.quoted();
  if (!type || !scanner.skip(",")) {
    return false;
  }
  const auto text = scanner.quoted();
  return text && scanner.skip("]") && append_value(*type, *text, content);
}

}  // namespace

std::string archive_name(const ArchivedRun& of) {
  return name_begin(of.database) + std::to_string(of.run) + std::string{kArchiveSuffix};
}

std::string manifest_name(const ArchivedRun& of) {
  return name_begin(of.database) + std::to_string(of.run) + std::string{kManifestSuffix};
}

std::optional<std::int64_t> run_of_archive(std::string_view name, std::string_view database) {
  return run_of(name, database, kArchiveSuffix);
}

std::optional<std::int64_t> run_of_manifest(std::string_view name, std::string_view database) {
  return run_of(name, database, kManifestSuffix);
}

void append_head(std::string& out, const FrameHead& head) {
  out += "{\"database\":";
  append_quoted(out, utf8_text(head.database));
  out += ",\"run\":" + std::to_string(head.run) + ",\"slice\":" + std::to_string(head.slice);
  if (!head.columns.empty()) {
    append_columns(out, head);
  }
  out += "}\n";
}

void append_row(std::string& out, const std::string& key, std::span<const StoredView> values) {
  out += "{\"k\":";
  append_quoted(out, is_utf8(key) ? key : utf8_text(key));
  out += ",\"v\":[";
  bool first = true;
  for (const StoredView& value : values) {
    out += std::exchange(first, false) ? "" : ",";
    std::visit(PairWriter{out}, value);
  }
  out += "]}\n";
}

void append_foot(std::string& out, std::int64_t rows) {
  out += "{\"rows\":" + std::to_string(rows) + "}\n";
}

std::optional<FrameHead> parse_head(std::string_view line) {
  LineScanner scanner(line);
  if (!scanner.skip("{\"database\":")) {
    return std::nullopt;
  }
  const auto database = scanner.quoted();
  const auto run = database && scanner.skip(",\"run\":") ? scanner.integer() : std::nullopt;
  const auto slice = run && scanner.skip(",\"slice\":") ? scanner.integer() : std::nullopt;
  if (!slice) {
    return std::nullopt;
  }
  FrameHead head{.database = *database, .run = *run, .slice = *slice};
  const bool columns = !scanner.skip(",\"columns\":[") || scan_columns(scanner, head);
  return columns && scanner.skip("}") && scanner.at_end() ? std::optional{std::move(head)}
                                                          : std::nullopt;
}

std::optional<ArchiveLine> parse_row(std::string_view line) {
  LineScanner scanner(line);
  ArchiveLine row;
  auto key = scanner.skip("{\"k\":") ? scanner.quoted() : std::nullopt;
  if (!key || !scanner.skip(",\"v\":[")) {
    return std::nullopt;
  }
  row.key = *std::move(key);
  for (bool first = true; !scanner.skip("]}"); first = false) {
    if ((!first && !scanner.skip(",")) || !scan_value(scanner, row.content)) {
      return std::nullopt;
    }
  }
  return scanner.at_end() ? std::optional{std::move(row)} : std::nullopt;
}

std::optional<std::int64_t> parse_foot(std::string_view line) {
  LineScanner scanner(line);
  const auto rows = scanner.skip("{\"rows\":") ? scanner.integer() : std::nullopt;
  return rows && scanner.skip("}") && scanner.at_end() ? rows : std::nullopt;
}

}  // namespace holdfast
