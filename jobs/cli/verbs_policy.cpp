// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "jobs/cli/config_file.h"
#include "jobs/cli/file_bytes.h"
#include "jobs/cli/render.h"
#include "jobs/cli/verbs.h"
#include "jobs/cli/written_file.h"
#include "jobs/digest.h"
#include "jobs/job_error.h"
#include "jobs/policy_desk.h"

namespace holdfast {
namespace {

using nlohmann::json;

Settings load_changed(Session& session, const std::string& file) {
  Settings changed = load_config(file);
  if (changed.database != session.settings().database) {
    throw JobError(ExitStatus::invalid,
                   file + ": [database].path is " + changed.database.string() +
                       ", and the configuration in force is for " +
                       session.settings().database.string());
  }
  return changed;
}

/// A changed configuration that lies ready beside the one in force. What can fail fails here,
/// before the change is recorded: recorded and not in the file, the next run would undo it.
class StagedConfig {
 public:
  /// The bytes that were read and checked, as `changed` knows them by their SHA-256.
  StagedConfig(const Settings& changed, const std::filesystem::path& config)
      : to_(std::filesystem::canonical(config)), next_(to_) {
    next_ += ".new";
    const auto read = read_file_bytes(changed.source.path);
    if (!read || sha256_hex(read->bytes) != changed.source.sha256) {
      throw JobError(ExitStatus::failed,
                     changed.source.path.string() +
                         ": was changed while it was read; nothing was recorded or changed");
    }
    try {
      // What was left there is never written through: it may be a link.
      ::unlink(next_.c_str());
      write_fresh_file(next_, read->bytes, Readers::owner);
      keep_owner();
      std::filesystem::permissions(next_, std::filesystem::status(to_).permissions());
    } catch (const std::exception& problem) {
      throw JobError(ExitStatus::failed,
                     std::string(problem.what()) + ": policy apply replaces " + to_.string() +
                         ", so run it as a user who may write to that folder; nothing was "
                         "recorded or changed");
    }
  }
  StagedConfig(const StagedConfig&) = delete;
  StagedConfig& operator=(const StagedConfig&) = delete;
  StagedConfig(StagedConfig&&) = delete;
  StagedConfig& operator=(StagedConfig&&) = delete;
  ~StagedConfig() {
    std::error_code ignored;  // after install() there is nothing to remove
    std::filesystem::remove(next_, ignored);
  }

  void install() {
    std::filesystem::rename(next_, to_);
    sync_folder(to_.parent_path());
  }

 private:
  /// Whom the file belongs to, and its group, may be who reads it at night.
  void keep_owner() const {
    struct stat was {};
    struct stat is {};
    if (::stat(to_.c_str(), &was) != 0 || ::lstat(next_.c_str(), &is) != 0 ||
        ((was.st_uid != is.st_uid || was.st_gid != is.st_gid) &&
         ::lchown(next_.c_str(), was.st_uid, was.st_gid) != 0)) {
      throw std::system_error(
          errno,
          std::generic_category(),
          next_.string() + ": cannot be given the owner and group of " + to_.string());
    }
  }

  std::filesystem::path to_;
  std::filesystem::path next_;
};

ExitStatus diff(Session& session, const std::string& file) {
  const Desk desk = session.desk(Access::read_only);
  answer(session, diff_policy(desk, load_changed(session, file)), render_policy_diff);
  return ExitStatus::done;
}

ExitStatus apply(Session& session, const std::string& file, const std::string& reason) {
  const Desk desk = session.desk(Access::read_write);
  const Settings changed = load_changed(session, file);
  std::optional<StagedConfig> staged;
  if (!std::filesystem::equivalent(file, session.options().config)) {
    staged.emplace(changed, session.options().config);
  }
  const json result = apply_policy(desk, changed, reason);
  if (staged) {
    staged->install();
  }
  answer(session, result, render_policy_diff);
  return ExitStatus::done;
}

}  // namespace

void add_policy_verbs(CLI::App& app, ChosenVerb& chosen) {
  CLI::App* policy = add_group(app,
                               "policy",
                               "retention windows, floors and presets",
                               "  holdfast policy show\n  holdfast policy diff changed.toml");
  CLI::App* verb = add_verb(
      *policy, "show", "the effective windows with their basis", "  holdfast policy show", chosen);
  verb->callback([&chosen] {
    chosen.carry_out = [](Session& session) {
      answer(session, show_policy(session.desk(Access::read_only)), render_policy);
      return ExitStatus::done;
    };
  });
  const auto file = std::make_shared<std::string>();
  const auto reason = std::make_shared<std::string>();
  verb = add_verb(*policy,
                  "diff",
                  "what a changed configuration would newly delete",
                  "  holdfast policy diff changed.toml",
                  chosen);
  verb->add_option("file", *file, "the changed configuration")->required();
  verb->callback([&chosen, file] {
    chosen.carry_out = [file](Session& session) {
      return diff(session, *file);
    };
  });
  verb = add_verb(*policy,
                  "apply",
                  "put a changed configuration in force, with who and why",
                  "  holdfast policy apply changed.toml --reason \"contract 2026-11\"",
                  chosen);
  verb->add_option("file", *file, "the changed configuration")->required();
  verb->add_option("--reason", *reason, "why, for an auditor")->required();
  verb->callback([&chosen, file, reason] {
    chosen.carry_out = [file, reason](Session& session) {
      return apply(session, *file, *reason);
    };
  });
  verb = add_verb(*policy,
                  "presets",
                  "regulation presets with their citations",
                  "  holdfast policy presets",
                  chosen);
  verb->callback([&chosen] {
    chosen.carry_out = [](Session& session) {
      answer(session, list_presets(), render_presets);
      return ExitStatus::done;
    };
  });
  verb = add_verb(app,
                  "catalogue",
                  "the audit codes with category, severity, effective retention",
                  "  holdfast catalogue --json",
                  chosen);
  verb->callback([&chosen] {
    chosen.carry_out = [](Session& session) {
      answer(session, show_catalogue(session.settings()), render_catalogue);
      return ExitStatus::done;
    };
  });
}

}  // namespace holdfast
