// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/html_report.h"

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "jobs/cli/csv_text.h"
#include "jobs/cli/html_index.h"
#include "jobs/cli/html_page.h"
#include "jobs/cli/html_text.h"

using namespace holdfast;
using nlohmann::json;

namespace {

const ReportLinks kLinks{.catalogue_url = "https://docs.example.com/audit-codes"};

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path{HOLDFAST_TEST_DIR} / "jobs" / "golden" / name;
}

json sample_record() {
  return json::parse(bytes_of(golden("run_record.json")));
}

/// Compares with a golden file; what differs is put into the temporary folder, to be looked at and
/// copied over the golden file where the change is meant.
void check_golden(const std::string& made, const std::string& name) {
  const bool same = made == bytes_of(golden(name));
  if (!same) {
    const auto path = std::filesystem::temp_directory_path() / ("holdfast-golden-" + name);
    std::ofstream(path, std::ios::binary) << made;
    UNSCOPED_INFO("not as in the golden file; what was made: " << path);
  }
  CHECK(same);
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++found;
  }
  return found;
}

/// A record with one text in every place where data can stand.
json hostile_record(const std::string& text) {
  json record = sample_record();
  record["unknown_codes"] = {{{"code", text}, {"rows", 1}, {"oldest", text}}};
  record["codes"] = {{{"code", text}, {"deleted", 1}}};
  record["categories"][0]["tenant"] = text;
  record["categories"][0]["category"] = text;
  record["categories"][0]["window"] = text;
  record["kept_by_reason"][text] = 3;
  record["reconciliation"][text] = 0;
  record["holds"][0]["matter"] = text;
  record["holds"][0]["basis"] = text;
  record["warnings"] = {text};
  record["error"] = {{"reason", text}, {"message", text}};
  record["run_hash"] = text;
  record["outcome"] = text;
  record["run_id"] = text;
  record["host"] = text;
  record["identity"]["database_path"] = text;
  record["authority"]["policy"] = {{text, text}};
  record["authority"]["catalogue_url"] = text;
  record["method"]["statement"] = text;
  return record;
}

}  // namespace

TEST_CASE("a record has one page and one table, byte for byte", "[html]") {
  check_golden(html_report(sample_record(), kLinks), "run_record.html");
  check_golden(csv_report(sample_record()), "run_record.csv");
  CHECK(html_report(sample_record(), kLinks) == html_report(sample_record(), kLinks));
}

TEST_CASE("a page has all thirteen groups in their order", "[html]") {
  const std::string page = html_report(sample_record(), kLinks);
  std::size_t last = 0;
  for (const char* heading : {"1. Identity",
                              "2. Authority",
                              "3. Clock",
                              "4. Population",
                              "5. Per tenant and category",
                              "6. Per code",
                              "7. Holds",
                              "8. Erasures",
                              "9. Exceptions",
                              "10. Reconciliation",
                              "11. Method and residue",
                              "12. Integrity",
                              "13. Sign-off"}) {
    const std::size_t at = page.find("<h2>" + std::string(heading) + "</h2>");
    CAPTURE(heading);
    REQUIRE(at != std::string::npos);
    CHECK(at > last);
    last = at;
  }
}

TEST_CASE("a page needs nothing but itself", "[html]") {
  const std::string page = html_report(sample_record(), kLinks);
  for (const char* word : {"<script",
                           "<link",
                           "<img",
                           "<iframe",
                           "<object",
                           "@import",
                           "@font-face",
                           " src=",
                           " on"}) {
    CAPTURE(word);
    CHECK(count(page.substr(page.find("<body>")), std::string("<") + word) == 0);
  }
  CHECK(count(page, "<script") == 0);
  CHECK(count(page, "src=") == 0);
  CHECK(count(page, "@import") == 0);
  // The only addresses are links that a person follows, and the name of SVG.
  CHECK(count(page, "http") == 2 * count(page, "<a href=\"https://docs.example.com/audit-codes#") +
                                   count(page, "xmlns=\"http://www.w3.org/2000/svg\"") +
                                   count(page, "http-equiv"));
}

TEST_CASE("codes print with their visible address, hashes in groups, times in words", "[html]") {
  const std::string page = html_report(sample_record(), kLinks);
  const std::string address = "https://docs.example.com/audit-codes#SESSION_CREATED";
  CHECK(page.find("<a href=\"" + address + "\">" + address + "</a>") != std::string::npos);
  CHECK(page.find("abababab abababab abababab") != std::string::npos);
  CHECK(page.find("2026-11-23 02:15:00 UTC") != std::string::npos);
  CHECK(page.find("2025-10-20 23:59:59.123 UTC") != std::string::npos);
  CHECK(page.find("active, past review") != std::string::npos);
}

TEST_CASE("what comes from data cannot become markup", "[html]") {
  const std::vector<std::string> texts = {"<script>alert(1)</script>",
                                          "\"><img src=x onerror=alert(1)>",
                                          "'><svg/onload=alert(1)>",
                                          "</style><script>alert(1)</script>",
                                          "\";}</style><b>",
                                          "javascript:alert(1)",
                                          "https://x.example/\"onmouseover=\"alert(1)",
                                          "&lt;script&gt;",
                                          "--><script>"};
  const std::string harmless = html_report(hostile_record("harmless"), {});
  for (const std::string& text : texts) {
    const std::string page = html_report(hostile_record(text), {});
    CAPTURE(text);
    CHECK(count(page, "<script") == 0);
    CHECK(count(page, "<img") == 0);
    CHECK(count(page, "<svg/") == 0);
    CHECK(count(page, "<b>") == 0);
    CHECK(count(page, "href=\"javascript") == 0);
    CHECK(count(page, "</style>") == 1);
    CHECK(count(page, "\"onmouseover=") == 0);
    // A tag is where a "<" stands: as many as with a text that means no harm, links aside.
    CHECK(count(page, "<") - count(page, "<a ") * 2 ==
          count(harmless, "<") - count(harmless, "<a ") * 2);
  }
}

TEST_CASE("marks that hide or turn text are shown, long texts shortened", "[html]") {
  CHECK(visible_text("a\xE2\x80\xAE"
                     "b") == "a\\u{202E}b");
  CHECK(visible_text("\xE2\x81\xA6\xE2\x81\xA9") == "\\u{2066}\\u{2069}");
  CHECK(visible_text("\xE2\x80\xAA\xE2\x80\x8F") == "\\u{202A}\\u{200F}");
  CHECK(visible_text(std::string("\x1b[0m\0\x7f\n", 7)) ==
        "\\u{001B}[0m\\u{0000}\\u{007F}\\u{000A}");
  CHECK(visible_text("\xC2\x9B\xEF\xBB\xBF\xF3\xA0\x81\x81") == "\\u{009B}\\u{FEFF}\\u{E0041}");
  CHECK(visible_text("\xFF caf\xC3\xA9 \xE2\x82\xAC") == "\\xff caf\xC3\xA9 \xE2\x82\xAC");
  CHECK(shortened(std::string(10'240, 'X'), 5) == "XXXXX ... (10240 characters in all)");
  CHECK(shortened("\xE2\x82\xAC\xE2\x82\xAC", 2) == "\xE2\x82\xAC\xE2\x82\xAC");
  CHECK(shortened("\xE2\x82\xAC\xE2\x82\xAC", 1) == "\xE2\x82\xAC ... (2 characters in all)");
  const std::string page = html_report(hostile_record(std::string(10'240, 'X')), {});
  CHECK(page.find("(10240 characters in all)") != std::string::npos);
  CHECK(page.size() < 120'000);
}

TEST_CASE("folded detail is complete, and the summary stands before it", "[html]") {
  json record = sample_record();
  record["categories"] = json::array();
  for (int tenant = 0; tenant < 50; ++tenant) {
    for (int category = 0; category < 84; ++category) {
      record["categories"].push_back({{"tenant", "tenant-" + std::to_string(tenant)},
                                      {"category", "category-" + std::to_string(category)},
                                      {"window", "13 months"},
                                      {"disposition_cutoff", "2025-10-21T10:00:00Z"},
                                      {"examined", 2},
                                      {"deleted", 1},
                                      {"kept", {{"window", 1}}}});
    }
  }
  const std::string page = html_report(record, kLinks);
  CHECK(page.find("<summary>Per tenant and category: all 4,200 lines</summary>") !=
        std::string::npos);
  CHECK(count(page, "<th scope=\"row\" class=\"text\">tenant-49</th>") == 84);
  CHECK(page.find("Rows deleted and kept per category") <
        page.find("<summary>Per tenant and category"));
  CHECK(count(page, "<details>") == count(page, "</details>"));
  CHECK(count(page, "<thead>") == count(page, "class=\"mark\""));
}

TEST_CASE("records of older versions and of dead runs have a page too", "[html]") {
  json record = sample_record();
  for (const char* group : {"format",
                            "identity",
                            "authority",
                            "population",
                            "codes",
                            "holds",
                            "exceptions",
                            "method",
                            "integrity",
                            "previous_run_hash"}) {
    record.erase(group);
  }
  record["run_hash"] = nullptr;
  const std::string old = html_report(record, {});
  CHECK(old.find("run 12, not chained") != std::string::npos);
  CHECK(old.find("alice") != std::string::npos);
  for (auto& [name, value] : record.items()) {
    value = nullptr;
  }
  record["outcome"] = "failed";
  const std::string dead = html_report(record, {});
  CHECK(dead.find("13. Sign-off") != std::string::npos);
  CHECK(dead.find("not known") != std::string::npos);
  CHECK(html_report(json::object(), {}).find("13. Sign-off") != std::string::npos);
  CHECK(html_report(json(nullptr), {}).find("13. Sign-off") != std::string::npos);
  CHECK(csv_report(json::object()).find("run_id,outcome") == 0);
}

TEST_CASE("every chart says what it shows to those who cannot see it", "[html]") {
  const std::string page = html_report(sample_record(), kLinks);
  CHECK(count(page, "<svg ") == 2);
  CHECK(count(page, "role=\"img\"") == 2);
  CHECK(count(page, "<desc id=") == 2);
  CHECK(count(page, "<title id=") == 2);
  CHECK(page.find("aria-labelledby=\"categories-title categories-desc\"") != std::string::npos);
  // Hatching tells deleted from kept, and the figures stand beside each bar.
  CHECK(page.find("fill=\"url(#categories-hatch)\"") != std::string::npos);
  CHECK(page.find("1,500 / 38,500") != std::string::npos);
}

TEST_CASE("the index shows every run, and links those that have a page", "[html]") {
  const json trend = {{"database_id", "d"},
                      {"runs",
                       {{{"run", 2},
                         {"opened_at", "2026-11-23T02:15:00Z"},
                         {"outcome", "failed"},
                         {"error", "<b>"}},
                        {{"run", 1},
                         {"opened_at", "2026-11-22T02:15:00Z"},
                         {"outcome", "completed"},
                         {"deleted", 7}}}},
                      {"nights",
                       {{{"run", 1},
                         {"opened_at", "2026-11-22T02:15:00Z"},
                         {"deleted", 7},
                         {"rows_after", 1000},
                         {"kept_by_reason", {{"window", 990}, {"hold", 10}}}}}},
                      {"oldest", json::array()},
                      {"forecast", {{"why", "the run was interrupted"}}}};
  const std::string page = html_index(trend, {1});
  CHECK(page == html_index(trend, {1}));
  CHECK(page.find("<a href=\"run-1.html\">run 1</a>") != std::string::npos);
  CHECK(page.find("run-2.html") == std::string::npos);
  CHECK(page.find("No forecast: the run was interrupted.") != std::string::npos);
  CHECK(page.find("&lt;b&gt;") != std::string::npos);
  CHECK(html_index(json::object(), {}).find("Holdfast: all runs") != std::string::npos);
}
