// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/export_pages.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/cli/csv_text.h"
#include "jobs/cli/html_page.h"
#include "jobs/job_error.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kRowsOfPiece = 200;  // of a table on the page: each piece is one table
constexpr int kIndent = 1;

/// What the manifest says of one table.
struct WrittenTable {
  const ExportTable* table = nullptr;
  std::int64_t rows = 0;
};

std::string ndjson_line(const ExportTable& table, const ExportRow& row) {
  json line = json::object();
  for (std::size_t i = 0; i < row.size(); ++i) {
    line[utf8_text(table.columns[i])] = row[i];
  }
  return compact(line) + "\n";
}

std::string csv_line(const ExportRow& row) {
  std::string line;
  for (const json& value : row) {
    line += (&value == &row.front() ? "" : ",") + csv_cell(value);
  }
  return line + "\r\n";
}

std::string csv_head(const ExportTable& table) {
  std::string line;
  for (const std::string& column : table.columns) {
    line += (&column == &table.columns.front() ? "" : ",") + csv_text(column);
  }
  return line + "\r\n";
}

/// Visits every row and returns how many there were.
std::int64_t count_rows(const ExportTable& table, const ExportVisit& visit) {
  std::int64_t rows = 0;
  table.each_row([&](const ExportRow& row) {
    visit(row);
    ++rows;
  });
  return rows;
}

void require_same(const ExportTable& table, std::int64_t before, std::int64_t now) {
  if (before != now) {
    throw JobError(ExitStatus::failed,
                   table.title + ": had " + std::to_string(before) + " rows and then " +
                       std::to_string(now) +
                       " while it was copied: another program is writing; try again when it rests");
  }
}

Html cell_of(const json& value) {
  if (value.is_null()) {
    return Html::text("-");
  }
  return Html::text(value.is_string() ? value.get_ref<const std::string&>() : compact(value));
}

/// A table of the page in pieces, so that however long it is only one piece is in memory.
class PagePieces {
 public:
  PagePieces(ZipFile& zip, const ExportTable& table, const PageMark& mark)
      : zip_(zip), table_(table), mark_(mark) {
    begin();
  }

  void add(const ExportRow& row) {
    std::vector<Html> cells;
    for (const json& value : row) {
      cells.push_back(cell_of(value));
    }
    piece_->add(std::move(cells));
    ++rows_;
    if (piece_->rows() == kRowsOfPiece) {
      put();
      begin();
    }
  }

  void finish() {
    if (piece_->rows() > 0 || rows_ == 0) {
      put();
    }
  }

 private:
  void begin() {
    std::vector<HtmlColumn> columns;
    for (const std::string& column : table_.columns) {
      columns.push_back({.heading = utf8_text(column)});
    }
    const std::string from =
        rows_ == 0 ? std::string{} : ", from row " + grouped(rows_ + 1) + " on";
    piece_.emplace(utf8_text(table_.title) + from, std::move(columns), mark_);
  }
  void put() { zip_.append(piece_->html().markup()); }

  ZipFile& zip_;
  const ExportTable& table_;
  const PageMark& mark_;
  std::optional<HtmlTable> piece_;
  std::int64_t rows_ = 0;
};

Html introduction(const json& head, const PageMark& mark) {
  HtmlFacts facts("This copy", mark);
  facts.add("whose data", shown(part(head, "subject")));
  facts.add("tenant", shown(part(head, "tenant"), "none"));
  facts.add("asked for", shown(part(head, "requested_at")));
  facts.add("as the data was", shown(part(head, "made_at")));
  return element("h1", "Copy of personal data") + facts.html() +
         paragraph(
             "It has every row that an erasure of this person would touch: the rows of each "
             "configured table, and the rows of the audit log that name the person as actor or "
             "subject. Other persons in audit rows "
             "stand as person: and sixteen digits; one person has the same digits throughout this "
             "copy and others in the next. Of their metadata stays what an erasure would keep. "
             "Long values are cut short on this page only: the .csv and .ndjson files have them "
             "whole, and manifest.json the SHA-256 of each file.");
}

json entry_json(const ZipEntry& entry) {
  return {{"name", entry.name}, {"bytes", entry.bytes}, {"sha256", entry.sha256}};
}

json names_json(const std::vector<std::string>& columns) {
  json names = json::array();
  for (const std::string& column : columns) {
    names.push_back(utf8_text(column));
  }
  return names;
}

/// Which columns are not in it, where there are any.
Html withheld_words(const ExportTable& table) {
  std::string names;
  for (const std::string& column : table.withheld) {
    names += (names.empty() ? "" : ", ") + utf8_text(column);
  }
  return names.empty() ? Html{}
                       : paragraph(Html::text("Not in this copy are these columns of the table, "
                                              "because they may tell of other persons: " +
                                              names + "."));
}

/// One table as two files.
WrittenTable write_table(ZipFile& zip, const ExportTable& table, json& files) {
  const auto file = [&](const char* end, const std::string& head, const auto& line) {
    zip.begin(table.entry + end);
    zip.append(head);
    const std::int64_t rows =
        count_rows(table, [&](const ExportRow& row) { zip.append(line(row)); });
    json made = entry_json(zip.end());
    made.update({{"title", utf8_text(table.title)},
                 {"module", table.module.empty() ? json(nullptr) : json(utf8_text(table.module))},
                 {"table", utf8_text(table.table)},
                 {"columns", names_json(table.columns)},
                 {"rows", rows}});
    if (!table.withheld.empty()) {
      made["withheld_columns"] = names_json(table.withheld);
    }
    files.push_back(std::move(made));
    return rows;
  };
  const std::int64_t rows =
      file(".ndjson", "", [&](const ExportRow& row) { return ndjson_line(table, row); });
  require_same(table, rows, file(".csv", csv_head(table), csv_line));
  return {.table = &table, .rows = rows};
}

ZipEntry write_page(ZipFile& zip, const json& head, const std::vector<WrittenTable>& tables) {
  const PageMark mark{.title = "Copy of personal data",
                      .words = "export " + part(head, "export_id").dump()};
  const PageFrame frame = page_frame(mark);
  zip.begin("index.html");
  zip.append(frame.opening);
  zip.append(introduction(head, mark).markup());
  for (const WrittenTable& written : tables) {
    zip.append(section(utf8_text(written.table->title) + ": " + grouped(written.rows) + " rows",
                       withheld_words(*written.table))
                   .markup());
    PagePieces pieces(zip, *written.table, mark);
    require_same(*written.table,
                 written.rows,
                 count_rows(*written.table, [&](const ExportRow& row) { pieces.add(row); }));
    pieces.finish();
  }
  zip.append(frame.closing);
  return zip.end();
}

}  // namespace

std::int64_t write_export(ZipFile& zip, const ExportContents& contents) {
  json files = json::array();
  std::vector<WrittenTable> tables;
  std::int64_t rows = 0;
  for (const ExportTable& table : contents.tables) {
    tables.push_back(write_table(zip, table, files));
    rows += tables.back().rows;
  }
  files.push_back(entry_json(write_page(zip, contents.head, tables)));
  json manifest = contents.head;
  manifest["files"] = std::move(files);
  manifest["rows"] = rows;
  zip.begin("manifest.json");
  zip.append(manifest.dump(kIndent) + "\n");
  (void)zip.end();
  return rows;
}

}  // namespace holdfast
