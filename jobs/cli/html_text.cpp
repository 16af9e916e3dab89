// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/html_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

/// Characters of a range that a page must not hand on as they are.
struct Range {
  std::uint32_t first;
  std::uint32_t last;
};
// C0 and C1 controls; soft hyphen; Arabic letter mark; marks of direction, separators, embeddings
// and overrides; isolates and other invisible operators; byte order mark; interlinear notes; tags.
// U+200C and U+200D stay, because Persian and Indic words and emoji are spelt with them.
constexpr std::array<Range, 11> kHidden = {{{0x00, 0x1F},
                                            {0x7F, 0x9F},
                                            {0xAD, 0xAD},
                                            {0x61C, 0x61C},
                                            {0x200B, 0x200B},
                                            {0x200E, 0x200F},
                                            {0x2028, 0x202E},
                                            {0x2060, 0x206F},
                                            {0xFEFF, 0xFEFF},
                                            {0xFFF9, 0xFFFB},
                                            {0xE0000, 0xE0FFF}}};

bool is_hidden(std::uint32_t character) {
  return std::any_of(kHidden.begin(), kHidden.end(), [character](const Range& range) {
    return range.first <= character && character <= range.last;
  });
}

/// How many bytes the character has that starts with this byte of sound UTF-8.
std::size_t length_of(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0xC0) {
    return 1;
  }
  if (byte < 0xE0) {
    return 2;
  }
  return byte < 0xF0 ? 3 : 4;
}

std::uint32_t character_of(std::string_view bytes) {
  constexpr std::array<unsigned, 5> kLeadBits = {0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t value = static_cast<unsigned char>(bytes.front()) & kLeadBits.at(bytes.size());
  for (const char byte : bytes.substr(1)) {
    value = (value << 6U) | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  return value;
}

void add_named(std::uint32_t character, std::string& out) {
  std::string digits;
  do {
    digits += kHexDigits[character & 0xFU];
    character >>= 4U;
  } while (character != 0);
  digits.resize(std::max<std::size_t>(digits.size(), 4), '0');
  std::reverse(digits.begin(), digits.end());
  out += "\\u{" + digits + "}";
}

void add_escaped(std::string_view text, std::string& out) {
  for (const char character : text) {
    switch (character) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += character;
    }
  }
}

bool is_plain(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == ' ' || letter == '-' || letter == '.' ||
         letter == ',';
}

}  // namespace

std::string visible_text(std::string_view data) {
  const std::string text = utf8_text(data);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view bytes = std::string_view{text}.substr(at, length_of(text[at]));
    const std::uint32_t character = character_of(bytes);
    if (is_hidden(character)) {
      add_named(character, out);
    } else {
      out += bytes;
    }
    at += bytes.size();
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t most) {
  std::size_t characters = 0;
  std::size_t cut = 0;
  for (std::size_t at = 0; at < text.size(); at += length_of(text[at])) {
    if (characters++ == most) {
      cut = at;
    }
  }
  return characters <= most ? std::string{text}
                            : std::string{text.substr(0, cut)} + " ... (" +
                                  std::to_string(characters) + " characters in all)";
}

Html Html::text(std::string_view data) {
  Html made;
  add_escaped(shortened(visible_text(data)), made.markup_);
  return made;
}

Html Html::whole_text(std::string_view data) {
  Html made;
  while (!data.empty()) {
    const std::size_t end = std::min(data.find('\n'), data.size());
    add_escaped(visible_text(data.substr(0, end)), made.markup_);
    data.remove_prefix(end);
    if (!data.empty()) {
      made.markup_ += '\n';
      data.remove_prefix(1);
    }
  }
  return made;
}

Html Html::style(Literal rules) {
  Html made;
  made.markup_ = rules.view();
  return made;
}

Html Html::style_string(std::string_view data) {
  Html made;
  made.markup_ = '"';
  std::copy_if(data.begin(), data.end(), std::back_inserter(made.markup_), is_plain);
  made.markup_ += '"';
  return made;
}

Html& Html::operator+=(const Html& more) {
  markup_ += more.markup_;
  return *this;
}

Html operator+(Html first, const Html& second) {
  first += second;
  return first;
}

/// The one place that writes a tag.
class HtmlElement {
 public:
  HtmlElement(Literal name, Attributes attributes) : name_(name.view()) {
    made_.markup_ += '<';
    made_.markup_ += name_;
    for (const Attribute& attribute : attributes) {
      made_.markup_ += ' ';
      made_.markup_ += attribute.name.view();
      made_.markup_ += "=\"";
      add_escaped(visible_text(attribute.value), made_.markup_);
      made_.markup_ += '"';
    }
  }

  Html with(const Html& content) {
    made_.markup_ += '>';
    made_.markup_ += content.markup_;
    made_.markup_ += "</";
    made_.markup_ += name_;
    made_.markup_ += '>';
    return std::move(made_);
  }

  Html without_content() {
    made_.markup_ += "/>";
    return std::move(made_);
  }

 private:
  std::string_view name_;
  Html made_;
};

Html element(Literal name, Attributes attributes, const Html& content) {
  return HtmlElement(name, attributes).with(content);
}

Html element(Literal name, const Html& content) {
  return HtmlElement(name, {}).with(content);
}

Html element(Literal name, Literal words) {
  return HtmlElement(name, {}).with(Html::whole_text(words.view()));
}

Html void_element(Literal name, Attributes attributes) {
  return HtmlElement(name, attributes).without_content();
}

Html visible_link(const std::string& address) {
  const bool web = address.starts_with("https://") || address.starts_with("http://");
  if (!web || visible_text(address) != address) {
    return Html::text(address);
  }
  return element("a", {{"href", address}}, Html::whole_text(address));
}

}  // namespace holdfast
