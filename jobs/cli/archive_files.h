// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/archive_store.h"

namespace holdfast {

/// Archives as files of one folder, which has to be there. Files are made with mode 0600; links,
/// pipes and files with a second name are refused.
class ArchiveFiles final : public ArchiveStore {
 public:
  /// Nothing is looked at before it is needed.
  explicit ArchiveFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::string folder() const override { return folder_.string(); }
  [[nodiscard]] std::string fault() override;
  [[nodiscard]] std::vector<std::string> names() override;
  [[nodiscard]] std::unique_ptr<ArchiveFile> open(const std::string& name, ArchiveUse use) override;
  [[nodiscard]] std::unique_ptr<ArchiveFile> create(const std::string& name) override;
  void replace(const std::string& name, std::string_view bytes) override;
  bool remove(const std::string& name) override;
  void sync() override;

 private:
  std::filesystem::path folder_;
};

}  // namespace holdfast
