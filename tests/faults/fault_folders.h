// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/cli/archive_files.h"
#include "jobs/cli/key_files.h"
#include "jobs/cli/witness_file.h"
#include "jobs/job_error.h"
#include "tests/faults/faulty_disk.h"

namespace holdfast::testing {

inline bool refused(Act act) {
  return FaultyDisk::the().pass(act) != Verdict::go_on;
}

inline void require_archive(Act act, const std::string& name) {
  if (refused(act)) {
    throw ArchiveError(name + ": the disk failed");
  }
}

/// A file of the archive folder on the faulty disk.
class FaultArchiveFile final : public ArchiveFile {
 public:
  FaultArchiveFile(std::unique_ptr<ArchiveFile> real, const std::filesystem::path& path)
      : real_(std::move(real)), file_(FaultyDisk::the().opened(path)) {}

  [[nodiscard]] std::int64_t size() override {
    require(Act::look);
    return real_->size();
  }
  void append(std::string_view bytes) override {
    const Verdict verdict = FaultyDisk::the().pass(Act::write);
    if (verdict == Verdict::half) {
      add(bytes.substr(0, bytes.size() / 2));
    } else if (verdict == Verdict::go_on || FaultyDisk::the().power_lost()) {
      add(bytes);
    }
    if (verdict != Verdict::go_on) {
      throw ArchiveError(file_->path.string() + ": cannot be written: the disk failed");
    }
  }
  [[nodiscard]] std::string read(std::int64_t offset, std::int64_t most) override {
    require(Act::read);
    return real_->read(offset, most);
  }
  void truncate(std::int64_t bytes) override {
    require(Act::truncate);
    real_->truncate(bytes);
    FaultyDisk::the().cut(*file_, bytes);
  }
  void sync() override {
    require(Act::sync);
    FaultyDisk::the().synced(*file_);
  }
  void require_in_place() override {
    require(Act::look);
    real_->require_in_place();
  }

 private:
  void require(Act act) const { require_archive(act, file_->path.string()); }
  void add(std::string_view bytes) {
    FaultyDisk::the().wrote(*file_, real_->size(), bytes);
    real_->append(bytes);
  }

  std::unique_ptr<ArchiveFile> real_;
  std::shared_ptr<FaultyDisk::File> file_;
};

/// The archive folder on the faulty disk.
class FaultArchives final : public ArchiveStore {
 public:
  explicit FaultArchives(std::filesystem::path folder)
      : folder_(std::move(folder)), real_(folder_) {}

  [[nodiscard]] std::string folder() const override { return folder_.string(); }
  [[nodiscard]] std::string fault() override {
    return refused(Act::write) ? "the disk failed" : real_.fault();
  }
  [[nodiscard]] std::vector<std::string> names() override {
    require_archive(Act::look, folder());
    return real_.names();
  }
  [[nodiscard]] std::unique_ptr<ArchiveFile> open(const std::string& name,
                                                  ArchiveUse use) override {
    require_archive(Act::open, name);
    auto opened = real_.open(name, use);
    return opened ? tracked(std::move(opened), name) : nullptr;
  }
  [[nodiscard]] std::unique_ptr<ArchiveFile> create(const std::string& name) override {
    require_archive(Act::open, name);
    return tracked(real_.create(name), name);
  }
  void replace(const std::string& name, std::string_view bytes) override {
    require_archive(Act::write, name);
    require_archive(Act::sync, name);
    const bool last_words = refused(Act::sync);
    // Renamed at once and on the disk only when the folder is synced.
    FaultyDisk::the().replaced(folder_ / name, bytes);
    real_.replace(name, bytes);
    if (last_words) {
      throw ArchiveError(name + ": the folder cannot be synced");
    }
    FaultyDisk::the().names_synced(folder_);
  }
  bool remove(const std::string& name) override {
    require_archive(Act::remove, name);
    if (std::filesystem::exists(folder_ / name)) {
      (void)FaultyDisk::the().opened(folder_ / name);
    }
    const bool removed = real_.remove(name);
    if (removed) {
      FaultyDisk::the().removed(folder_ / name);
    }
    return removed;
  }
  void sync() override {
    require_archive(Act::sync, folder());
    FaultyDisk::the().names_synced(folder_);
  }

 private:
  [[nodiscard]] std::unique_ptr<ArchiveFile> tracked(std::unique_ptr<ArchiveFile> real,
                                                     const std::string& name) const {
    return std::make_unique<FaultArchiveFile>(std::move(real), folder_ / name);
  }

  std::filesystem::path folder_;
  ArchiveFiles real_;
};

inline void require_job(Act act, const std::string& name) {
  if (refused(act)) {
    throw JobError(ExitStatus::failed, name + ": the disk failed");
  }
}

/// The witness file on the faulty disk. Whole calls fail, but for lines that are torn.
class FaultWitness final : public Witness {
 public:
  explicit FaultWitness(std::filesystem::path path) : path_(std::move(path)), real_(path_) {}

  [[nodiscard]] std::string name() const override { return path_.string(); }
  [[nodiscard]] WitnessText read() override {
    require_job(Act::read, name());
    return real_.read();
  }
  void begin() override {
    require_job(Act::open, name());
    real_.begin();
  }
  void append(const std::string& known, const Lacking& lacking) override {
    const bool torn = refused(Act::write);
    const bool unsure = !torn && refused(Act::sync);
    std::vector<std::string> lines;
    real_.append(known, [&](WitnessText text) {
      lines = lacking(std::move(text));
      return torn ? std::vector<std::string>{} : lines;
    });
    if (torn && !lines.empty()) {
      std::ofstream{path_, std::ios::binary | std::ios::app}
          << lines.front().substr(0, lines.front().size() / 2);
    }
    if (torn || unsure) {
      throw JobError(ExitStatus::failed, name() + ": the disk failed");
    }
  }
  std::string replace(const std::vector<std::string>& lines) override {
    require_job(Act::write, name());
    return real_.replace(lines);
  }

 private:
  std::filesystem::path path_;
  WitnessFile real_;
};

/// The tenants' keys on the faulty disk: whole calls fail.
class FaultKeys final : public ErasureKeys {
 public:
  explicit FaultKeys(const std::filesystem::path& folder) : real_(folder) {}

  [[nodiscard]] std::optional<std::string> read(const ErasureKeyLine& line) override {
    require_job(Act::read, "key");
    return real_.read(line);
  }
  void write(const ErasureKeyLine& line, const std::string& key) override {
    require_job(Act::write, "key");
    real_.write(line, key);
    require_job(Act::sync, "key");
  }
  [[nodiscard]] bool destroy(const ErasureKeyLine& line) override {
    require_job(Act::remove, "key");
    return real_.destroy(line);
  }

 private:
  KeyFiles real_;
};

}  // namespace holdfast::testing
