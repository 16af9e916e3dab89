// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/hold_desk.h"
#include "jobs/row_desk.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// "--person=$ID" with an empty ID would take the next option for its value, and freeze nobody.
std::string why_no_term(const std::string& word) {
  const bool is_option = word.starts_with("--");
  return word.empty() || is_option ? "\"" + word + "\" is no term of a hold: give a value" : "";
}

/// A tenant may be empty text: some logs write that, and the desk asks whether this one does.
std::string why_no_tenant(const std::string& word) {
  return word.empty() ? std::string{} : why_no_term(word);
}

/// A kind of term. One option takes one value as it stands: CLI11 would otherwise split "[a,b]".
void add_term(CLI::App& verb,
              const std::string& name,
              std::vector<std::string>& values,
              const std::string& meaning) {
  verb.add_option(name, values, meaning)
      ->allow_extra_args(false)
      ->check(name == "--tenant" ? why_no_tenant : why_no_term);
}

void add_place(CLI::App& hold, ChosenVerb& chosen) {
  const auto request = std::make_shared<HoldRequest>();
  CLI::App* verb = add_verb(
      hold,
      "place",
      "freeze rows for a matter until the hold is released",
      "  holdfast hold place --matter 2026-014 --reason \"litigation\" --person u-4711\n"
      "  holdfast hold place --matter audit-q3 --reason \"regulator\" --kind regulatory \\\n"
      "      --tenant acme --category sessions --from 2026-01-01 --to 2026-03-31",
      chosen);
  verb->add_option("--matter", request->matter, "the matter that the hold serves")->required();
  verb->add_option("--reason", request->reason, "why, for an auditor")->required();
  verb->add_option("--kind", request->kind, "legal, regulatory or restriction");
  verb->add_option("--basis", request->basis, "the legal basis, printed as written");
  verb->add_option("--review-by", request->review_by, "when somebody looks at it again");
  verb->add_flag("--locked", request->locked, "no erasure may override it");
  add_term(*verb, "--tenant", request->scope.tenants, "rows of this tenant; repeat for more");
  add_term(*verb, "--person", request->scope.persons, "rows with this actor or subject");
  add_term(*verb, "--actor", request->scope.actors, "rows by this actor");
  add_term(*verb, "--subject", request->scope.subjects, "rows about this subject");
  add_term(*verb, "--category", request->scope.categories, "rows of this category");
  add_term(*verb, "--code", request->scope.codes, "rows of this audit code");
  add_term(*verb, "--event-id", request->scope.event_ids, "this very row");
  verb->add_option("--from", request->from, "from this day (in every zone) or instant on");
  verb->add_option("--to", request->to, "to this day (in every zone) or instant, included");
  verb->add_flag("--everything", request->scope.everything, "every row of the log");
  verb->add_flag("--future", request->future, "terms that are nowhere yet are meant");
  verb->callback([&chosen, request] {
    chosen.carry_out = [request](Session& session) {
      answer(session, place_hold(session.desk(Access::read_write), *request), render_hold);
      return ExitStatus::done;
    };
  });
}

void add_release(CLI::App& hold, ChosenVerb& chosen) {
  const auto id = std::make_shared<std::int64_t>(0);
  const auto reason = std::make_shared<std::string>();
  CLI::App* verb = add_verb(hold,
                            "release",
                            "end a hold; its rows stay for the grace period more",
                            "  holdfast hold release 7 --reason \"settled, letter of 3 May\"",
                            chosen);
  verb->add_option("id", *id, "the hold's number")->required();
  verb->add_option("--reason", *reason, "why, for an auditor")->required();
  verb->callback([&chosen, id, reason] {
    chosen.carry_out = [id, reason](Session& session) {
      answer(session, release_hold(session.desk(Access::read_write), *id, *reason), render_hold);
      return ExitStatus::done;
    };
  });
}

void add_review(CLI::App& hold, ChosenVerb& chosen) {
  const auto id = std::make_shared<std::int64_t>(0);
  const auto until = std::make_shared<std::string>();
  const auto reason = std::make_shared<std::string>();
  CLI::App* verb =
      add_verb(hold,
               "review",
               "confirm a hold and set its next review date",
               "  holdfast hold review 7 --until 2027-06-30 --reason \"appeal pending\"",
               chosen);
  verb->add_option("id", *id, "the hold's number")->required();
  verb->add_option("--until", *until, "the next review date")->required();
  verb->add_option("--reason", *reason, "why, for an auditor")->required();
  verb->callback([&chosen, id, until, reason] {
    chosen.carry_out = [id, until, reason](Session& session) {
      answer(session,
             review_hold(session.desk(Access::read_write), *id, *until, *reason),
             render_hold);
      return ExitStatus::done;
    };
  });
}

void add_list_and_show(CLI::App& hold, ChosenVerb& chosen) {
  const auto all = std::make_shared<bool>(false);
  CLI::App* verb =
      add_verb(hold, "list", "the holds that are active", "  holdfast hold list --all", chosen);
  verb->add_flag("--all", *all, "released ones too");
  verb->callback([&chosen, all] {
    chosen.carry_out = [all](Session& session) {
      answer(session, list_holds(session.desk(Access::read_only), *all), render_holds);
      return ExitStatus::done;
    };
  });
  const auto id = std::make_shared<std::int64_t>(0);
  verb = add_verb(
      hold, "show", "one hold and how many rows it covers now", "  holdfast hold show 7", chosen);
  verb->add_option("id", *id, "the hold's number")->required();
  verb->callback([&chosen, id] {
    chosen.carry_out = [id](Session& session) {
      answer(session, show_hold(session.desk(Access::read_only), *id), render_hold);
      return ExitStatus::done;
    };
  });
}

std::string render_bookmark_set(const json& result) {
  if (result.contains("dropped")) {
    return "dropped bookmark " + cell(result.at("dropped")) + "\n";
  }
  std::string text = "bookmark " + cell(result.at("name")) + ": rows above " +
                     result.at("event_id").dump() + " are kept\n";
  const json& highest = result.at("highest_id");
  if (highest.is_null() || highest < result.at("event_id")) {
    text += "note: the highest id in the log is " + cell(highest, "none") +
            ": this bookmark keeps no row that is there now\n";
  }
  return text;
}

void add_bookmark(CLI::App& app, ChosenVerb& chosen) {
  CLI::App* bookmark =
      add_group(app,
                "bookmark",
                "how far the log's consumers have read",
                "  holdfast bookmark set webhooks 120384\n  holdfast bookmark list");
  const auto name = std::make_shared<std::string>();
  const auto id = std::make_shared<std::int64_t>(0);
  CLI::App* verb = add_verb(*bookmark,
                            "set",
                            "a consumer has read up to this event id",
                            "  holdfast bookmark set webhooks 120384",
                            chosen);
  verb->add_option("name", *name, "the consumer")->required();
  verb->add_option("id", *id, "the last event id that it has read")->required();
  verb->callback([&chosen, name, id] {
    chosen.carry_out = [name, id](Session& session) {
      answer(
          session, set_bookmark(session.desk(Access::read_write), *name, *id), render_bookmark_set);
      return ExitStatus::done;
    };
  });
  verb = add_verb(
      *bookmark, "drop", "a consumer reads no more", "  holdfast bookmark drop webhooks", chosen);
  verb->add_option("name", *name, "the consumer")->required();
  verb->callback([&chosen, name] {
    chosen.carry_out = [name](Session& session) {
      answer(session, drop_bookmark(session.desk(Access::read_write), *name), render_bookmark_set);
      return ExitStatus::done;
    };
  });
  verb = add_verb(*bookmark, "list", "all bookmarks", "  holdfast bookmark list", chosen);
  verb->callback([&chosen] {
    chosen.carry_out = [](Session& session) {
      answer(session, list_bookmarks(session.desk(Access::read_only)), render_bookmarks);
      return ExitStatus::done;
    };
  });
}

}  // namespace

void add_hold_verbs(CLI::App& app, ChosenVerb& chosen) {
  CLI::App* hold =
      add_group(app,
                "hold",
                "legal and regulatory holds, by matter",
                "  holdfast hold place --matter 2026-014 --reason \"litigation\" --person u-4711\n"
                "  holdfast hold list");
  add_place(*hold, chosen);
  add_release(*hold, chosen);
  add_review(*hold, chosen);
  add_list_and_show(*hold, chosen);
  add_bookmark(app, chosen);
}

}  // namespace holdfast
