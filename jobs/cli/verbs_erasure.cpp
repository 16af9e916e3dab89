// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/erasure_desk.h"
#include "jobs/run_lock.h"

namespace holdfast {
namespace {

using nlohmann::json;

/// What the deeds on one request have in common.
struct DeedWords {
  const char* name;
  const char* summary;
  const char* example;
  ErasureDeed deed;
  const char* reason;  ///< what --reason means, null where there is none
};

struct DeedOptions {
  std::int64_t id = 0;
  ErasureWish wish;
  bool when_due = false;
};

ExitStatus answer_deed(Session& session, const json& result) {
  answer(session, result, render_erasure_result);
  return result.at("outcome") == "blocked" ? ExitStatus::refused : ExitStatus::done;
}

void add_request(CLI::App& erasure, ChosenVerb& chosen) {
  const auto subject = std::make_shared<Subject>();
  const auto tenant = std::make_shared<std::string>();
  CLI::App* verb = add_verb(erasure,
                            "request",
                            "ask for a person's data to be erased",
                            "  holdfast erasure request --tenant acme --subject u-4711",
                            chosen);
  verb->add_option("--tenant", *tenant, "the tenant; left out where the log has none");
  verb->add_option("--subject", subject->person, "the person, as the log names them")->required();
  verb->callback([&chosen, subject, tenant] {
    chosen.carry_out = [subject, tenant](Session& session) {
      if (!tenant->empty()) {
        subject->tenant = *tenant;
      }
      return answer_deed(session, request_erasure(session.desk(Access::read_write), *subject));
    };
  });
}

void add_deed(CLI::App& erasure, ChosenVerb& chosen, const DeedWords& words) {
  const auto options = std::make_shared<DeedOptions>();
  options->wish.deed = words.deed;
  CLI::App* verb = add_verb(erasure, words.name, words.summary, words.example, chosen);
  verb->add_option("id", options->id, "the request's number")->required();
  if (words.reason != nullptr) {
    verb->add_option("--reason", options->wish.reason, words.reason)->required();
  }
  verb->callback([&chosen, options] {
    chosen.carry_out = [options](Session& session) {
      return answer_deed(
          session, act_on_erasure(session.desk(Access::read_write), options->id, options->wish));
    };
  });
}

void add_complete(CLI::App& erasure, ChosenVerb& chosen) {
  const auto options = std::make_shared<DeedOptions>();
  CLI::App* verb =
      add_verb(erasure,
               "complete",
               "carry an approved request out: another administrator than the approver",
               "  holdfast erasure complete 12\n"
               "  holdfast erasure complete 12 --when-due\n"
               "  holdfast erasure complete 12 --override 3f9a2c41d07b \\\n"
               "      --reason \"settled, letter of 3 May, counsel agrees\"",
               chosen);
  verb->add_option("id", options->id, "the request's number")->required();
  CLI::Option* const when_due =
      verb->add_flag("--when-due", options->when_due, "let the nightly run do it in your name");
  CLI::Option* const digest = verb->add_option(
      "--override", options->wish.override_digest, "go past the holds that show listed");
  CLI::Option* const reason =
      verb->add_option("--reason", options->wish.reason, "why the holds may be gone past");
  digest->needs(reason)->excludes(when_due);
  reason->needs(digest);
  verb->callback([&chosen, options] {
    chosen.carry_out = [options](Session& session) {
      options->wish.deed =
          options->when_due ? ErasureDeed::complete_when_due : ErasureDeed::complete;
      // A run counts the rows: it and a completion keep out of each other's way.
      const RunLock lock = session.lock_runs();
      return answer_deed(
          session, act_on_erasure(session.desk(Access::read_write), options->id, options->wish));
    };
  });
}

void add_list_and_show(CLI::App& erasure, ChosenVerb& chosen) {
  const auto all = std::make_shared<bool>(false);
  CLI::App* verb = add_verb(
      erasure, "list", "the requests that are open", "  holdfast erasure list --all", chosen);
  verb->add_flag("--all", *all, "ended ones too");
  verb->callback([&chosen, all] {
    chosen.carry_out = [all](Session& session) {
      answer(session, list_erasures(session.desk(Access::read_only), *all), render_erasures);
      return ExitStatus::done;
    };
  });
  const auto id = std::make_shared<std::int64_t>(0);
  verb = add_verb(erasure,
                  "show",
                  "one request, its attempts, its holds now, its receipt",
                  "  holdfast erasure show 12",
                  chosen);
  verb->add_option("id", *id, "the request's number")->required();
  verb->callback([&chosen, id] {
    chosen.carry_out = [id](Session& session) {
      answer(session, show_erasure(session.personal_desk(Access::read_only), *id), render_erasure);
      return ExitStatus::done;
    };
  });
}

void add_upkeep(CLI::App& erasure, ChosenVerb& chosen) {
  CLI::App* verb = add_verb(erasure,
                            "reapply",
                            "erase again what a restored backup brought back",
                            "  holdfast erasure reapply",
                            chosen);
  verb->callback([&chosen] {
    chosen.carry_out = [](Session& session) {
      const RunLock lock = session.lock_runs();
      const json result = reapply_erasures(session.desk(Access::read_write));
      answer(session, result, render_reapplied);
      if (!result.at("failed").empty()) {
        return ExitStatus::failed;
      }
      return result.at("held").empty() && result.at("unmatched").empty() ? ExitStatus::done
                                                                         : ExitStatus::refused;
    };
  });
  const auto tenant = std::make_shared<std::string>();
  const auto reason = std::make_shared<std::string>();
  verb = add_verb(erasure,
                  "forget-key",
                  "destroy a tenant's key: its tokens can never be joined to a name again",
                  "  holdfast erasure forget-key --tenant acme --reason \"contract ended\"",
                  chosen);
  verb->add_option("--tenant", *tenant, "the tenant; left out for the empty one");
  verb->add_option("--reason", *reason, "why, for an auditor")->required();
  verb->callback([&chosen, tenant, reason] {
    chosen.carry_out = [tenant, reason](Session& session) {
      answer(session,
             forget_key(session.desk(Access::read_write), *tenant, *reason),
             render_forgotten_key);
      return ExitStatus::done;
    };
  });
}

}  // namespace

void add_erasure_verbs(CLI::App& app, ChosenVerb& chosen) {
  CLI::App* erasure = app.add_subcommand("erasure", "the right-to-erasure workflow");
  erasure->require_subcommand(1);
  add_request(*erasure, chosen);
  add_deed(*erasure,
           chosen,
           {.name = "approve",
            .summary = "agree to a request; another administrator has to complete it",
            .example = "  holdfast erasure approve 12",
            .deed = ErasureDeed::approve});
  add_deed(*erasure,
           chosen,
           {.name = "reject",
            .summary = "turn a request down",
            .example = "  holdfast erasure reject 12 --reason identity_not_proven",
            .deed = ErasureDeed::reject,
            .reason = "identity_not_proven, unfounded, 17_3_a to 17_3_e or not_controller"});
  add_deed(*erasure,
           chosen,
           {.name = "cancel",
            .summary = "call a request off: the subject or an administrator",
            .example = "  holdfast erasure cancel 12 --reason \"the person stays\"",
            .deed = ErasureDeed::cancel,
            .reason = "why, for an auditor"});
  add_deed(*erasure,
           chosen,
           {.name = "extend",
            .summary = "put the answer off by two months, once, before it is due",
            .example = "  holdfast erasure extend 12 --reason \"three systems, one in migration\"",
            .deed = ErasureDeed::extend,
            .reason = "why, as the person is told"});
  add_complete(*erasure, chosen);
  add_list_and_show(*erasure, chosen);
  add_upkeep(*erasure, chosen);
}

}  // namespace holdfast
