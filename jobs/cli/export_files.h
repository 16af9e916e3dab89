// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/export_store.h"

namespace holdfast {

/// Copies as zip files of one folder, which has to be there. Files are made with mode 0600; links,
/// pipes and files with a second name are not handed out.
class ExportFiles final : public ExportStore {
 public:
  /// Nothing is looked at before it is needed.
  explicit ExportFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  [[nodiscard]] std::string folder() const override { return folder_.string(); }
  [[nodiscard]] WrittenExport write(const std::string& name,
                                    const ExportContents& contents) override;
  [[nodiscard]] std::unique_ptr<HandedExport> hand_out(const ExportFile& file,
                                                       const std::string& to) override;
  [[nodiscard]] std::string fault(const ExportFile& file) override;
  [[nodiscard]] std::vector<std::string> names() override;
  bool remove(const std::string& name) override;

 private:
  std::filesystem::path folder_;
};

}  // namespace holdfast
