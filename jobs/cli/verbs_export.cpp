// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/export_desk.h"
#include "jobs/run_lock.h"

namespace holdfast {
namespace {

using nlohmann::json;

void add_request(CLI::App& group, ChosenVerb& chosen) {
  const auto subject = std::make_shared<Subject>();
  const auto tenant = std::make_shared<std::string>();
  CLI::App* verb = add_verb(group,
                            "request",
                            "ask for a copy of a person's data",
                            "  holdfast export request --tenant acme --subject u-4711",
                            chosen);
  verb->add_option("--tenant", *tenant, "the tenant; left out where the log has none");
  verb->add_option("--subject", subject->person, "the person, as the log names them")->required();
  verb->callback([&chosen, subject, tenant] {
    chosen.carry_out = [subject, tenant](Session& session) {
      if (!tenant->empty()) {
        subject->tenant = *tenant;
      }
      answer(session, request_export(session.desk(Access::read_write), *subject), render_export);
      return ExitStatus::done;
    };
  });
}

void add_make(CLI::App& group, ChosenVerb& chosen) {
  const auto id = std::make_shared<std::int64_t>(0);
  CLI::App* verb = add_verb(group,
                            "make",
                            "make a copy now instead of in the nightly run",
                            "  holdfast export make 5",
                            chosen);
  verb->add_option("id", *id, "the export's number")->required();
  verb->callback([&chosen, id] {
    chosen.carry_out = [id](Session& session) {
      // A run removes what is half written: it and a copy that is made keep out of each other's
      // way.
      const RunLock lock = session.lock_runs();
      answer(session, make_export(session.desk(Access::read_write), *id), render_export);
      return ExitStatus::done;
    };
  });
}

void add_download(CLI::App& group, ChosenVerb& chosen) {
  const auto id = std::make_shared<std::int64_t>(0);
  const auto to = std::make_shared<std::string>();
  CLI::App* verb = add_verb(group,
                            "download",
                            "write a copy that is ready into a new file",
                            "  holdfast export download 5 --to u-4711.zip",
                            chosen);
  verb->add_option("id", *id, "the export's number")->required();
  verb->add_option("--to", *to, "a file that is not there yet; only its owner may read it")
      ->required();
  verb->callback([&chosen, id, to] {
    chosen.carry_out = [id, to](Session& session) {
      answer(session, download_export(session.desk(Access::read_write), *id, *to), render_export);
      return ExitStatus::done;
    };
  });
}

void add_destroy(CLI::App& group, ChosenVerb& chosen) {
  const auto id = std::make_shared<std::int64_t>(0);
  CLI::App* verb = add_verb(group,
                            "destroy",
                            "end a request, and remove its copy: the subject or an administrator",
                            "  holdfast export destroy 5",
                            chosen);
  verb->add_option("id", *id, "the export's number")->required();
  verb->callback([&chosen, id] {
    chosen.carry_out = [id](Session& session) {
      const json result = destroy_export(session.desk(Access::read_write), *id);
      answer(session, result, render_export);
      return result.at("file_left").is_null() ? ExitStatus::done : ExitStatus::failed;
    };
  });
}

void add_list_and_show(CLI::App& group, ChosenVerb& chosen) {
  const auto all = std::make_shared<bool>(false);
  CLI::App* verb = add_verb(group,
                            "list",
                            "the copies that are asked for or ready",
                            "  holdfast export list --all",
                            chosen);
  verb->add_flag("--all", *all, "destroyed ones too");
  verb->callback([&chosen, all] {
    chosen.carry_out = [all](Session& session) {
      answer(session, list_exports(session.desk(Access::read_only), *all), render_exports);
      return ExitStatus::done;
    };
  });
  const auto id = std::make_shared<std::int64_t>(0);
  verb = add_verb(
      group, "show", "one copy: whose, how far, until when", "  holdfast export show 5", chosen);
  verb->add_option("id", *id, "the export's number")->required();
  verb->callback([&chosen, id] {
    chosen.carry_out = [id](Session& session) {
      answer(session, show_export(session.desk(Access::read_only), *id), render_export);
      return ExitStatus::done;
    };
  });
}

}  // namespace

void add_export_verbs(CLI::App& app, ChosenVerb& chosen) {
  CLI::App* group = add_group(app,
                              "export",
                              "a person's own copy of their data",
                              "  holdfast export request --tenant acme --subject u-4711\n"
                              "  holdfast export download 5 --to u-4711.zip");
  add_request(*group, chosen);
  add_make(*group, chosen);
  add_download(*group, chosen);
  add_list_and_show(*group, chosen);
  add_destroy(*group, chosen);
}

}  // namespace holdfast
