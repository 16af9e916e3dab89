// SPDX-License-Identifier: Apache-2.0
#include "jobs/archive_presence.h"

#include <algorithm>
#include <cstddef>

#include "jobs/archive_keeper.h"

namespace holdfast {
namespace {

constexpr std::size_t kNamed = 5;  // enough to find the folder they are in

}  // namespace

std::vector<std::int64_t> archives_not_there(Database& database, ArchiveStore* store) {
  std::vector<std::int64_t> runs = database.ledger().archived_runs();
  if (store == nullptr || runs.empty()) {
    return runs;
  }
  const ArchiveShelf shelf{.store = *store, .database = database};
  const std::vector<std::string> names = store->names();
  const auto is_there = [&names](const std::string& name) {
    return std::binary_search(names.begin(), names.end(), name);
  };
  std::erase_if(runs, [&](std::int64_t run) {
    return is_there(shelf.file_of(run)) || is_there(shelf.manifest_file_of(run));
  });
  return runs;
}

std::string not_there_sentence(const std::vector<std::int64_t>& runs, const ArchiveStore* store) {
  std::string named;
  for (std::size_t i = 0; i < std::min(runs.size(), kNamed); ++i) {
    named += (i == 0 ? "" : ", ") + std::to_string(runs[i]);
  }
  named += runs.size() > kNamed ? " and later ones" : "";
  const std::string where = store == nullptr
                                ? std::string("[archive] is not set, and rows of ")
                                : store->folder() + ": has neither archive nor tombstone of ";
  return where + std::to_string(runs.size()) + (runs.size() == 1 ? " run" : " runs") + " (" +
         named + ")" + (store == nullptr ? " are in archives" : "") +
         ": wherever these are, no [archive].keep ends them and no hold is asked about them; set "
         "[archive].directory to their folder, or put them back with their manifests";
}

}  // namespace holdfast
