// SPDX-License-Identifier: Apache-2.0
#include "jobs/cli/render_archive.h"

#include "jobs/cli/console.h"
#include "jobs/cli/render.h"

namespace holdfast {

using nlohmann::json;

std::string render_archives(const json& list) {
  std::string text =
      cell(list.at("directory")) + ", archives are kept for " + cell(list.at("keep")) + "\n";
  if (!list.at("fault").is_null()) {
    text += "cannot be written now: " + cell(list.at("fault")) + "\n";
  }
  if (list.at("archives").empty()) {
    return text + "no archive of this database\n";
  }
  TextTable table({"run", "state", "rows", "bytes", "oldest row", "newest row", "destroyed"});
  for (const json& archive : list.at("archives")) {
    const bool gone = !archive.at("destroyed_at").is_null();
    const bool missing = archive.at("state") == "whole" && !archive.at("file_there").get<bool>();
    table.add({archive.at("run_id").dump(),
               missing ? "missing" : cell(archive.at("state")),
               cell(archive.at("rows")),
               cell(archive.at("bytes")),
               cell(archive.at("oldest")),
               cell(archive.at("newest")),
               gone ? cell(archive.at("destroyed_at")) + ", " + cell(archive.at("why"))
                    : "from " + cell(archive.at("destroyed_from"))});
  }
  return text + table.text();
}

std::string render_archive_check(const json& result) {
  std::string text;
  for (const json& archive : result.at("archives")) {
    if (!archive.at("ok").get<bool>()) {
      text += cell(archive.at("problem")) + "\n";
    } else {
      text += cell(archive.at("file")) + ": " + cell(archive.at("state")) + ", " +
              archive.at("rows").dump() + " rows" +
              (archive.at("digests_checked").get<bool>()
                   ? ", digests recomputed"
                   : ", without digests: none were made, or the salt is destroyed") +
              "\n";
    }
  }
  return text + (result.at("ok").get<bool>() ? "every archive holds\n" : "");
}

std::string render_restored(const json& result) {
  std::string text = "put back " + result.at("restored").dump() + " rows of run " +
                     result.at("run_id").dump() + "; " + result.at("already_there").dump() +
                     " were there already\n";
  for (const json& key : result.at("not_in_it")) {
    text += "not in the archive: " + cell(key) + "\n";
  }
  for (const json& advice : result.at("advice")) {
    text += cell(advice) + "\n";
  }
  return text;
}

std::string render_destroyed_archive(const json& result) {
  return "destroyed " + cell(result.at("file")) + " with " + result.at("rows").dump() +
         " rows; its manifest stays as the tombstone\n";
}

}  // namespace holdfast
