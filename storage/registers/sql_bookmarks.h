// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "storage/registers/register_query.h"
#include "storage/small_registers.h"

namespace holdfast {

/// The bookmarks in holdfast_bookmark, by name.
class SqlBookmarks final : public BookmarkRegister {
 public:
  explicit SqlBookmarks(const RegisterHome& home) : home_(home) {}

  [[nodiscard]] std::vector<Bookmark> all() override;
  void set(const Bookmark& bookmark) override;
  [[nodiscard]] bool drop(const std::string& name) override;

 private:
  RegisterHome home_;
};

}  // namespace holdfast
