// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/cli/export_files.h"
#include "tests/faults/fault_folders.h"

namespace holdfast::testing {

/// A copy that is handed out from the faulty disk.
class FaultHandedExport final : public HandedExport {
 public:
  explicit FaultHandedExport(std::unique_ptr<HandedExport> real) : real_(std::move(real)) {}
  void put_in_place() override {
    require_job(Act::sync, "export");
    real_->put_in_place();
    require_job(Act::sync, "export");
  }

 private:
  std::unique_ptr<HandedExport> real_;
};

/// The folder of the copies on the faulty disk: a copy has no name before it is synced, so whole
/// calls fail, and a power cut takes names that were not synced.
class FaultExports final : public ExportStore {
 public:
  explicit FaultExports(std::filesystem::path folder)
      : folder_(std::move(folder)), real_(folder_) {}

  [[nodiscard]] std::string folder() const override { return folder_.string(); }
  [[nodiscard]] WrittenExport write(const std::string& name,
                                    const ExportContents& contents) override {
    require_job(Act::open, name);
    require_job(Act::write, name);
    require_job(Act::sync, name);
    const bool last_words = refused(Act::sync);
    if (std::filesystem::exists(folder_ / name)) {
      (void)FaultyDisk::the().opened(folder_ / name);
    }
    const WrittenExport written = real_.write(name, contents);
    FaultyDisk::the().replaced(folder_ / name, read_text(folder_ / name));
    if (last_words) {
      throw JobError(ExitStatus::failed, name + ": the folder cannot be synced: the disk failed");
    }
    FaultyDisk::the().names_synced(folder_);
    return written;
  }
  [[nodiscard]] std::unique_ptr<HandedExport> hand_out(const ExportFile& file,
                                                       const std::string& to) override {
    require_job(Act::open, file.name);
    require_job(Act::read, file.name);
    require_job(Act::write, to);
    return std::make_unique<FaultHandedExport>(real_.hand_out(file, to));
  }
  [[nodiscard]] std::string fault(const ExportFile& file) override {
    return refused(Act::look) ? file.name + ": the disk failed" : real_.fault(file);
  }
  [[nodiscard]] std::vector<std::string> names() override {
    require_job(Act::look, folder());
    return real_.names();
  }
  bool remove(const std::string& name) override {
    require_job(Act::remove, name);
    if (std::filesystem::exists(folder_ / name)) {
      (void)FaultyDisk::the().opened(folder_ / name);
    }
    const bool removed = real_.remove(name);
    if (removed) {
      FaultyDisk::the().removed(folder_ / name);
    }
    return removed;
  }

 private:
  std::filesystem::path folder_;
  ExportFiles real_;
};

}  // namespace holdfast::testing
