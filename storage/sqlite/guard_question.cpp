// SPDX-License-Identifier: Apache-2.0
#include "storage/sqlite/guard_question.h"

namespace holdfast {
namespace {

constexpr const char* kColumns =
    "\n  what, key, number, newest, time, code, tenant, actor, subject, category, retain_until";

constexpr const char* kTermOf =
    "SELECT 1 FROM holdfast_hold_term AS term\n      WHERE term.hold_id = hold.id AND term.kind = ";

constexpr const char* kCutoffOfCode = "cutoff.code = CAST(NEW.code AS TEXT)";

bool is_mapped(const std::string& column) {
  return column != "NULL";
}

/// What the row has, as text; columns of other types may read as anything, and are taken to match.
std::string has_term(const std::string& kind, const std::string& column) {
  return "EXISTS (" + std::string(kTermOf) + "'" + kind + "' AND term.value = CAST(NEW." + column +
         " AS TEXT))\n      OR typeof(NEW." + column + ") IN ('real', 'blob')";
}

std::string term_clause(const std::string& kind, const std::string& matches) {
  return "\n    AND (NOT EXISTS (" + std::string(kTermOf) + "'" + kind + "')\n      OR " + matches +
         ")";
}

/// A kind of term that no row of the log can answer is left out, which widens the hold.
std::string column_clause(const std::string& kind,
                          const std::string& column,
                          const std::string& mapped) {
  return is_mapped(mapped) ? term_clause(kind, has_term(kind, column)) : std::string{};
}

std::string person_clause(const LogLayout& layout) {
  if (!is_mapped(layout.actor) && !is_mapped(layout.subject)) {
    return {};
  }
  return term_clause("person",
                     has_term("person", "actor") + "\n      OR " + has_term("person", "subject"));
}

std::string category_clause() {
  const std::string of_cutoff =
      "EXISTS (SELECT 1 FROM holdfast_hold_term AS term, holdfast_guard_cutoff AS cutoff\n"
      "      WHERE term.hold_id = hold.id AND " +
      std::string(kCutoffOfCode) +
      "\n        AND (term.kind = 'category' AND term.value IN (cutoff.category, "
      "cutoff.category_name)\n"
      "          OR term.kind = 'category_code' AND term.value = cutoff.known_code))";
  return term_clause("category",
                     has_term("category", "category") + "\n      OR " +
                         has_term("category_code", "code") + "\n      OR " + of_cutoff);
}

std::string code_clause() {
  const std::string of_alias =
      "EXISTS (SELECT 1 FROM holdfast_hold_term AS term, holdfast_guard_cutoff AS cutoff\n"
      "      WHERE term.hold_id = hold.id AND " +
      std::string(kCutoffOfCode) +
      "\n        AND term.kind = 'code' AND term.value = cutoff.known_code)";
  return term_clause("code", has_term("code", "code") + "\n      OR " + of_alias);
}

/// A row whose time is no number is inside every range, and so is each row where a range ends
/// before it begins.
std::string time_clause(TimeFormat format) {
  std::string from;
  std::string until;
  switch (format) {
    case TimeFormat::unix_s:
    case TimeFormat::unix_real:
      // A time in seconds is rounded down to the millisecond.
      from = "NEW.time * 1000 > hold.from_ms - 1";
      until = "NEW.time * 1000 < hold.until_ms";
      break;
    case TimeFormat::unix_ms:
      from = "NEW.time > hold.from_ms - 1";
      until = "NEW.time < hold.until_ms";
      break;
    case TimeFormat::unix_us:
      from = "NEW.time > (hold.from_ms - 1) * 1000";
      until = "NEW.time < hold.until_ms * 1000";
      break;
    case TimeFormat::iso8601:
    case TimeFormat::utc_text:
      return {};
  }
  return "\n    AND (typeof(NEW.time) NOT IN ('integer', 'real')"
         "\n      OR hold.from_ms >= hold.until_ms"
         "\n      OR (hold.from_ms IS NULL OR " +
         from + ") AND (hold.until_ms IS NULL OR " + until + "))";
}

/// FROM and WHERE that find the holds over the row, as covers() does; a hold that says nothing, and
/// a kind of term that nobody knows, make it wider. Whoever was released before being placed, or
/// not long enough ago, still counts.
std::string covering_holds(const LogLayout& layout) {
  return "FROM holdfast_hold AS hold\n"
         "    WHERE (hold.released_at_ms IS NULL OR hold.released_at_ms < hold.placed_at_ms\n"
         "      OR NOT coalesce(hold.released_at_ms <\n"
         "        (SELECT releases_before_ms FROM holdfast_guard_terms), 0))" +
         person_clause(layout) + column_clause("subject", "subject", layout.subject) +
         column_clause("actor", "actor", layout.actor) +
         term_clause("event_id",
                     "EXISTS (" + std::string(kTermOf) +
                         "'event_id' AND term.value = NEW.key) OR NEW.key IS NULL") +
         code_clause() + category_clause() + column_clause("tenant", "tenant", layout.tenant) +
         time_clause(layout.time_format);
}

/// Only rows with a number for a time and a code of their own: the others would need a reading that
/// SQL cannot be trusted with.
bool can_be_due(const LogLayout& layout) {
  switch (layout.time_format) {
    case TimeFormat::unix_s:
    case TimeFormat::unix_ms:
    case TimeFormat::unix_us:
    case TimeFormat::unix_real:
      return layout.code == layout.raw_code;
    case TimeFormat::iso8601:
    case TimeFormat::utc_text:
      return false;
  }
  return false;
}

std::string refused_where(const std::string& why, const std::string& where) {
  return "\n  SELECT RAISE(ABORT, 'holdfast guard: " + why + "')" +
         (where.empty() ? "" : "\n  WHERE " + where) + ";";
}

std::string due_clause() {
  return "NEW.category IS NULL AND typeof(NEW.code) IN ('text', 'integer')\n"
         "    AND typeof(NEW.time) IN ('integer', 'real')\n"
         "    AND EXISTS (SELECT 1 FROM holdfast_guard_cutoff AS cutoff, holdfast_guard_terms AS "
         "terms\n      WHERE " +
         std::string(kCutoffOfCode) +
         " AND NEW.time >= terms.earliest AND NEW.time < cutoff.before)";
}

constexpr const char* kStampPassed =
    "typeof(NEW.retain_until) IN ('integer', 'real')\n"
    "    AND EXISTS (SELECT 1 FROM holdfast_guard_terms AS terms\n"
    "      WHERE NEW.retain_until >= terms.earliest AND NEW.retain_until < terms.stamps_before)";

std::string answers(const LogLayout& layout) {
  // RAISE takes nothing but a literal. The path that json_each() is given cannot be read, and its
  // error repeats it: the only message of SQLite 3.40 with a value in it that a trigger may use
  // where trusted_schema is off. The next line refuses in any case.
  const std::string holds = covering_holds(layout);
  const std::string held =
      "\n  SELECT 1 FROM json_each('[]', (\n"
      "    SELECT 'holdfast guard: row ' || coalesce(NEW.key, '?') || ' is held, matter ' || "
      "hold.matter || ' (hold ' || hold.id || '), and is not ' || NEW.what || ': the whole statement is '\n"
      "      || 'refused'\n"
      "    " +
      holds + "\n    ORDER BY hold.id LIMIT 1));" +
      refused_where("a hold covers this row", "EXISTS (SELECT 1\n    " + holds + ")");
  if (!can_be_due(layout)) {
    return held + refused_where("only Holdfast removes and changes the rows of this audit log", "");
  }
  std::string text =
      held +
      refused_where("the stamp of this row (retain_until) has not passed, or cannot be read",
                    "NEW.retain_until IS NOT NULL AND NOT (" + std::string(kStampPassed) + ")") +
      refused_where(
          "this row is not due: its window runs, nobody knows its window, or no run has "
          "gone through since the policy or the clock was changed",
          "NOT (" + due_clause() + ")");
  if (layout.shape.ordered_keys) {
    text += refused_where("a consumer has not read as far as this row (\"holdfast bookmark list\")",
                          "NEW.number > (SELECT min(event_id) FROM holdfast_bookmark)");
  }
  return text + refused_where("the newest row stays, because its id would be given out again",
                              "NEW.newest");
}

}  // namespace

std::string guard_key_text(const LogLayout& layout) {
  std::string text;
  std::string readable;
  for (const std::string& column : layout.key_columns) {
    text += (text.empty() ? "" : " || ',' || ") + ("CAST(OLD." + column + " AS TEXT)");
    readable +=
        (readable.empty() ? "" : " AND ") + ("typeof(OLD." + column + ") IN ('integer', 'text')");
  }
  return "CASE WHEN " + readable + " THEN " + text + " END";
}

void add_guard_question(const LogLayout& layout, std::vector<GuardObject>& guards) {
  std::string nothing;
  for (const char* letter = kColumns; *letter != '\0'; ++letter) {
    nothing += *letter == ',' ? ", NULL" : "";
  }
  guards.push_back({"view",
                    kGuardQuestion,
                    std::string("CREATE VIEW ") + kGuardQuestion + " (" + kColumns +
                        ") AS\n  SELECT NULL" + nothing + " WHERE 0"});
  guards.push_back({"trigger",
                    "holdfast_guard_row_asked",
                    std::string("CREATE TRIGGER holdfast_guard_row_asked INSTEAD OF INSERT ON ") +
                        kGuardQuestion + "\nBEGIN" + answers(layout) + "\nEND"});
}

}  // namespace holdfast
