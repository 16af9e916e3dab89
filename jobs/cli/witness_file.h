// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "jobs/settings.h"
#include "jobs/witness.h"

namespace holdfast {

/// Where the witness file of a configuration lies: [witness].file, or beside the database itself,
/// whatever link leads there.
[[nodiscard]] std::filesystem::path witness_path(const Settings& settings);

/// Renames the file, whatever it is, to <file>.removed-<ms> for a database that gives up its
/// tables, so that the next `init` begins one of its own. Returns the new name, "" where there was
/// none. Errors: JobError.
[[nodiscard]] std::string set_witness_aside(const std::filesystem::path& path, Instant at);

/// The witness in a file that its owner alone may read and write (0600): never a link, never a file
/// with a second name. Lines are appended under a lock that dies with the process, and synced.
class WitnessFile final : public Witness {
 public:
  explicit WitnessFile(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] std::string name() const override { return path_.string(); }
  [[nodiscard]] WitnessText read() override;
  void begin() override;
  void append(const std::string& known, const Lacking& lacking) override;
  std::string replace(const std::vector<std::string>& lines) override;

 private:
  std::filesystem::path path_;
};

}  // namespace holdfast
