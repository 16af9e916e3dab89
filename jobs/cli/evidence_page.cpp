// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/evidence_page.h"

#include <vector>

#include "jobs/cli/html_page.h"
#include "jobs/cli/json_lines.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr std::size_t kManyColumns = 7;
constexpr int kWholeWidth = 100;

/// A column of a register: the member of each line, and what it is called.
struct Member {
  const char* name;
  const char* heading;
  bool figures = false;
};

Html register_table(const std::string& caption,
                    const json& list,
                    const std::vector<Member>& members,
                    const PageMark& mark) {
  std::vector<HtmlColumn> columns;
  // With many columns each gets the same share: no text may push another one off the paper.
  const int share =
      members.size() < kManyColumns ? 0 : kWholeWidth / static_cast<int>(members.size());
  for (const Member& member : members) {
    columns.push_back({.heading = member.heading, .figures = member.figures, .share = share});
  }
  HtmlTable table(caption, columns, mark);
  for (const json& line : list) {
    std::vector<Html> cells;
    for (const Member& member : members) {
      cells.push_back(hash_text(part(line, member.name), "-"));
    }
    table.add(std::move(cells));
  }
  return table.html();
}

std::string period_words(const json& certificate) {
  return words_of(part(certificate, "from")) + " to before " + words_of(part(certificate, "until"));
}

Html certificate_facts(const json& certificate, const PageMark& mark) {
  HtmlFacts facts("Certificate", mark);
  facts.add("database", shown(part(certificate, "database_id")));
  facts.add("period", Html::text(period_words(certificate)));
  facts.add("runs in the period",
            Html::text(grouped(static_cast<std::int64_t>(list_part(certificate, "runs").size()))));
  facts.add("runs still open, or dead", shown(part(certificate, "runs_open")));
  facts.add("rows deleted by retention", shown(part(certificate, "rows_deleted")));
  facts.add("rows deleted by erasures", shown(part(certificate, "rows_erased")));
  facts.add("made at", shown(part(certificate, "made_at")));
  facts.add("made by", shown(part(certificate, "made_by")));
  return facts.html();
}

Html holds_table(const json& holds, const PageMark& mark) {
  return register_table("Holds that were active in the period",
                        holds,
                        {{.name = "hold", .heading = "hold"},
                         {.name = "matter", .heading = "matter"},
                         {.name = "kind", .heading = "kind"},
                         {.name = "reason", .heading = "reason"},
                         {.name = "basis", .heading = "basis"},
                         {.name = "placed_by", .heading = "placed by"},
                         {.name = "placed_at", .heading = "placed"},
                         {.name = "review_by", .heading = "review by"},
                         {.name = "released_at", .heading = "released"},
                         {.name = "covers", .heading = "covers (persons as numbers)"},
                         {.name = "tokens", .heading = "tokens"}},
                        mark);
}

Html erasures_table(const json& erasures, const PageMark& mark) {
  return register_table("Erasure requests that were open or ended in the period",
                        erasures,
                        {{.name = "id", .heading = "request"},
                         {.name = "tenant", .heading = "tenant"},
                         {.name = "subject", .heading = "token"},
                         {.name = "state", .heading = "state"},
                         {.name = "requested_at", .heading = "requested"},
                         {.name = "deadline", .heading = "deadline"},
                         {.name = "approved_by", .heading = "approved by"},
                         {.name = "ended_by", .heading = "ended by"},
                         {.name = "ended_at", .heading = "ended"},
                         {.name = "end_reason", .heading = "reason"}},
                        mark);
}

Html exports_table(const json& exports, const PageMark& mark) {
  return register_table("Copies of persons' data that were asked for or kept in the period",
                        exports,
                        {{.name = "id", .heading = "export"},
                         {.name = "tenant", .heading = "tenant"},
                         {.name = "subject", .heading = "token"},
                         {.name = "state", .heading = "state"},
                         {.name = "requested_by", .heading = "requested by"},
                         {.name = "requested_at", .heading = "requested"},
                         {.name = "made_by", .heading = "made by"},
                         {.name = "made_at", .heading = "made"},
                         {.name = "rows", .heading = "rows", .figures = true},
                         {.name = "downloads", .heading = "fetched", .figures = true},
                         {.name = "ended_by", .heading = "ended by"},
                         {.name = "ended_at", .heading = "ended"},
                         {.name = "end_reason", .heading = "reason"}},
                        mark);
}

/// Overrides in full: who went over which holds, as the receipts have it.
Html overrides_table(const json& erasures, const PageMark& mark) {
  json overrides = json::array();
  for (const json& request : erasures) {
    const json& receipt = part(request, "receipt");
    if (part(receipt, "overridden") == true) {
      overrides.push_back({{"id", part(request, "id")},
                           {"completed_by", part(receipt, "completed_by")},
                           {"approved_by", part(receipt, "approved_by")},
                           {"completed_at", part(receipt, "completed_at")},
                           {"hold_digest", part(receipt, "hold_digest")},
                           {"reason", part(request, "end_reason")}});
    }
  }
  return register_table("Holds that were overridden for an erasure",
                        overrides,
                        {{.name = "id", .heading = "request"},
                         {.name = "completed_by", .heading = "completed by"},
                         {.name = "approved_by", .heading = "approved by"},
                         {.name = "completed_at", .heading = "completed"},
                         {.name = "hold_digest", .heading = "holds that were shown"},
                         {.name = "reason", .heading = "reason"}},
                        mark);
}

Html policies_part(const json& policies, const PageMark& mark) {
  Html made = register_table("Policy versions",
                             policies,
                             {{.name = "version", .heading = "version"},
                              {.name = "in_force_from", .heading = "in force from"},
                              {.name = "sha256", .heading = "SHA-256"},
                              {.name = "changed_by", .heading = "changed by"},
                              {.name = "reason", .heading = "reason"},
                              {.name = "source", .heading = "source"}},
                             mark);
  for (const json& policy : policies) {
    made += folded("Policy version " + words_of(part(policy, "version")) + " in full",
                   element("pre", Html::whole_text(json_lines(part(policy, "policy")))));
  }
  return made;
}

Html catalogue_part(const json& codes, const PageMark& mark) {
  HtmlTable table("Catalogue",
                  {{.heading = "code"},
                   {.heading = "category"},
                   {.heading = "severity"},
                   {.heading = "window"},
                   {.heading = "floors"},
                   {.heading = "explained at"}},
                  mark);
  for (const json& code : codes) {
    const json& url = part(code, "url");
    table.add({shown(part(code, "code")),
               shown(part(code, "category")),
               shown(part(code, "severity")),
               shown(part(code, "window"), "none"),
               shown(part(code, "floors"), "none"),
               url.is_string() ? visible_link(url.get<std::string>()) : Html::text("-")});
  }
  return table.html();
}

PageMark mark_for(const EvidenceDocuments& documents, const std::string& title) {
  return {.title = title, .words = "evidence " + period_words(documents.certificate)};
}

}  // namespace

std::string html_certificate(const EvidenceDocuments& documents) {
  const json& certificate = documents.certificate;
  const PageMark mark = mark_for(documents, "Certificate of disposition");
  Html body = element("h1", Html::text(mark.title)) +
              element("p",
                      {{"class", "lead"}},
                      Html::text("In the runs listed here, " +
                                 words_of(part(certificate, "statement")) + ".")) +
              certificate_facts(certificate, mark);
  body += register_table("Rows deleted per category",
                         list_part(certificate, "deleted_by_category"),
                         {{.name = "category", .heading = "category"},
                          {.name = "deleted", .heading = "deleted", .figures = true}},
                         mark);
  body += register_table("Runs",
                         list_part(certificate, "runs"),
                         {{.name = "run_id", .heading = "run"},
                          {.name = "opened_at", .heading = "opened"},
                          {.name = "outcome", .heading = "outcome"},
                          {.name = "rows_before", .heading = "rows before", .figures = true},
                          {.name = "deleted", .heading = "deleted", .figures = true},
                          {.name = "erased", .heading = "erased", .figures = true},
                          {.name = "kept", .heading = "kept", .figures = true},
                          {.name = "rows_after", .heading = "rows after", .figures = true},
                          {.name = "run_hash", .heading = "run hash"}},
                         mark);
  body += section("Residue", paragraph(Html::text(words_of(part(certificate, "residue")) + ".")));
  body += section(
      "How to verify",
      paragraph("HOW-TO-VERIFY.txt in this folder says how: sha256sum --check MANIFEST, the hash "
                "of each run record, and holdfast verify beside the database."));
  body += section("Sign-off", sign_off(mark));
  return html_page(mark, body);
}

std::string html_registers(const EvidenceDocuments& documents) {
  const PageMark mark = mark_for(documents, "Registers");
  const json& erasures = documents.erasures.at("erasures");
  Html body = element("h1", Html::text("Registers, " + period_words(documents.certificate)));
  body += section("Exceptions",
                  register_table("What was out of the ordinary",
                                 documents.exceptions.at("exceptions"),
                                 {{.name = "run_id", .heading = "run"},
                                  {.name = "kind", .heading = "kind"},
                                  {.name = "detail", .heading = "detail"}},
                                 mark));
  body += section("Holds", holds_table(documents.holds.at("holds"), mark));
  body += section("Erasures", erasures_table(erasures, mark) + overrides_table(erasures, mark));
  body += section("Exports", exports_table(documents.exports.at("exports"), mark));
  body += section("Policy", policies_part(documents.policies.at("policies"), mark));
  body += section("Catalogue", catalogue_part(documents.catalogue.at("codes"), mark));
  return html_page(mark, body);
}

}  // namespace holdfast
