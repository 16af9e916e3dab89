// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/export_register.h"
#include "storage/registers/register_query.h"

namespace holdfast {

/// The register of exports in holdfast_export.
class SqlExportRegister final : public ExportRegister {
 public:
  explicit SqlExportRegister(const RegisterHome& home) : home_(home) {}

  std::int64_t open(const ExportRequest& request) override;
  void store(const ExportRequest& request) override;
  [[nodiscard]] std::optional<ExportRequest> find(std::int64_t id) override;
  [[nodiscard]] std::vector<ExportRequest> of(const Subject& subject) override;
  [[nodiscard]] std::vector<ExportRequest> kept() override;
  [[nodiscard]] std::vector<ExportRequest> all() override;

 private:
  RegisterHome home_;
};

}  // namespace holdfast
