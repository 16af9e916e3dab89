// SPDX-License-Identifier: Apache-2.0
// Finds the parameters of a hold query among quotes, comments and casts.

#include <cstddef>
#include <string_view>

#include "storage/postgres/postgres_hold_query.h"
#include "storage/storage_error.h"

namespace holdfast {
namespace {

bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_' ||
         static_cast<unsigned char>(letter) >= 0x80U;
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

/// Reads the text of a query from left to right.
class Scanner {
 public:
  Scanner(const std::string& path, std::string_view sql) : path_(path), sql_(sql) {}

  std::string run() {
    bool ended = false;
    while (at_ < sql_.size()) {
      if (skip_comment()) {
        continue;
      }
      if (look() == ';') {
        ended = true;
        ++at_;
      } else if (ended) {
        require_blank(look());
        ++at_;
      } else if (!skip_quoted() && !skip_word() && !take_parameter()) {
        out_ += sql_[at_++];
      }
    }
    return out_;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw StorageError(StorageTrouble::mapping,
                       path_ + ": the hold query " + what +
                           ": write one SELECT that only reads, with :subject and :tenant, and "
                           "gives the columns id, and where there are, basis, locked and "
                           "review_by");
  }
  void require_blank(char letter) const {
    if (std::string_view{" \t\r\n"}.find(letter) == std::string_view::npos) {
      refuse("has a second statement");
    }
  }
  [[nodiscard]] char look(std::size_t ahead = 0) const {
    return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
  }
  void copy_to(std::size_t end) {
    out_ += sql_.substr(at_, end - at_);
    at_ = end;
  }

  /// 'text' and "name"; a doubled quote is two pieces that stand side by side.
  void copy_quoted(char quote, bool backslashes) {
    std::size_t end = at_ + 1;
    while (end < sql_.size() && sql_[end] != quote) {
      end += backslashes && sql_[end] == '\\' ? 2 : 1;
    }
    if (end >= sql_.size()) {
      refuse("has a quote without an end");
    }
    copy_to(end + 1);
  }

  bool skip_quoted() {
    const char letter = look();
    if (letter == '\'' || letter == '"') {
      copy_quoted(letter, false);
      return true;
    }
    if ((letter == 'E' || letter == 'e') && look(1) == '\'') {
      out_ += sql_[at_++];
      copy_quoted('\'', true);
      return true;
    }
    if (letter != '$') {
      return false;
    }
    if (is_digit(look(1))) {
      refuse("has a parameter with a number");
    }
    const std::size_t tag_end = sql_.find('$', at_ + 1);
    if (tag_end == std::string_view::npos) {
      return false;
    }
    const std::string_view tag = sql_.substr(at_, tag_end + 1 - at_);
    for (const char inner : tag.substr(1, tag.size() - 2)) {
      if (!is_letter(inner) && !is_digit(inner)) {
        return false;
      }
    }
    const std::size_t end = sql_.find(tag, tag_end + 1);
    if (end == std::string_view::npos) {
      refuse("has a quote without an end");
    }
    copy_to(end + tag.size());
    return true;
  }

  bool skip_comment() {
    if (look() == '-' && look(1) == '-') {
      const std::size_t end = sql_.find('\n', at_);
      copy_to(end == std::string_view::npos ? sql_.size() : end);
      return true;
    }
    if (look() != '/' || look(1) != '*') {
      return false;
    }
    std::size_t depth = 0;
    std::size_t end = at_;
    do {
      const std::string_view two = sql_.substr(end, 2);
      if (two.size() < 2) {
        refuse("has a comment without an end");
      }
      depth += two == "/*" ? 1 : 0;
      depth -= two == "*/" ? 1 : 0;
      end += two == "/*" || two == "*/" ? 2 : 1;
    } while (depth > 0);
    copy_to(end);
    return true;
  }

  /// A word is taken whole, so that no $ or E inside one begins anything.
  bool skip_word() {
    if (!is_letter(look())) {
      return false;
    }
    std::size_t end = at_;
    while (end < sql_.size() && (is_letter(sql_[end]) || is_digit(sql_[end]) || sql_[end] == '$')) {
      ++end;
    }
    copy_to(end);
    return true;
  }

  bool take_parameter() {
    if (look() != ':') {
      return false;
    }
    if (look(1) == ':' || look(1) == '=') {
      copy_to(at_ + 2);
      return true;
    }
    std::size_t end = at_ + 1;
    while (end < sql_.size() && (is_letter(sql_[end]) || is_digit(sql_[end]))) {
      ++end;
    }
    const std::string_view name = sql_.substr(at_ + 1, end - at_ - 1);
    if (name.empty() || is_digit(name.front())) {
      return false;  // the bounds of a part of an array
    }
    if (name != "subject" && name != "tenant") {
      refuse("has the parameter :" + std::string{name} +
             ", and only :subject and :tenant are bound");
    }
    out_ += name == "subject" ? "$1::pg_catalog.text" : "$2::pg_catalog.text";
    at_ = end;
    return true;
  }

  const std::string& path_;
  std::string_view sql_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string with_hold_parameters(const std::string& path, const std::string& sql) {
  return Scanner{path, sql}.run();
}

}  // namespace holdfast
