// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "storage/registers/register_query.h"
#include "storage/restored_rows.h"

namespace holdfast {

/// Rows that were put back, in holdfast_restored.
class SqlRestoredRows final : public RestoredRows {
 public:
  explicit SqlRestoredRows(const RegisterHome& home) : home_(home) {}

  void add(const RestoredRow& row) override;
  void drop(const RowKey& key) override;
  void for_each(const std::function<void(const RestoredRow&)>& visit) override;

 private:
  RegisterHome home_;
};

}  // namespace holdfast
