// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/html_page.h"

#include <algorithm>
#include <utility>

namespace holdfast {
namespace {

constexpr std::size_t kFoldedFrom = 25;  // rows that a screen takes in at one look

// Black on white. A closed <details> is shown whole in print; a browser that cannot do that says so
// on the page, so that nobody signs half a report.
constexpr Literal kStyle = R"css(
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:62rem;background:#fff;color:#000;
 font:1rem/1.45 system-ui,"Liberation Sans",Arial,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:0 0 .5rem}
h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:2px solid #000;break-after:avoid}
p{margin:.5rem 0}
a{color:#000;text-decoration:underline}
a:focus-visible,summary:focus-visible{outline:3px solid #000;outline-offset:2px}
.lead{font-size:1.1rem}
.note{border-left:4px solid #000;padding-left:.6rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem;font-size:.85rem;
 font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{border:1px solid #777;padding:.25rem .45rem;text-align:left;vertical-align:top;
 overflow-wrap:anywhere}
thead th{border-bottom:2px solid #000;overflow-wrap:break-word}
tbody th{font-weight:400}
.shared{table-layout:fixed}
.shared thead th{overflow-wrap:anywhere}
.figure{text-align:right;overflow-wrap:normal}
.facts tbody th{width:16rem;font-weight:600}
.sign tbody td,.sign tbody th{height:3.2rem}
code,pre{font:.9em/1.4 ui-monospace,"Liberation Mono",monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #777;padding:.5rem;margin:.5rem 0}
summary{cursor:pointer;padding:.3rem 0;font-weight:600}
svg{display:block;width:100%;height:auto;max-width:48rem;margin:.5rem 0 1rem}
figure{margin:1rem 0}
figcaption{font-weight:600}
.mark,.unfold{display:none}
@supports not selector(::details-content){.unfold{display:block}}
@media print{
 body{max-width:none;padding:0;font-size:9pt}
 h1{font-size:15pt}h2{font-size:12pt}
 details::details-content{content-visibility:visible;display:block;height:auto}
 summary{list-style:none}
 table{font-size:8.5pt}
 thead{display:table-header-group}
 .mark{display:table-row}
 .mark td{border:0;font-size:7.5pt;padding:0 0 .1rem}
 tr,svg,figure{break-inside:avoid}
 caption,summary{break-after:avoid}
 th,td{padding:.12rem .3rem}
 .facts tbody th{width:4.6cm}
 .sign tbody td,.sign tbody th{height:1.5cm}
 a{text-decoration:none}
}
)css";

constexpr Literal kPageRules = R"css(
@page{margin:16mm 14mm 18mm;
 @bottom-right{content:"page " counter(page) " of " counter(pages);font:7.5pt sans-serif}
 @bottom-left{content:)css";

Html style_sheet(const PageMark& mark) {
  return Html::style(kStyle) + Html::style(kPageRules) +
         Html::style_string("Holdfast " + mark.words) + Html::style(";font:7.5pt sans-serif}\n}\n");
}

bool is_hash(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// "2026-11-24T02:15:00Z" as RFC 3339 has it, and nothing else.
bool is_instant(const std::string& text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() <= kForm.size() || text.back() != 'Z' ||
      text.find_first_not_of("0123456789-T:.Z") != std::string::npos) {
    return false;
  }
  for (std::size_t at = 0; at < kForm.size(); ++at) {
    const bool digit = text[at] >= '0' && text[at] <= '9';
    if (kForm[at] == '0' ? !digit : text[at] != kForm[at]) {
      return false;
    }
  }
  return true;
}

std::string joined_words(const nlohmann::json& value) {
  std::string words;
  for (const auto& [name, entry] : value.items()) {
    words += words.empty() ? "" : ", ";
    words += value.is_object() ? name + " " : "";
    words += words_of(entry, "-");
  }
  return words.empty() ? "none" : words;
}

}  // namespace

std::string html_page(const PageMark& mark, const Html& body) {
  const Html head =
      void_element("meta", {{"charset", "utf-8"}}) +
      void_element("meta",
                   {{"http-equiv", "Content-Security-Policy"},
                    {"content", "default-src 'none'; style-src 'unsafe-inline'"}}) +
      void_element("meta",
                   {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}}) +
      element("title", Html::text(mark.title)) + element("style", style_sheet(mark));
  const Html unfold =
      element("p",
              {{"class", "unfold note"}},
              Html::text("This browser prints only what is unfolded: open every folded table "
                         "before you print."));
  const Html page =
      element("html",
              {{"lang", "en"}},
              element("head", head) + element("body", element("main", unfold + body)));
  return "<!DOCTYPE html>\n" + page.markup() + "\n";
}

PageFrame page_frame(const PageMark& mark) {
  const std::string page = html_page(mark, {});
  const std::size_t end = page.rfind("</main>");
  return {.opening = page.substr(0, end), .closing = page.substr(end)};
}

HtmlTable::HtmlTable(std::string caption, std::vector<HtmlColumn> columns, const PageMark& mark)
    : caption_(std::move(caption)), columns_(std::move(columns)), mark_(mark.words) {}

void HtmlTable::add(std::vector<Html> cells) {
  Html row;
  for (std::size_t at = 0; at < cells.size(); ++at) {
    const std::string kind = columns_.at(at).figures ? "figure" : "text";
    row += at == 0 ? element("th", {{"scope", "row"}, {"class", kind}}, cells[at])
                   : element("td", {{"class", kind}}, cells[at]);
  }
  body_ += element("tr", row);
  ++rows_;
}

Html HtmlTable::head() const {
  Html names;
  for (const HtmlColumn& column : columns_) {
    names += element("th",
                     {{"scope", "col"}, {"class", column.figures ? "figure" : "text"}},
                     Html::text(column.heading));
  }
  const Html mark = element("td",
                            {{"colspan", std::to_string(columns_.size())}},
                            Html::text("Holdfast " + mark_ + ": " + caption_));
  return element("thead", element("tr", {{"class", "mark"}}, mark) + element("tr", names));
}

Html HtmlTable::widths() const {
  Html made;
  for (const HtmlColumn& column : columns_) {
    if (column.share != 0) {
      made += void_element("col", {{"style", "width:" + std::to_string(column.share) + "%"}});
    }
  }
  return made.empty() ? made : element("colgroup", made);
}

Html HtmlTable::html() const {
  if (rows_ == 0) {
    return paragraph(Html::text(caption_ + ": none."));
  }
  const Html table = element(
      "table",
      {{"class", widths().empty() ? "free" : "shared"}},
      element("caption", Html::text(caption_)) + widths() + head() + element("tbody", body_));
  return rows_ < kFoldedFrom
             ? table
             : folded(caption_ + ": all " + grouped(static_cast<std::int64_t>(rows_)) + " lines",
                      table);
}

HtmlFacts::HtmlFacts(std::string caption, const PageMark& mark)
    : table_(std::move(caption), {{.heading = "what"}, {.heading = "value"}}, mark) {}

void HtmlFacts::add(Literal name, const Html& value) {
  table_.add({Html::whole_text(name.view()), value});
}

Html HtmlFacts::html() const {
  return element("div", {{"class", "facts"}}, table_.html());
}

Html section(const std::string& heading, const Html& content) {
  return element("section", element("h2", Html::text(heading)) + content);
}

Html folded(const std::string& summary, const Html& content) {
  return element("details", element("summary", Html::text(summary)) + content);
}

Html paragraph(const Html& content) {
  return element("p", content);
}

Html paragraph(Literal words) {
  return element("p", words);
}

Html sign_off(const PageMark& mark) {
  HtmlTable table("Sign-off",
                  {{.heading = "step"},
                   {.heading = "name"},
                   {.heading = "role"},
                   {.heading = "date"},
                   {.heading = "signature"}},
                  mark);
  for (const char* step : {"prepared by", "reviewed by", "approved by"}) {
    table.add({Html::text(step), {}, {}, {}, {}});
  }
  return element("div", {{"class", "sign"}}, table.html());
}

const nlohmann::json& part(const nlohmann::json& value, const char* name) {
  static const nlohmann::json kNothing;
  const auto found = value.is_object() ? value.find(name) : value.end();
  return value.is_object() && found != value.end() ? *found : kNothing;
}

const nlohmann::json& list_part(const nlohmann::json& value, const char* name) {
  static const nlohmann::json kNone = nlohmann::json::array();
  const nlohmann::json& found = part(value, name);
  return found.is_array() ? found : kNone;
}

std::int64_t number_part(const nlohmann::json& value, const char* name) {
  const nlohmann::json& found = part(value, name);
  return found.is_number_integer() ? found.get<std::int64_t>() : 0;
}

std::string grouped(std::int64_t number) {
  constexpr std::size_t kGroup = 3;
  std::string digits = std::to_string(number);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + kGroup;) {
    at -= kGroup;
    digits.insert(at, ",");
  }
  return digits;
}

std::string words_of(const nlohmann::json& value, const char* nothing) {
  if (value.is_null()) {
    return nothing;
  }
  if (value.is_boolean()) {
    return value.get<bool>() ? "yes" : "no";
  }
  if (value.is_number_integer()) {
    return grouped(value.get<std::int64_t>());
  }
  if (value.is_structured()) {
    return joined_words(value);
  }
  if (!value.is_string()) {
    return value.dump();
  }
  std::string text = value.get<std::string>();
  if (is_instant(text)) {
    text.replace(10, 1, " ").replace(text.size() - 1, 1, " UTC");
  }
  return text.empty() ? "(empty)" : text;
}

Html shown(const nlohmann::json& value, const char* nothing) {
  return Html::text(words_of(value, nothing));
}

Html hash_text(const nlohmann::json& value, const char* nothing) {
  constexpr std::size_t kGroup = 8;
  if (!value.is_string() || !is_hash(value.get_ref<const std::string&>())) {
    return shown(value, nothing);
  }
  const auto& hash = value.get_ref<const std::string&>();
  std::string text;
  for (std::size_t at = 0; at < hash.size(); at += kGroup) {
    text += (at == 0 ? "" : " ") + hash.substr(at, kGroup);
  }
  return element("code", Html::text(text));
}

}  // namespace holdfast
