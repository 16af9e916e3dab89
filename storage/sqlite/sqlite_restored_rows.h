// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "storage/restored_rows.h"
#include "storage/sqlite/register_query.h"

namespace holdfast {

/// Rows that were put back, in holdfast_restored.
class SqliteRestoredRows final : public RestoredRows {
 public:
  explicit SqliteRestoredRows(const RegisterHome& home) : home_(home) {}

  void add(const RestoredRow& row) override;
  void drop(const RowKey& key) override;
  void for_each(const std::function<void(const RestoredRow&)>& visit) override;

 private:
  RegisterHome home_;
};

}  // namespace holdfast
