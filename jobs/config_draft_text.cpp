// SPDX-License-Identifier: Apache-2.0
// The configuration that `config new` writes.

#include "jobs/config_draft.h"
#include "jobs/json_text.h"

namespace holdfast {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr unsigned char kDelete = 0x7F;

std::string line_of(const DraftSetting& setting) {
  return (setting.open ? "# " : "") + setting.key + " = " + setting.value +
         (setting.why.empty() ? "" : "  # " + one_line(setting.why)) + "\n";
}

std::string comment(const std::string& sentence) {
  return "# " + one_line(sentence) + "\n";
}

std::string head_of(const LogDraft& draft, const LogFindings& findings) {
  std::string reasons;
  for (const std::string& reason : draft.reasons) {
    reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  std::string text =
      "# Configuration of Holdfast, worked out by \"holdfast config new\" from what is in the "
      "database.\n# No retention window is in force: with this file no row is deleted.\n#\n";
  text += comment("Table \"" + draft.table + "\": " + reasons + ".");
  if (findings.rows > 0) {
    text +=
        comment(std::to_string(findings.rows) + " rows" +
                (findings.earliest ? ", from " + to_rfc3339(*findings.earliest) + " to " +
                                         to_rfc3339(*findings.latest)
                                   : std::string{}) +
                "; " + std::to_string(findings.bad_times) + " with a time that cannot be read, " +
                std::to_string(findings.without_code) + " without a code: such rows are kept.");
  }
  for (const std::string& sentence : draft.missing) {
    text += comment("NOT READY: " + sentence + ".");
  }
  return text;
}

std::string database_lines(const DraftPlace& place) {
  const std::string database = toml_string(place.database);
  return place.state_directory.empty()
             ? "path = " + database + "\n"
             : "url = " + database + "  # no password here: PGPASSFILE, peer or certificates\n" +
                   "state_directory = " + toml_string(place.state_directory) +
                   "  # witness file, lock and keys\n";
}

constexpr const char* kPolicy = R"toml(
# How long each category is kept is for somebody to decide. A category without a window keeps its
# rows for ever. Take the "# " away, and look at "holdfast plan" before anything is approved.
# [retention.category]
# to-decide = { window = "13 months", basis = "who decided it, and where that is written" }

)toml";

constexpr const char* kSafety = R"toml(
[safety]
first_run_needs_approval = true  # nothing goes before an administrator has approved a plan
)toml";

constexpr const char* kBesideFile = R"toml(
# Left out, the witness file lies beside the database, and whoever restores an old copy of the one
# may restore the other too; reports and archives of deleted rows are not written. The package has
# made these folders for its own user; every other section: see the example of "holdfast init".
)toml";

constexpr const char* kBesideServer = R"toml(
# Left out, the witness file lies in the state_directory; reports and archives of deleted rows are
# not written. The package has made these folders for its own user; every other section: see the
# example of "holdfast init".
)toml";

constexpr const char* kElsewhere = R"toml(# [witness]
# file = "/var/lib/holdfast/witness/holdfast.witness"
# [reports]
# directory = "/var/lib/holdfast/reports"
# [archive]
# directory = "/var/lib/holdfast/archive"
# keep = "13 months"
)toml";

}  // namespace

std::string elsewhere_section(const DraftPlace& place) {
  return (place.state_directory.empty() ? kBesideFile : kBesideServer) + std::string{kElsewhere};
}

std::string toml_string(std::string_view text) {
  std::string written = "\"";
  for (const char letter : utf8_text(text)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < ' ' || byte == kDelete) {
      written += "\\u00";
      written += kHexDigits[byte >> 4U];
      written += kHexDigits[byte & 0x0FU];
      continue;
    }
    if (letter == '"' || letter == '\\') {
      written += '\\';
    }
    written += letter;
  }
  return written + '"';
}

std::string draft_config(const LogDraft& draft,
                         const LogFindings& findings,
                         const DraftPlace& place) {
  std::string text = head_of(draft, findings);
  text += "\n[database]\n" + database_lines(place) + "\n[events]\n";
  for (const DraftSetting& setting : draft.settings) {
    text += line_of(setting);
  }
  std::string unused;
  for (const std::string& column : draft.unused_persons) {
    unused += (unused.empty() ? "" : ", ") + toml_string(column);
  }
  text += unused.empty()
              ? ""
              : comment("not used: " + unused +
                        "; holds and erasures do not see them: make one of them actor or "
                        "subject where it names the person");
  if (!place.codes.empty()) {
    text += "\n[catalogue]\n";
    text += place.built_in_codes ? "" : "built_in = false  # none of the built-in codes is there\n";
    text += "extend = " + toml_string(place.codes) + "  # the codes that were found\n";
  }
  text += kPolicy;
  text += "[admins]\nprincipals = [" +
          (place.administrator.empty() ? std::string{} : toml_string(place.administrator)) +
          "]  # who may approve, release, complete\n";
  return text + kSafety + elsewhere_section(place);
}

}  // namespace holdfast
