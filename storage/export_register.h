// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "policy/export_request.h"
#include "storage/erasure_register.h"

namespace holdfast {

/// The register of the copies that persons asked for. Lines are never taken out. All calls that
/// write belong inside a write. Before `init` it is empty.
class ExportRegister {
 public:
  ExportRegister() = default;
  ExportRegister(const ExportRegister&) = delete;
  ExportRegister& operator=(const ExportRegister&) = delete;
  ExportRegister(ExportRegister&&) = delete;
  ExportRegister& operator=(ExportRegister&&) = delete;
  virtual ~ExportRegister() = default;

  /// Adds a request and returns its id; `request.id` is ignored. Errors: StorageError where the
  /// subject has one in the tenant that is not made yet.
  virtual std::int64_t open(const ExportRequest& request) = 0;
  /// Stores every field of a request. Errors: StorageError where the line is not there.
  virtual void store(const ExportRequest& request) = 0;
  [[nodiscard]] virtual std::optional<ExportRequest> find(std::int64_t id) = 0;
  /// All of a subject in the tenant, by ascending id.
  [[nodiscard]] virtual std::vector<ExportRequest> of(const Subject& subject) = 0;
  /// Those that are not destroyed, by ascending id.
  [[nodiscard]] virtual std::vector<ExportRequest> kept() = 0;
  /// All requests by ascending id.
  [[nodiscard]] virtual std::vector<ExportRequest> all() = 0;
};

}  // namespace holdfast
