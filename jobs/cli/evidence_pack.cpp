// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/evidence_pack.h"

#include <vector>

#include "jobs/cli/csv_text.h"
#include "jobs/cli/evidence_page.h"
#include "jobs/cli/html_report.h"
#include "jobs/digest.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

using nlohmann::json;

constexpr const char* kHowToVerify =
    "How to verify this pack\n"
    "=======================\n"
    "\n"
    "1. Nothing was changed since it was made. In this folder:\n"
    "\n"
    "     sha256sum --check MANIFEST\n"
    "\n"
    "   Write the SHA-256 of MANIFEST itself on the signed certificate.\n"
    "\n"
    "2. Each run record proves itself. runs/run-N.json is canonical JSON (RFC 8785: keys sorted, no\n"
    "   white space) and carries run_hash, the SHA-256 of itself without that member:\n"
    "\n"
    "     python3 - runs/run-N.json <<'END'\n"
    "     import hashlib, json, sys\n"
    "     record = json.load(open(sys.argv[1], encoding='utf-8'))\n"
    "     said = record.pop('run_hash')\n"
    "     text = json.dumps(record, sort_keys=True, separators=(',', ':'), ensure_ascii=False)\n"
    "     print(said == hashlib.sha256(text.encode()).hexdigest())\n"
    "     END\n"
    "\n"
    "   The first run follows 64 zeros; every other one has the run_hash of the run before it as\n"
    "   previous_run_hash. Run numbers have no gaps: a missing one is missing evidence.\n"
    "\n"
    "3. The database agrees. On the machine that holds it:\n"
    "\n"
    "     holdfast verify\n"
    "     holdfast verify --against BACKUP      a backup taken before a run\n"
    "\n"
    "4. Somebody outside agrees. The audit events AUDIT_PRUNE_RUN_COMPLETED and\n"
    "   AUDIT_PRUNE_RUN_FAILED carry run_hash in their metadata: whoever receives exports or webhooks\n"
    "   of the audit log has seen it. So has the witness file.\n"
    "\n"
    "What this cannot show: who can write to the database and to the witness file can rewrite both.\n"
    "Rows on snapshots, backups, replicas and worn-out cells of a disk are out of its reach.\n";

std::string json_file(const json& document) {
  return document.dump(2) + "\n";
}

std::string csv_of(const json& list, const std::vector<std::string>& columns) {
  CsvTable table(columns);
  for (const json& line : list) {
    table.add(line);
  }
  return table.text();
}

using Files = std::map<std::string, std::string>;

void add_runs(const EvidenceDocuments& documents, Files& files) {
  for (const json& run : documents.runs.at("runs")) {
    const json& record = run.at("record");
    if (!record.is_object()) {
      continue;  // open, or lost with a backup: the certificate lists it
    }
    const std::string name = "runs/run-" + run.at("run_id").dump();
    files[name + ".json"] = compact(record) + "\n";
    files[name + ".csv"] = csv_report(record);
    files[name + ".html"] = html_report(record, {.catalogue_url = documents.catalogue_url});
  }
}

void add_tables(const EvidenceDocuments& documents, Files& files) {
  files["certificate.csv"] = csv_of(documents.certificate.at("runs"),
                                    {"run_id",
                                     "opened_at",
                                     "closed_at",
                                     "outcome",
                                     "rows_before",
                                     "deleted",
                                     "erased",
                                     "kept",
                                     "rows_after",
                                     "previous_run_hash",
                                     "run_hash"});
  files["policies.csv"] =
      csv_of(documents.policies.at("policies"),
             {"version", "in_force_from", "sha256", "changed_by", "reason", "source", "policy"});
  files["catalogue.csv"] =
      csv_of(documents.catalogue.at("codes"),
             {"code", "category", "severity", "window", "floors", "description", "url"});
  files["holds.csv"] = csv_of(documents.holds.at("holds"),
                              {"hold",
                               "matter",
                               "kind",
                               "locked",
                               "reason",
                               "basis",
                               "placed_by",
                               "placed_at",
                               "review_by",
                               "released_at",
                               "released_by",
                               "release_reason",
                               "tokens",
                               "covers"});
  files["erasures.csv"] = csv_of(documents.erasures.at("erasures"),
                                 {"id",
                                  "tenant",
                                  "subject",
                                  "state",
                                  "requested_by",
                                  "requested_at",
                                  "deadline",
                                  "extended",
                                  "approved_by",
                                  "approved_at",
                                  "cooloff_until",
                                  "confirmed_by",
                                  "ended_by",
                                  "ended_at",
                                  "end_reason",
                                  "attempts",
                                  "receipt"});
  files["exports.csv"] = csv_of(documents.exports.at("exports"),
                                {"id",
                                 "tenant",
                                 "subject",
                                 "state",
                                 "requested_by",
                                 "requested_at",
                                 "made_by",
                                 "made_at",
                                 "expires_at",
                                 "rows",
                                 "bytes",
                                 "sha256",
                                 "downloads",
                                 "downloaded_at",
                                 "ended_by",
                                 "ended_at",
                                 "end_reason"});
  files["exceptions.csv"] =
      csv_of(documents.exceptions.at("exceptions"), {"run_id", "kind", "detail"});
}

std::string manifest_of(const Files& files) {
  std::string lines;
  for (const auto& [name, bytes] : files) {
    lines += sha256_hex(bytes) + "  " + name + "\n";
  }
  return lines;
}

}  // namespace

Files evidence_files(const EvidenceDocuments& documents) {
  Files files;
  files["certificate.json"] = json_file(documents.certificate);
  files["policies.json"] = json_file(documents.policies);
  files["catalogue.json"] = json_file(documents.catalogue);
  files["holds.json"] = json_file(documents.holds);
  files["erasures.json"] = json_file(documents.erasures);
  files["exports.json"] = json_file(documents.exports);
  files["exceptions.json"] = json_file(documents.exceptions);
  files["certificate.html"] = html_certificate(documents);
  files["registers.html"] = html_registers(documents);
  files["HOW-TO-VERIFY.txt"] = kHowToVerify;
  add_tables(documents, files);
  add_runs(documents, files);
  files["MANIFEST"] = manifest_of(files);
  return files;
}

}  // namespace holdfast
