// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace holdfast {

/// Text that stands in the program's source: what comes from data cannot become one.
class Literal {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is written where a name is wanted
  consteval Literal(const char* text) : text_(text) {}
  [[nodiscard]] constexpr std::string_view view() const { return text_; }

 private:
  std::string_view text_;
};

/// Text from data in characters that a reader can see: control characters, and marks that turn the
/// direction of a line or take no room, appear as \u{202E}; bytes that are not UTF-8 as \xNN.
[[nodiscard]] std::string visible_text(std::string_view data);

/// As many characters of a text as a page shows.
inline constexpr std::size_t kLongestShown = 300;

/// The first `most` characters of UTF-8 text; the rest is left out, and the full length is said.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t most = kLongestShown);

/// Markup of HTML or SVG that is sound wherever it is put: made of literals and of escaped text
/// only.
class Html {
 public:
  Html() = default;
  /// Text from data: visible, shortened, escaped.
  [[nodiscard]] static Html text(std::string_view data);
  /// The same in full length; line ends stay.
  [[nodiscard]] static Html whole_text(std::string_view data);
  /// The inside of a style sheet.
  [[nodiscard]] static Html style(Literal rules);
  /// A string in quotation marks for a style sheet; what is not a plain letter, a digit, a blank or
  /// one of -.,  is left out.
  [[nodiscard]] static Html style_string(std::string_view data);

  Html& operator+=(const Html& more);
  [[nodiscard]] bool empty() const { return markup_.empty(); }
  [[nodiscard]] const std::string& markup() const { return markup_; }

 private:
  friend class HtmlElement;
  std::string markup_;
};

[[nodiscard]] Html operator+(Html first, const Html& second);

/// One attribute; the value is escaped.
struct Attribute {
  Literal name;
  std::string value;
};
using Attributes = std::initializer_list<Attribute>;

/// <name a="...">content</name>.
[[nodiscard]] Html element(Literal name, Attributes attributes, const Html& content);
[[nodiscard]] Html element(Literal name, const Html& content);
/// <name>words</name>, of words that stand in the source.
[[nodiscard]] Html element(Literal name, Literal words);
/// An element without content: <meta> in HTML, <rect/> in SVG.
[[nodiscard]] Html void_element(Literal name, Attributes attributes);

/// A link whose text is its address; text alone where the address is not http or https.
[[nodiscard]] Html visible_link(const std::string& address);

}  // namespace holdfast
